"""What is done to pictures before a probe learns from them, so that it knows the thing and not its place.

Nothing is mirrored, as some attributes are about left and right.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

SHIFT = 1 / 16
"""Shifts are up to this share of the side."""
TURN, ZOOM = 0.15, 0.15
"""Radians, and shares of the size, up to which pictures are turned and made larger or smaller."""
BRIGHTNESS, CONTRAST = 0.15, 0.2
"""What is added to all values at most, and by which share their distance from grey changes at most."""

Augmentation = Callable[[Tensor, torch.Generator], Tensor]
"""Pictures uint8 [N, H, W, C] and where chance comes from -> [N, C, H, W] in [0, 1], channels last."""


def shifted(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Each picture shifted a little, its border drawn out."""
    count, height, width = pictures.shape[:3]
    places = []
    for side in (height, width):
        most = round(SHIFT * side)
        shift = torch.randint(-most, most + 1, (count, 1), generator=generator)
        places.append((torch.arange(side) + shift).clamp(0, side - 1))
    levels = pictures[torch.arange(count)[:, None, None], places[0][:, :, None], places[1][:, None, :]]
    return levels.permute(0, 3, 1, 2).float().div(255)


def disturbed(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Each picture shifted, turned, resized and lit otherwise, a little, its border drawn out."""
    inputs = shifted(pictures, generator)
    count, _, height, width = inputs.shape

    def drawn(most: float) -> Tensor:
        return most * (2 * torch.rand(count, generator=generator) - 1)

    angle, size, none = drawn(TURN), 1 + drawn(ZOOM), torch.zeros(count)
    along, across = size * angle.cos(), size * angle.sin()
    # a grid's coordinates go from -1 to 1 along either side, however long it is
    turn = torch.stack([along, -across * height / width, none, across * width / height, along, none], dim=1)
    grid = F.affine_grid(turn.view(count, 2, 3), list(inputs.shape), align_corners=False)
    inputs = F.grid_sample(inputs, grid, padding_mode="border", align_corners=False)
    brightness, contrast = drawn(BRIGHTNESS), 1 + drawn(CONTRAST)
    lit = (inputs - 0.5) * contrast[:, None, None, None] + 0.5 + brightness[:, None, None, None]
    return lit.clamp(0, 1).contiguous(memory_format=torch.channels_last)
