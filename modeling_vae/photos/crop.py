"""A crop of a photo: a rectangle that may be turned, where the photo has its own resolution."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from modeling_vae.model.image_processing_image_vae import on_margins

LARGEST = 64
"""Of the longer side of a crop to that of its photo."""


@dataclass(frozen=True)
class Crop:
    """A turned rectangle, in pixels of the photo: x to the right, y down, (0, 0) the photo's top left corner.

    Args:
        center: (x, y).
        width, height: of the upright crop.
        angle: degrees by which the face leans clockwise in the photo; the crop levels it.
        margins: whether it is white beyond the photo's edge, where otherwise the pixels of that edge are drawn on.
    """

    center: tuple[float, float]
    width: float
    height: float
    angle: float = 0.0
    margins: bool = False

    def __post_init__(self) -> None:
        values = (*self.center, self.width, self.height, self.angle)
        if not all(map(math.isfinite, values)) or not (self.width > 0 and self.height > 0):
            raise ValueError(f"{self} is no crop: give finite numbers, and a width and height above 0.")

    @classmethod
    def of_box(cls, box: tuple[float, float, float, float], margins: bool = False) -> Crop:
        """The upright crop of (left, top, right, bottom)."""
        left, top, right, bottom = box
        return cls(((left + right) / 2, (top + bottom) / 2), right - left, bottom - top, margins=margins)

    @property
    def matrix(self) -> np.ndarray:
        """[2, 3]: takes (u, v, 1) of the upright crop, u and v from -1 (left, top) to 1, to (x, y) of the photo."""
        cos, sin = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        half_width, half_height = self.width / 2, self.height / 2
        return np.array(
            [
                [cos * half_width, -sin * half_height, self.center[0]],
                [sin * half_width, cos * half_height, self.center[1]],
            ]
        )

    @property
    def inverse(self) -> np.ndarray:
        """[2, 3]: takes (x, y, 1) of the photo to (u, v) of the upright crop."""
        linear = np.linalg.inv(self.matrix[:, :2])
        return np.concatenate([linear, -linear @ self.matrix[:, 2:]], axis=1)

    @property
    def corners(self) -> np.ndarray:
        """[4, 2]: (x, y) of what is the top left, top right, bottom right and bottom left of the upright crop."""
        upright = np.array([[-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]])
        result: np.ndarray = upright @ self.matrix.T
        return result

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(left, top, right, bottom) of the smallest upright rectangle around it."""
        (left, top), (right, bottom) = self.corners.min(0), self.corners.max(0)
        return float(left), float(top), float(right), float(bottom)

    def cut(self, photo: Image.Image) -> Image.Image:
        """The crop as an upright picture at the photo's own resolution.

        Where it reaches over the photo's edge, the pixels of that edge are drawn on, or it is white. An upright crop
        of whole pixels inside the photo is cut without resampling.

        Raises:
            ValueError: it is far larger than the photo.
        """
        if max(self.width, self.height) > LARGEST * max(photo.size):
            raise ValueError(
                f"a crop of {self.width:.0f} x {self.height:.0f} pixels is far larger than its photo of "
                f"{photo.width} x {photo.height}: give one of at most {LARGEST} times the photo's longer side."
            )
        left, top, right, bottom = box = tuple(map(round, self.bounds))
        inside = 0 <= left < right <= photo.width and 0 <= top < bottom <= photo.height
        if self.angle == 0 and inside and np.allclose(box, self.bounds, atol=1e-6):
            return photo.crop((left, top, right, bottom))
        # room for the filter of the transform, and for what is missing beyond the photo's edge
        around = (left - 2, top - 2, right + 2, bottom + 2)
        part = _with_edges_drawn_on(photo, around) if not self.margins else on_margins(photo, around)
        size = max(1, round(self.width)), max(1, round(self.height))
        u = self.matrix @ np.diag([2 / size[0], 2 / size[1], 1])  # pixels of the picture, from its top left corner
        u[:, 2] += self.matrix[:, :2] @ [-1, -1] - [around[0], around[1]]
        return part.transform(size, Image.Transform.AFFINE, u.ravel().tolist(), resample=Image.Resampling.BICUBIC)


def _with_edges_drawn_on(photo: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    """A box of the photo that may reach beyond it; there the pixels of its edge are repeated."""
    rows = np.arange(box[1], box[3]).clip(0, photo.height - 1)
    columns = np.arange(box[0], box[2]).clip(0, photo.width - 1)
    return Image.fromarray(np.asarray(photo)[rows[:, None], columns])
