"""The terms of the evidence lower bound, in nats: pure functions of tensors (Kingma and Welling 2014).

Half-precision inputs are raised to float32 before anything is summed; float64 stays float64.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

SMALLEST_VARIANCE = 1e-8
"""Floor of the optimal variance, so that a perfect reconstruction has a finite likelihood."""


def optimal_variance(reconstruction: Tensor, pixel_values: Tensor, likelihood: str) -> Tensor:
    """The variance that maximises the likelihood of a batch: a scalar.

    For `gaussian` the mean squared error (sigma-VAE, Rybkin, Daniilidis and Levine 2021); for `laplace`, whose scale
    b has its optimum at the mean absolute error, 2 b^2.
    """
    error = precise(reconstruction) - precise(pixel_values)
    variance = error.square().mean() if likelihood == "gaussian" else 2 * error.abs().mean().square()
    return variance.clamp_min(SMALLEST_VARIANCE)


def reconstruction_nll(
    reconstruction: Tensor, pixel_values: Tensor, likelihood: str, variance: float | Tensor | str = "optimal"
) -> Tensor:
    """-log p(x | z) in nats, summed over each picture: [N].

    Args:
        reconstruction: [N, C, H, W] in [0, 1], the mean of each pixel value.
        pixel_values: [N, C, H, W] in [0, 1].
        likelihood: `bernoulli` (as is usual, also for values between 0 and 1), `gaussian` or `laplace`.
        variance: of the Gaussian or Laplace distribution, or `"optimal"`, see `optimal_variance`.
    """
    reconstruction, pixel_values = precise(reconstruction), precise(pixel_values)
    if likelihood == "bernoulli":
        # autocast forbids it, as unsafe in half precision; here it is float32
        with torch.autocast(reconstruction.device.type, enabled=False):
            return F.binary_cross_entropy(reconstruction, pixel_values, reduction="none").flatten(1).sum(1)
    error = reconstruction - pixel_values
    if isinstance(variance, str):
        variance = optimal_variance(reconstruction, pixel_values, likelihood)
    variance = torch.as_tensor(variance, dtype=error.dtype, device=error.device)
    if likelihood == "gaussian":
        nll = 0.5 * (error.square() / variance + torch.log(2 * math.pi * variance))
    elif likelihood == "laplace":
        scale = torch.sqrt(variance / 2)
        nll = error.abs() / scale + torch.log(2 * scale)
    else:
        raise ValueError(f"likelihood={likelihood!r} is not known: give 'bernoulli', 'gaussian' or 'laplace'.")
    return nll.flatten(1).sum(1)


def kl_divergence(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, exp(logvar)) || N(0, 1)) in nats for each picture and dimension: [N, D]."""
    mean, logvar = precise(mean), precise(logvar)
    return 0.5 * (mean.square() + logvar.exp() - 1 - logvar)


def free_bits(kl: Tensor, floor: float) -> Tensor:
    """Nats per picture, a scalar: each dimension's mean counts for at least `floor` (Kingma et al. 2016).

    Args:
        kl: [N, D] nats.
        floor: nats per dimension that cost nothing; 0 gives the plain mean of the sums.
    """
    return kl.mean(0).clamp_min(floor).sum() if floor else kl.mean(0).sum()


def precise(values: Tensor) -> Tensor:
    """Half precision raised to float32; anything else as it is."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
