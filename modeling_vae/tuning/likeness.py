"""How far a picture is from a photo, in pixels and in the eyes of the model's own encoder.

A published folder has no other network that learnt to see, and needs none: the encoder learnt from thousands of such
faces what tells them apart.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from modeling_vae.model.modeling_image_vae import ConvEncoder, VAEModel

CELLS = 8
"""Textures are compared within so many cells along each side."""


class Likeness(nn.Module):
    """A distance from photos [K, C, H, W] in [0, 1]; their maps are computed once.

    distance = pixels * L1 + maps * (relative L1 of feature maps) + textures * (relative L1 of local deviations)

    Args:
        model: whose encoder looks; of a pretrained backbone the pixels alone are compared.
        photos: what to be like.
        pixels, maps, textures: weights.
    """

    def __init__(self, model: VAEModel, photos: Tensor, *, pixels: float, maps: float, textures: float) -> None:
        super().__init__()
        self.encoder = model.encoder if isinstance(model.encoder, ConvEncoder) else None
        self.pixels, self.maps, self.textures = pixels, maps, textures
        self.photos = photos
        with torch.no_grad():
            self.targets = self._looks(photos)

    def forward(self, pictures: Tensor) -> Tensor:
        """Of pictures [K, C, H, W], each from its photo: the mean, a scalar."""
        distance = self.pixels * (pictures - self.photos).abs().mean()
        pairs = list(zip(self._looks(pictures), self.targets, strict=True))
        if len(pairs) > 1:
            distance = distance + self.maps * _mean([_relative(ours, theirs) for ours, theirs in pairs[1:]])
        textures = [_relative(_deviation(ours), _deviation(theirs)) for ours, theirs in pairs]
        return distance + self.textures * _mean(textures)

    def _looks(self, pictures: Tensor) -> list[Tensor]:
        """The pixels' details, and the encoder's maps from fine to coarse."""
        looks = [pictures - F.avg_pool2d(F.pad(pictures, [1] * 4, "replicate"), 3, 1)]
        if self.encoder is not None:
            hidden = self.encoder.stem(pictures)
            for block in self.encoder.blocks:
                hidden = block(hidden)
                looks.append(hidden)
        return looks


def _relative(ours: Tensor, theirs: Tensor) -> Tensor:
    """Mean absolute difference, in units of the photo's mean magnitude."""
    return (ours - theirs).abs().mean() / theirs.abs().mean().clamp_min(1e-6)


def _deviation(maps: Tensor) -> Tensor:
    """Standard deviation of [K, C, H, W] within cells of at least 2 x 2 places."""
    size = [max(2, side // CELLS) for side in maps.shape[2:]]
    variance = F.avg_pool2d(maps.square(), size) - F.avg_pool2d(maps, size).square()
    return torch.sqrt(variance.clamp_min(0) + 1e-4 * maps.detach().square().mean() + 1e-8)


def _mean(distances: list[Tensor]) -> Tensor:
    return torch.stack(distances).mean()
