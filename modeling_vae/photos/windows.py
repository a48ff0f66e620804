"""Many small windows of one photo at once: turned, of any size, each sampled at a resolution that fits it."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

OVERSAMPLING = 2
"""Samples per pixel of a window and axis."""


class PhotoWindows:
    """A photo and its halvings, from which windows are sampled without aliasing.

    Args:
        photo: of any size.
        num_channels: of the windows, 3 for RGB or 1 for grey.
    """

    def __init__(self, photo: Image.Image, num_channels: int) -> None:
        self.width, self.height = photo.size
        self.levels: list[Tensor] = []  # [1, C, H / 2^k, W / 2^k]
        level = photo.convert("L" if num_channels == 1 else "RGB")
        while True:
            grey_levels = torch.from_numpy(np.array(level)).reshape(level.height, level.width, num_channels)
            self.levels.append(grey_levels.permute(2, 0, 1)[None].float() / 255)
            if min(level.size) < 2:
                break
            level = level.reduce(2)

    def windows(self, crops: Tensor, height: int, width: int) -> Tensor:
        """Crops [N, 4] (x, y, height, angle in radians, clockwise) -> windows [N, C, height, width] in [0, 1].

        Beyond the photo's edge its pixels are repeated.
        """
        points = window_points(height * OVERSAMPLING, width * OVERSAMPLING)
        octaves = (crops[:, 2] / (height * OVERSAMPLING)).log2().floor().clamp(0, len(self.levels) - 1).long()
        windows = torch.empty(len(crops), self.levels[0].shape[1], height, width)
        for octave in octaves.unique().tolist():
            chosen = octaves == octave
            level, part = self.levels[octave], crops[chosen].float()
            places = part[:, None, None, :2] + rotate(points[None], part[:, 3], part[:, 2] / 2)  # [n, H, W, 2]
            size = torch.tensor([level.shape[3], level.shape[2]], dtype=torch.float32)
            grid = places / 2**octave / size * 2 - 1
            sampled = F.grid_sample(
                level.expand(len(part), -1, -1, -1), grid, "bilinear", "border", align_corners=False
            )
            windows[chosen] = F.avg_pool2d(sampled, OVERSAMPLING)
        return windows


def window_points(height: int, width: int) -> Tensor:
    """Centres of a window's pixels, [height, width, 2]: (x, y) in half heights from the window's centre."""
    y = (torch.arange(height) + 0.5) / height * 2 - 1
    x = ((torch.arange(width) + 0.5) / width * 2 - 1) * (width / height)
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)


def rotate(points: Tensor, angles: Tensor, scales: Tensor) -> Tensor:
    """points [N or 1, H, W, 2] turned clockwise (y is down) by angles [N] and scaled by scales [N]."""
    cos, sin = (scales * angles.cos())[:, None, None], (scales * angles.sin())[:, None, None]
    x, y = points.unbind(-1)
    return torch.stack([cos * x - sin * y, sin * x + cos * y], dim=-1)
