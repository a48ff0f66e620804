"""The posterior q(z | x): a Gaussian with a diagonal covariance."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .elbo import kl_divergence


@dataclass(frozen=True)
class DiagonalGaussian:
    """N(mean, diag(exp(logvar))), one for each picture.

    Args:
        mean: [N, D].
        logvar: [N, D], natural logarithm of the variance.
    """

    mean: Tensor
    logvar: Tensor

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """One latent for each picture, [N, D], differentiable in mean and logvar (Kingma and Welling 2014)."""
        noise = torch.randn(self.mean.shape, generator=generator, device=self.mean.device, dtype=self.mean.dtype)
        return self.mean + torch.exp(0.5 * self.logvar) * noise

    def kl(self) -> Tensor:
        """KL(q(z|x) || N(0, I)) in nats, [N, D]: one figure for each dimension."""
        return kl_divergence(self.mean, self.logvar)
