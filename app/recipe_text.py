"""How a face was made, as the text that travels in its picture file."""

from __future__ import annotations

import json
from typing import Any

from .face_recipes import FaceRecipe, from_json, to_json


def recipe_text(model: str, *faces: FaceRecipe) -> str:
    """The model and its faces; photos stay with their owners."""
    return json.dumps({"model": model, "faces": [to_json(face) for face in faces]}, separators=(",", ":"))


def parse_recipe(text: str) -> tuple[str, list[FaceRecipe]]:
    """Model and faces of a text that `recipe_text` wrote.

    Raises:
        ValueError: it is none, or of a photo, which is not in it.
    """
    try:
        said: Any = json.loads(text)
    except json.JSONDecodeError:
        said = None
    if not isinstance(said, dict) or not isinstance(said.get("model"), str) or not isinstance(said.get("faces"), list):
        raise ValueError("The picture's own words do not say how it was made.")
    return said["model"], [from_json(face) for face in said["faces"][:8]]
