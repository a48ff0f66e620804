"""A face in a photo, and an edit carried from the model's small picture back into that photo."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from modeling_vae.model.image_processing_image_vae import to_picture, upright
from modeling_vae.model.picture_colours import carried_over

from .crop import Crop
from .soft_edges import FEATHER, ramp, soft_edges

REACH = 0.1
"""Share of the crop's side over which the change of an edit is averaged to say where the edit is."""
CLEAR_CHANGE = 0.04
"""Mean change of pixel values in [0, 1] at which 63 % of what the reconstruction missed is given up."""


@dataclass(frozen=True)
class PhotoCrop:
    """A photo, and the part of it that the model gets. It is a face wherever the pipeline takes one.

    Args:
        photo: upright, at its own resolution. Whatever it came as, it is kept as sRGB without transparency.
        crop: where in the photo.
        found: what was found there: "human" where it is a person, else what the model's own alignment calls its faces;
            None where nothing was, and the crop is the photo's middle or was chosen by hand.
        original: the photo in its own colours and with its transparency, where those are others: see `upright`.
    """

    photo: Image.Image = field(repr=False)
    crop: Crop
    found: str | None = None
    original: Image.Image | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.original is None and (self.photo.mode != "RGB" or self.photo.info):
            original = upright(self.photo)
            object.__setattr__(self, "photo", to_picture(original))
            if original.mode != "RGB" or original.info:
                object.__setattr__(self, "original", original)

    @property
    def picture(self) -> Image.Image:
        """The crop, upright, at the photo's own resolution."""
        return self.crop.cut(self.photo)

    def changed(self, difference: Tensor) -> Image.Image:
        """The photo with a difference added inside the crop (`blend_into_photo`), in its own colours.

        It is RGB or RGBA with the photo's size, transparency and profile: outside the crop a viewer sees not one pixel
        change. The profile is in `info["icc_profile"]`, from where PNG, TIFF and AVIF take it; JPEG and WebP want to
        be told: `edited.save("a.jpg", icc_profile=edited.info.get("icc_profile"))`. CMYK and LAB come back as sRGB,
        and a warning says so.
        """
        edited = blend_into_photo(self.photo, difference, self.crop)
        if self.original is None:
            return edited
        if self.original.mode not in ("L", "LA", "RGB", "RGBA"):
            warnings.warn(
                f"the photo's colours are {self.original.mode}, in which nothing can be edited here, so it comes back "
                "in sRGB: convert it once more where it goes to print.",
                stacklevel=3,
            )
        return carried_over(self.original, self.photo, edited)


def blend_into_photo(photo: Image.Image, difference: Tensor, crop: Crop) -> Image.Image:
    """Add a difference of pixel values to a photo inside a crop; outside not one pixel changes.

    Towards the crop's edge it fades, its colours over a wide border and its details over a narrow one: `soft_edges`.

    Args:
        photo: RGB or L, of any size.
        difference: [C, h, w] of the upright crop, added to pixel values in [0, 1]; enlarged and turned to the crop.
        crop: where; what of it reaches beyond the photo is left out.
    """
    left, top, right, bottom = crop.bounds
    left, top = max(0, int(np.floor(left))), max(0, int(np.floor(top)))
    right, bottom = min(photo.width, int(np.ceil(right))), min(photo.height, int(np.ceil(bottom)))
    pixels = np.array(photo.convert("RGB")).astype(np.float32)
    if left < right and top < bottom:
        x, y = np.meshgrid(np.arange(left, right) + 0.5, np.arange(top, bottom) + 0.5)
        places = np.stack([x, y, np.ones_like(x)], axis=-1) @ crop.inverse.T  # [H, W, 2], -1 to 1 inside the crop
        grid = torch.from_numpy(places).float()[None]
        enlarged = F.grid_sample(soft_edges(difference[None]), grid, "bicubic", "border", align_corners=False)[0]
        fade = _fade(places)[..., None]
        pixels[top:bottom, left:right] += enlarged.permute(1, 2, 0).numpy() * fade * 255
    return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))


def edit_difference(seen: Tensor, before: Tensor, after: Tensor, clear_change: float = CLEAR_CHANGE) -> Tensor:
    """What an edit adds to a photo, at the model's resolution: [N, C, H, W], to be added to pixel values.

    It is after - before, and where that is much, also before - seen: what the reconstruction missed of a smile that
    is no longer there would work against the edit. Detail that is finer than the model's pixels stays in any case.

    Args:
        seen: what the model got, [N, C, H, W] in [0, 1].
        before, after: its reconstruction and the edited one, alike.
        clear_change: mean absolute difference of pixel values at which 63 % of what was missed is given up.
    """
    change = after - before
    radius = round(REACH * min(change.shape[2:]) / 2)
    amount = change.abs().mean(1, keepdim=True)
    for _ in range(2):
        amount = F.avg_pool2d(amount, 2 * radius + 1, 1, radius, count_include_pad=False)
    return change + (1 - torch.exp(-((amount / clear_change) ** 2))) * (before - seen)


def faded(differences: Tensor) -> Tensor:
    """What `blend_into_photo` adds of differences [N, C, H, W] where the whole picture is the crop."""
    y, x = ((2 * np.arange(side) + 1) / side - 1 for side in differences.shape[2:])
    places = np.stack(np.meshgrid(x, y), axis=-1)
    return soft_edges(differences) * torch.from_numpy(_fade(places)).float()


def _fade(places: np.ndarray) -> np.ndarray:
    """Of places [..., 2] in a crop: 1 in the middle, smoothly to 0 at both ends of -1 to 1, and 0 beyond."""
    distance = torch.from_numpy(1 - np.abs(places)).amin(-1).clamp_min(0) / 2
    result: np.ndarray = ramp(distance, FEATHER).numpy()
    return result
