"""Where to crop a picture, by the points or the box that somebody annotated in it."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image

from modeling_vae.photos.crop import Crop
from modeling_vae.recipes.crops import AnnotatedCrop

from .labels import label_reader


class UnmarkedError(ValueError):
    """A picture has not all the points, or not the box, that it shall be cropped by."""


@dataclass(frozen=True)
class Marks:
    """What is annotated in one picture.

    Args:
        wanted: what the crop goes by.
        values: column -> pixels of the upright picture, or None where nobody said.
    """

    wanted: AnnotatedCrop
    values: Mapping[str, float | None]

    def crop(self, aspect: float) -> Crop:
        """The crop with this width to height.

        Raises:
            UnmarkedError: a value is missing.
            ValueError: all points lie in one place, or the box has no size.
        """
        found: list[float] = []
        for column in self.wanted.columns:
            value = self.values[column]
            if value is None:
                raise UnmarkedError(f"has no {column}")
            found.append(value)
        if self.wanted.points is None:
            return _around(found, self.wanted.margin, aspect)
        return _through(list(self.wanted.points.values()), list(zip(found[::2], found[1::2], strict=True)), aspect)

    def cut(self, picture: Image.Image, aspect: float) -> Image.Image:
        """The crop of an upright picture, at its own resolution; for the errors see `crop` and `Crop.cut`."""
        return self.crop(aspect).cut(picture)


def read_marks(wanted: AnnotatedCrop, cell: Callable[[str], Any]) -> Marks:
    """The marks of one row, whose cells are asked for by their columns.

    Raises:
        ValueError: a cell holds something else than a number.
    """
    return Marks(wanted, {column: _number(column, cell(column)) for column in wanted.columns})


def _number(column: str, value: Any) -> float | None:
    label = label_reader(column, "numeric")(value)
    return None if label is None else float(label)


def _through(places: list[tuple[float, float]], points: list[tuple[float, float]], aspect: float) -> Crop:
    """The turned rectangle in which points [x, y] lie at places, as nearly as a similarity does it.

    With both as complex numbers it is q = a p + b of least squares, a = sum conj(p) q / sum |p|^2 of what is centred
    (Umeyama 1991, in the plane). Two points are met exactly; a mirrored pair turns the crop upside down.
    """
    p = [complex(x * aspect, y) for x, y in places]  # in heights of the crop
    q = [complex(x, y) for x, y in points]
    p_mean, q_mean = sum(p) / len(p), sum(q) / len(q)
    spread = sum(abs(one - p_mean) ** 2 for one in p)
    turn = sum((one - p_mean).conjugate() * (other - q_mean) for one, other in zip(p, q, strict=True)) / spread
    if abs(turn) < 1e-6:
        raise ValueError("all points lie in one place, or in the opposite order")
    center = q_mean + turn * (complex(aspect, 1.0) / 2 - p_mean)
    return Crop((center.real, center.imag), abs(turn) * aspect, abs(turn), math.degrees(cmath.phase(turn)))


def _around(box: list[float], margin: float, aspect: float) -> Crop:
    """The smallest crop of this aspect that holds a box and its margin, around the box's middle."""
    left, top, width, height = box
    if not (width > 0 and height > 0):
        raise ValueError(f"its box is {width:g} x {height:g} pixels")
    wide, high = width * (1 + 2 * margin), height * (1 + 2 * margin)
    high = max(high, wide / aspect)
    return Crop((left + width / 2, top + height / 2), high * aspect, high)
