"""The Gaussian of the latents of late."""

from __future__ import annotations

import torch

from modeling_vae.training.terms.running_fit import RunningFit


def test_the_running_fit_is_of_the_last_latents():
    fit = RunningFit(3, size=50)
    latents = (
        torch.randn(130, 3, generator=torch.Generator().manual_seed(1)) @ torch.diag(torch.tensor([1.0, 2, 3])) + 5
    )
    for batch in latents.split(7):
        fit.update(batch)
    last = latents[-50:]
    torch.testing.assert_close(fit.queue.sort(0).values, last.sort(0).values)
    mean, factor = fit.gaussian().mean, fit.gaussian().factor()
    torch.testing.assert_close(mean, last.mean(0))
    torch.testing.assert_close(factor @ factor.T, torch.cov(last.T), rtol=1e-2, atol=1e-2)
