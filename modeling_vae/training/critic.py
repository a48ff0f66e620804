"""The critic of the adversarial term, and the differentiable augmentation it looks through."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Critic(nn.Module):
    """Strided convolutions and a minibatch deviation (Karras et al. 2018): [N, C, H, W] -> one logit each, [N].

    Args:
        num_channels: C.
        channels: after each halving.
    """

    def __init__(self, num_channels: int, channels: list[int]) -> None:
        super().__init__()
        widths = [num_channels, *channels]
        layers: list[nn.Module] = []
        for before, after in zip(widths, widths[1:], strict=False):
            layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*layers)
        self.last = nn.Sequential(
            nn.Conv2d(channels[-1] + 1, channels[-1], 3, padding=1), nn.LeakyReLU(0.2), nn.AdaptiveAvgPool2d(4),
            nn.Flatten(), nn.Linear(16 * channels[-1], 1),
        )  # fmt: skip

    def forward(self, pixel_values: Tensor) -> Tensor:
        hidden = self.body(2 * pixel_values - 1)
        deviation = torch.sqrt(hidden.float().var(0, unbiased=False) + 1e-8).mean()
        deviation = deviation.to(hidden.dtype).expand(hidden.shape[0], 1, *hidden.shape[2:])
        return self.last(torch.cat([hidden, deviation], dim=1)).squeeze(1)


def augment(pixel_values: Tensor, shift: float, brightness: float) -> Tensor:
    """Shift and brighten each picture at random, differentiably (Zhao et al. 2020), so that few pictures last longer.

    Args:
        pixel_values: [N, C, H, W].
        shift: by up to this share of the sides; what comes in from outside is the border's own colour.
        brightness: by up to this much, added to every pixel value.
    """
    count, _, height, width = pixel_values.shape
    if brightness:
        offset = (2 * torch.rand(count, 1, 1, 1, device=pixel_values.device) - 1) * brightness
        pixel_values = pixel_values + offset.to(pixel_values.dtype)
    rows, columns = int(shift * height), int(shift * width)
    if not rows and not columns:
        return pixel_values
    padded = F.pad(pixel_values, (columns, columns, rows, rows), mode="replicate")
    top = torch.randint(0, 2 * rows + 1, (count, 1), device=pixel_values.device) + torch.arange(
        height, device=pixel_values.device
    )
    left = torch.randint(0, 2 * columns + 1, (count, 1), device=pixel_values.device) + torch.arange(
        width, device=pixel_values.device
    )
    picture = torch.arange(count, device=pixel_values.device)[:, None, None]
    # [N, H, W, C]: each picture's own window
    return padded.permute(0, 2, 3, 1)[picture, top[:, :, None], left[:, None, :]].permute(0, 3, 1, 2)
