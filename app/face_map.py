"""A map of faces: new faces of a model in rows and columns, ordered by two things that one sees.

All faces are sorted by the first and cut into columns of equal number, and each column is sorted by the second: every
place has one face, and its neighbours are like it. Between four faces lie their mixes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from PIL import Image

from modeling_vae import AttributeDirections

from .face_recipes import Drawn, FaceRecipe, Mixed
from .facts import ModelFacts
from .render_requests import number

COLUMNS, ROWS = 16, 12
FIRST_SEED, A_SEED = 1, 64
"""Of the faces on the map: so many of each seed."""
CELL = 48
"""Longer side of a face on the map, in pixels."""
NEAR = 0.15
"""Of a cell, from its middle: nearer there is the face itself and no mix."""
VARIES = {"~1": "What varies most", "~2": "What varies second most"}
"""Axes that every model has: the first principal components of the faces' latents (Pearson 1901)."""


@dataclass(frozen=True)
class MapRequest:
    """A map, and a place on it.

    Args:
        across, up: what faces are ordered by, a name of an attribute or of `VARIES`; "" for the studio's choice.
        colour: attribute that is shown by colour; "" for none.
        x, y: the place, in cells from the upper left corner.
    """

    across: str = ""
    up: str = ""
    colour: str = ""
    x: float = COLUMNS / 2
    y: float = ROWS / 2

    def __post_init__(self) -> None:
        for name in ("across", "up", "colour"):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"The map's {name} is {getattr(self, name)!r:.40}; give an attribute's name.")
        object.__setattr__(self, "x", number("The place across the map", self.x, 0.0, COLUMNS))
        object.__setattr__(self, "y", number("The place down the map", self.y, 0.0, ROWS))


@dataclass(frozen=True, eq=False)
class FaceMap:
    """The faces of a map, row by row from the upper left corner, and their latents [N, D]."""

    faces: tuple[FaceRecipe, ...]
    latents: torch.Tensor

    def at(self, x: float, y: float) -> FaceRecipe:
        """The face at a place: in the middle of a cell its own, between four their mix."""
        (left, across), (top, down) = _between(x, COLUMNS), _between(y, ROWS)
        corners = [
            (left, top, (1 - across) * (1 - down)),
            (left + 1, top, across * (1 - down)),
            (left, top + 1, (1 - across) * down),
            (left + 1, top + 1, across * down),
        ]
        parts = [(self.faces[row * COLUMNS + column], round(share, 3)) for column, row, share in corners if share]
        return parts[0][0] if len(parts) == 1 else FaceRecipe(Mixed(tuple(parts)))


def ordered(latent: Callable[[FaceRecipe], torch.Tensor], values: Callable[[torch.Tensor], torch.Tensor]) -> FaceMap:
    """A map.

    Args:
        latent: of a face, [D].
        values: of latents [N, D], what they are ordered by: [N, 2], rising across and up.
    """
    places = range(COLUMNS * ROWS)
    faces = [FaceRecipe(Drawn(FIRST_SEED + i // A_SEED, i % A_SEED, 1.0)) for i in places]
    latents = torch.stack([latent(face) for face in faces])
    across, up = values(latents).T
    grid = torch.empty(ROWS, COLUMNS, dtype=torch.long)
    for column, members in enumerate(across.argsort().view(COLUMNS, ROWS)):
        grid[:, column] = members[up[members].argsort(descending=True)]
    order = grid.flatten().tolist()
    return FaceMap(tuple(faces[i] for i in order), latents[order])


def axes_of(facts: ModelFacts, directions: AttributeDirections | None) -> tuple[str, str]:
    """What a map is ordered by where nobody chose: the attribute that shows best, and one that goes least with it."""
    names = [attribute.name for attribute in facts.attributes if attribute.drawable][:10]
    if directions is None or len(names) < 2:
        return "~1", "~2"
    rows = [directions.names.index(name) for name in names]
    alike = directions.correlations()[rows[0], rows].abs()
    return names[0], names[int(alike.argmin())]


def values_of(latents: torch.Tensor, name: str, directions: AttributeDirections | None) -> torch.Tensor:
    """What faces are ordered or coloured by, of latents [N, D]: [N], in deviations over the data, or over these faces.

    Raises:
        ValueError: there is no such attribute.
    """
    if name in VARIES:
        centred = (latents - latents.mean(0)).double()
        _, _, ways = torch.linalg.svd(centred, full_matrices=False)
        along: torch.Tensor = centred @ ways[int(name[1:]) - 1]
        return along / along.std()
    if directions is None or name not in directions.directions:
        raise ValueError(f"{name!r:.60} is no attribute of this model; choose one from the list.")
    values: torch.Tensor = directions.values(latents)[:, directions.names.index(name)]
    return values


def atlas(pictures: list[Image.Image]) -> Image.Image:
    """The faces of a map in one picture."""
    share = CELL / max(pictures[0].size)
    width, height = round(pictures[0].width * share), round(pictures[0].height * share)
    sheet = Image.new("RGB", (COLUMNS * width, ROWS * height))
    for place, picture in enumerate(pictures):
        small = picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
        sheet.paste(small, (place % COLUMNS * width, place // COLUMNS * height))
    return sheet


def _between(place: float, cells: int) -> tuple[int, float]:
    """The cell before a place, and how far it is on the way to the next one's middle."""
    middle = min(max(place - 0.5, 0.0), cells - 1.0)
    before = min(math.floor(middle), cells - 2)
    share = middle - before
    return before, 0.0 if share < NEAR else 1.0 if share > 1 - NEAR else share
