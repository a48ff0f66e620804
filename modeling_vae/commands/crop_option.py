"""How pictures are cropped, as `prepare` and the commands that measure are told it."""

from __future__ import annotations

import argparse
from typing import Any

HELP = (
    "center (around the middle to the shape), none (resized as a whole), pad (with white margins), or by annotations: "
    "points and where they lie in the crop, as in 'left_eye=0.28,0.41 right_eye=0.72,0.41' (columns left_eye_x, "
    "left_eye_y, ..., or .cat files beside the pictures), or columns of a box, as in 'box=x,y,width,height margin=0.2'"
)


def crop(text: str) -> Any:
    """What `data.crop` of a recipe would say."""
    if text in ("center", "none", "pad"):
        return text
    found: dict[str, Any] = {}
    for word in text.split():
        name, equals, value = word.partition("=")
        parts = value.split(",")
        if not equals or not name or not all(parts):
            raise _refusal(text)
        if name == "box" and len(parts) == 4:
            found["box"] = parts
        elif name == "margin" and "points" not in found:
            found["margin"] = _number(value, text)
        elif name != "box" and len(parts) == 2:
            found.setdefault("points", {})[name] = [_number(part, text) for part in parts]
        else:
            raise _refusal(text)
    if not found:
        raise _refusal(text)
    return found


def _number(word: str, text: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise _refusal(text) from None


def _refusal(text: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(
        f"{text!r} is no crop: give center, none, pad, points such as 'left_eye=0.28,0.41 right_eye=0.72,0.41', "
        "or 'box=x,y,width,height margin=0.2'"
    )
