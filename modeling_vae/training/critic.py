"""The critic of the adversarial term, and the differentiable augmentation it looks through."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .perceptual import details

BANDS = ((3, 8.0), (9, 3.0))
"""Sides of the squares whose mean is taken away, and what then brings ordinary pictures to a deviation near 1."""


class Critic(nn.Module):
    """Strided convolutions with two judges: of each patch, and of the whole beside its batch.

    They are shown the picture's details at two scales, amplified, and not the picture itself: details are where a
    VAE's pictures differ from real ones. Shown the picture, a critic and a model of this size chase each other through
    tints, which the likelihood looks after anyway, and the details, too faint to be found in time, stay as they are.

    The patches' judge (Isola et al. 2017) looks at the map before the last halving and answers for texture; the other,
    which also sees how much the pictures of a batch differ (Karras et al. 2018), for the face.

    Args:
        num_channels: C.
        channels: after each halving; at least two.
    """

    def __init__(self, num_channels: int, channels: list[int]) -> None:
        super().__init__()
        widths = [len(BANDS) * num_channels, *channels]
        halvings = [
            nn.Sequential(nn.Conv2d(before, after, 4, stride=2, padding=1), nn.LeakyReLU(0.2))
            for before, after in zip(widths, widths[1:], strict=False)
        ]
        self.body, self.last_halving = nn.Sequential(*halvings[:-1]), halvings[-1]
        self.patches = nn.Conv2d(channels[-2], 1, 1)
        self.whole = nn.Sequential(
            nn.Conv2d(channels[-1] + 1, channels[-1], 3, padding=1), nn.LeakyReLU(0.2), nn.AdaptiveAvgPool2d(4),
            nn.Flatten(), nn.Linear(16 * channels[-1], 1),
        )  # fmt: skip
        for module in self.modules():  # torch's own, smaller start costs hundreds of steps
            if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
                nn.init.kaiming_normal_(module.weight, a=0.2)
                nn.init.zeros_(module.bias)

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        """[N, C, H, W] in [0, 1] -> logits of being real: of the whole, [N, 1], and of the patches, [N, P]."""
        local = self.body(torch.cat([gain * details(pixel_values, side) for side, gain in BANDS], dim=1))
        hidden = self.last_halving(local)
        deviation = torch.sqrt(hidden.float().var(0, unbiased=False) + 1e-8).mean()
        deviation = deviation.to(hidden.dtype).expand(hidden.shape[0], 1, *hidden.shape[2:])
        return self.whole(torch.cat([hidden, deviation], dim=1)).float(), self.patches(local).flatten(1).float()


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
