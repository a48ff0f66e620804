"""An edit carried from the model's small picture into the photo it was cropped from."""

from __future__ import annotations

import numpy as np
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

FEATHER = 0.08
"""Share of the crop's side over which an edit fades out towards the crop's edge."""


def blend_into_photo(photo: Image.Image, difference: Tensor, box: tuple[int, int, int, int]) -> Image.Image:
    """Add a difference of pixel values to a photo inside a box; outside not one pixel changes.

    Args:
        photo: RGB or L, of any size.
        difference: [C, h, w], added to pixel values in [0, 1]; enlarged to the box.
        box: left, top, right, bottom in the photo's pixels.
    """
    left, top, right, bottom = box
    height, width = bottom - top, right - left
    enlarged = F.interpolate(difference[None].float(), (height, width), mode="bicubic", align_corners=False)[0]
    fade = np.minimum.outer(_fade(height), _fade(width))[..., None]  # [h, w, 1]
    change = enlarged.permute(1, 2, 0).numpy() * fade * 255
    pixels = np.asarray(photo.convert("RGB")).astype(np.float32)
    pixels[top:bottom, left:right] += change
    return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))


def _fade(length: int) -> np.ndarray:
    """1 in the middle, smoothly to 0 at both ends: [length]."""
    distance = np.minimum(np.arange(length) + 0.5, length - np.arange(length) - 0.5) / max(1.0, FEATHER * length)
    t = distance.clip(0, 1)
    return t * t * (3 - 2 * t)
