"""How a face was made, as the text that travels in its picture file."""

from __future__ import annotations

import json
from typing import Any

from .face_recipes import FaceRecipe, from_json, to_json
from .render_requests import MOST_KEYFRAMES, PathRequest


def recipe_text(model: str, *faces: FaceRecipe, way: PathRequest | None = None) -> str:
    """The model and its faces, of a morph the way through them; photos stay with their owners."""
    said: dict[str, Any] = {"model": model, "faces": [to_json(face) for face in faces]}
    if way is not None:
        said["way"] = [way.path, way.easing, way.loop]
    return json.dumps(said, separators=(",", ":"))


def parse_recipe(text: str) -> tuple[str, list[FaceRecipe], PathRequest | None]:
    """Model, faces and (of a morph) way of a text that `recipe_text` wrote.

    Raises:
        ValueError: it is none, or of a photo, which is not in it.
    """
    try:
        said: Any = json.loads(text)
    except json.JSONDecodeError:
        said = None
    if not isinstance(said, dict) or not isinstance(said.get("model"), str) or not isinstance(said.get("faces"), list):
        raise ValueError("The picture's own words do not say how it was made.")
    way = said.get("way")
    return (
        said["model"],
        [from_json(face) for face in said["faces"][:MOST_KEYFRAMES]],
        PathRequest(*way[:3]) if isinstance(way, list) else None,
    )
