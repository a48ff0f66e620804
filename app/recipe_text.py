"""How a face was made, as the text that travels in its picture file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .face_recipes import FaceRecipe, from_json, to_json
from .lessons import MOST_LESSONS, Given
from .render_requests import MOST_KEYFRAMES, PathRequest


@dataclass(frozen=True)
class Recipe:
    """What a file says: the model, faces, of a morph the way through them, and what was taught of which it tells."""

    model: str
    faces: tuple[FaceRecipe, ...]
    way: PathRequest | None = None
    given: tuple[Given, ...] = ()


def recipe_text(
    model: str, *faces: FaceRecipe, way: PathRequest | None = None, given: Mapping[str, Given] | None = None
) -> str:
    """The model and its faces, of a morph the way through them; photos stay with their owners.

    Args:
        model: its name.
        faces: of a morph its keyframes.
        way: of a morph.
        given: what was taught that they are changed by, by the names that they call it.
    """
    names = {name: one.key for name, one in (given or {}).items()}
    said: dict[str, Any] = {"model": model, "faces": [to_json(face, given=names) for face in faces]}
    if way is not None:
        said["way"] = [way.path, way.easing, way.loop]
    if given:
        said["taught"] = [one.to_json() for one in given.values()]
    return json.dumps(said, separators=(",", ":"))


def parse_recipe(text: str) -> Recipe:
    """What a text says that `recipe_text` wrote.

    Raises:
        ValueError: it is none, or of a photo, which is not in it.
    """
    try:
        said: Any = json.loads(text)
    except json.JSONDecodeError:
        said = None
    if not isinstance(said, dict) or not isinstance(said.get("model"), str) or not isinstance(said.get("faces"), list):
        raise ValueError("The picture's own words do not say how it was made.")
    way, taught = said.get("way"), said.get("taught")
    return Recipe(
        said["model"],
        tuple(from_json(face) for face in said["faces"][:MOST_KEYFRAMES]),
        PathRequest(*way[:3]) if isinstance(way, list) else None,
        tuple(Given.from_json(one) for one in taught[:MOST_LESSONS]) if isinstance(taught, list) else (),
    )
