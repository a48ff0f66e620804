"""An edit that ends where the crop ends, and shows no edge there: each size of detail fades over a width of its own.

A colour that changes in the whole face would end in a square if it faded as fast as a hair may. So the difference is
taken apart into bands, from fine to coarse, and the coarser a band is the wider it fades (Burt and Adelson 1983).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

FEATHER = 0.04
"""Share of the crop's side over which the finest details fade out towards the crop's edge."""
WIDEST = 0.35
"""Share of the side over which what is left fades: colours."""
FINEST = 0.01
"""Share of the side by which a difference is blurred to leave out the finest band; each next is twice as coarse."""


def soft_edges(difference: Tensor) -> Tensor:
    """Differences [N, C, H, W] whose coarser bands fade towards the edges; the finest is left as it is, see `ramp`."""
    height, across = difference.shape[2:]
    rest, kept = difference.float(), torch.zeros_like(difference, dtype=torch.float32)
    width, deviation = FEATHER, FINEST * min(height, across)
    fade = torch.ones(height, across)
    while 2 * width < WIDEST:
        coarse = _blurred(rest, deviation)
        kept = kept + (rest - coarse) * fade
        rest, width, deviation = coarse, 2 * width, 2 * deviation
        fade = _window(height, across, width)
    return kept + rest * _window(height, across, WIDEST)


def ramp(distance: Tensor, width: float) -> Tensor:
    """0 at the edge, smoothly to 1: of distances from the edge, and where it is reached, in shares of the side."""
    t = (distance / width).clamp(0, 1)
    return t * t * (3 - 2 * t)


def _window(height: int, width: int, feather: float) -> Tensor:
    """[height, width]: 1 in the middle, 0 at the edges, round in the corners."""
    sides = [(torch.arange(side) + 0.5) / side for side in (height, width)]
    down, across = (ramp(torch.minimum(place, 1 - place), feather) for place in sides)
    return down[:, None] * across


def _blurred(pictures: Tensor, deviation: float) -> Tensor:
    """By a Gaussian of this deviation in pixels; beyond the edges their pixels are repeated."""
    radius, channels = max(1, round(3 * deviation)), pictures.shape[1]
    kernel = torch.exp(-torch.arange(-radius, radius + 1).float().square() / (2 * deviation**2))
    kernel = (kernel / kernel.sum()).expand(channels, 1, -1)
    pictures = F.pad(pictures, (radius, radius, radius, radius), mode="replicate")
    pictures = F.conv2d(pictures, kernel[:, :, None, :], groups=channels)
    return F.conv2d(pictures, kernel[:, :, :, None], groups=channels)
