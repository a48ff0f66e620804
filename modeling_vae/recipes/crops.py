"""How pictures are cropped, as a recipe says it: around their middle, on margins, not at all, or as annotated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from .section import Section

FARTHEST = 10.0
"""Sides of the crop that a point may lie outside of it."""


class AnnotatedCrop(Section):
    """A crop by points (levelled, scaled and placed so that they lie where they shall), or by a box around the face.

    ```yaml
    crop:
      points: {left_eye: [0.28, 0.41], right_eye: [0.72, 0.41]}  # columns left_eye_x, left_eye_y, right_eye_x, ...
    crop:
      box: [x, y, width, height]  # columns: of the top left corner, and the two sides
      margin: 0.2
    ```
    """

    points: dict[str, tuple[float, float]] | None = Field(
        None, description="name -> where it lies in the crop, in shares of its width and height from the top left"
    )
    box: tuple[str, str, str, str] | None = Field(None, description="columns of left, top, width and height")
    margin: float = Field(0.0, ge=-0.4, le=FARTHEST, description="added to a box on each side, in shares of that side")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.points is None) == (self.box is None):
            raise ValueError("data.crop needs points or a box, and takes one of them: give the one that is annotated.")
        if self.points is None:
            return self
        if "margin" in self.model_fields_set:
            raise ValueError("data.crop.margin belongs to a box; with points their places say how much is around.")
        for name, place in self.points.items():
            if not all(math.isfinite(share) and -FARTHEST <= share <= 1 + FARTHEST for share in place):
                raise ValueError(
                    f"data.crop.points.{name}={list(place)} is no place: give shares of the crop's width and height, "
                    "such as [0.28, 0.41]."
                )
        if len(set(self.points.values())) < 2:
            raise ValueError(
                "data.crop.points needs two points or more at different places, which say how large and how level the "
                "crop is: add one."
            )
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that must be there: numbers, in pixels of the upright picture."""
        if self.box is not None:
            return self.box
        return tuple(f"{name}_{axis}" for name in self.points or {} for axis in "xy")


def _kind(value: Any) -> str:
    return "[annotated]" if isinstance(value, Mapping | AnnotatedCrop) else "[whole]"


Crop = Annotated[
    Annotated[Literal["center", "none", "pad"], Tag("[whole]")] | Annotated[AnnotatedCrop, Tag("[annotated]")],
    Discriminator(_kind),
]
"""Of `data.crop`."""
