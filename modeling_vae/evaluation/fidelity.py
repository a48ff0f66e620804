"""Figures of single pictures and of posteriors: pure functions of tensors, computed in float64."""

from __future__ import annotations

import math
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

SSIM_SIDE, SSIM_SIGMA = 11, 1.5
SSIM_K1, SSIM_K2 = 0.01, 0.03
LUMA = (0.299, 0.587, 0.114)

Nats = TypeVar("Nats", float, Tensor)


def psnr(a: Tensor, b: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB, float64 [N]: -10 log10 of the mean squared error. Infinite where equal.

    Args:
        a, b: pixel_values [N, C, H, W] in [0, 1].
    """
    a, b = _pair(a, b)
    return -10.0 * torch.log10((a - b).square().flatten(1).mean(dim=1))


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """Structural similarity, float64 [N], 1 where equal (Wang et al. 2004): Gaussian window of 11 x 11 pixels with
    standard deviation 1.5, K1 = 0.01, K2 = 0.03, only windows that lie wholly inside; mean over them and channels.

    Args:
        a, b: pixel_values [N, C, H, W] in [0, 1], sides of at least 11.
    """
    a, b = _pair(a, b)
    if min(a.shape[2:]) < SSIM_SIDE:
        raise ValueError(f"SSIM needs pictures of at least {SSIM_SIDE} x {SSIM_SIDE}, but they are {list(a.shape)}.")
    mean_a, mean_b = _window_mean(a), _window_mean(b)
    variance_a = _window_mean(a * a) - mean_a.square()
    variance_b = _window_mean(b * b) - mean_b.square()
    covariance = _window_mean(a * b) - mean_a * mean_b
    c1, c2 = SSIM_K1**2, SSIM_K2**2
    luminance = (2 * mean_a * mean_b + c1) / (mean_a.square() + mean_b.square() + c1)
    structure = (2 * covariance + c2) / (variance_a + variance_b + c2)
    return (luminance * structure).flatten(1).mean(dim=1)


def sharpness(pixel_values: Tensor) -> Tensor:
    """Variance of the Laplacian [[0, 1, 0], [1, -4, 1], [0, 1, 0]] of the grey picture in 0..255, float64 [N].

    Args:
        pixel_values: [N, C, H, W] in [0, 1], sides of at least 3; three channels become
            0.299 R + 0.587 G + 0.114 B. Only pixels with all four neighbours count.
    """
    values = _pictures(pixel_values)
    if min(values.shape[2:]) < 3:
        raise ValueError(f"Sharpness needs pictures of at least 3 x 3, but they are {list(values.shape)}.")
    grey = 255.0 * values[:, 0]
    if values.shape[1] == 3:
        grey = 255.0 * torch.einsum("nchw,c->nhw", values, values.new_tensor(LUMA))
    around = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:]
    return (around - 4.0 * grey[:, 1:-1, 1:-1]).flatten(1).var(dim=1, correction=0)


def bits_per_dimension(nats: Nats, dimensions: int, levels: int | None = None) -> Nats:
    """A negative log-likelihood (or its bound) in nats per picture as bits per dimension: nats / (dimensions ln 2).

    Args:
        nats: -log of a density over pixel values in [0, 1].
        dimensions: C * H * W.
        levels: where given, of the discrete pictures with so many equally spaced levels (256 for 8 bits): their
            probability is the density times the cell's width, 1 / (levels - 1), so log2(levels - 1) is added.
    """
    if dimensions < 1:
        raise ValueError(f"dimensions is {dimensions}; a picture has at least one.")
    bits = nats / (dimensions * math.log(2.0))
    return bits if levels is None else bits + math.log2(levels - 1)


def active_units(means: Tensor, threshold: float = 0.01) -> int:
    """How many latent dimensions carry something about the picture (Burda, Grosse and Salakhutdinov 2016): those
    whose posterior mean varies over the pictures by more than `threshold`.

    Args:
        means: posterior means [N, D], N at least 2.
    """
    if means.ndim != 2 or len(means) < 2:
        raise ValueError(
            f"means has shape {list(means.shape)}; give the posterior means [N, D] of at least 2 pictures."
        )
    return int((means.double().var(dim=0) > threshold).sum())


def _window_mean(values: Tensor) -> Tensor:
    """[N, C, H, W] -> [N, C, H - 10, W - 10], means under the Gaussian window."""
    offsets = torch.arange(SSIM_SIDE, dtype=values.dtype, device=values.device) - SSIM_SIDE // 2
    weights = torch.exp(-offsets.square() / (2 * SSIM_SIGMA**2))
    weights = weights / weights.sum()
    planes = values.flatten(0, 1)[:, None]
    planes = F.conv2d(F.conv2d(planes, weights.view(1, 1, -1, 1)), weights.view(1, 1, 1, -1))
    result: Tensor = planes[:, 0].unflatten(0, values.shape[:2])
    return result


def _pair(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    if a.shape != b.shape:
        raise ValueError(f"Pictures of shape {list(a.shape)} and {list(b.shape)} cannot be compared.")
    return _pictures(a), _pictures(b)


def _pictures(pixel_values: Tensor) -> Tensor:
    """Checked, float64; on the CPU, as not every device has float64."""
    if pixel_values.ndim != 4 or pixel_values.shape[1] not in (1, 3):
        raise ValueError(f"pixel_values has shape {list(pixel_values.shape)}; give [N, 1 or 3, height, width].")
    return pixel_values.detach().to("cpu", torch.float64)
