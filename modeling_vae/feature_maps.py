"""What feature maps of pictures are compared by: place by place, and by how much goes on nearby."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .model.elbo import precise


def relative_l1(output: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference, relative to the target's mean magnitude."""
    return (output - target).abs().mean() / target.abs().mean().clamp_min(1e-6)


def details(pixel_values: Tensor) -> Tensor:
    """What taking away the mean of the 3 x 3 pixels around each leaves: [N, C, H, W], at least float32."""
    with torch.autocast(pixel_values.device.type, enabled=False):
        pixel_values = precise(pixel_values)
        channels = pixel_values.shape[1]
        square = pixel_values.new_full((channels, 1, 3, 3), 1 / 9)
        return pixel_values - F.conv2d(F.pad(pixel_values, [1] * 4, "replicate"), square, groups=channels)


def local_deviation(maps: Tensor, cells: int = 8) -> Tensor:
    """Standard deviation of [N, C, H, W] within each of 8 x 8 cells (of at least 2 x 2 places): [N, C, h, w]."""
    height, width = (max(2, side // cells) for side in maps.shape[2:])
    mean = F.avg_pool2d(maps, (height, width))
    variance = F.avg_pool2d(maps.square(), (height, width)) - mean.square()
    floor = 1e-4 * maps.detach().square().mean() + 1e-8  # the root's slope is infinite at 0
    return torch.sqrt(variance.clamp_min(0) + floor)
