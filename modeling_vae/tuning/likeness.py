"""How far a picture is from a photo, in pixels and in the eyes of the model's own encoder.

A published folder has no other network that learnt to see, and needs none: the encoder learnt from thousands of such
faces what tells them apart.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from modeling_vae.feature_maps import details, local_deviation, relative_l1
from modeling_vae.model.modeling_image_vae import ConvEncoder, VAEModel


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
            distance = distance + self.maps * _mean([relative_l1(ours, theirs) for ours, theirs in pairs[1:]])
        textures = [relative_l1(local_deviation(ours), local_deviation(theirs)) for ours, theirs in pairs]
        return distance + self.textures * _mean(textures)

    def _looks(self, pictures: Tensor) -> list[Tensor]:
        """The pixels' details, and the encoder's maps from fine to coarse."""
        looks = [details(pictures)]
        if self.encoder is not None:
            hidden = self.encoder.stem(pictures)
            for block in self.encoder.blocks:
                hidden = block(hidden)
                looks.append(hidden)
        return looks


def _mean(distances: list[Tensor]) -> Tensor:
    return torch.stack(distances).mean()
