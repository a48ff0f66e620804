"""What comes with the package: recipes by their names, and the models among them."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from .yaml_text import FILE_NAME

PACKAGE = Path(__file__).resolve().parents[1]
PLACES = (PACKAGE / "hub_configs", PACKAGE.parent / "hub_configs")
FOLDER = next((folder for folder in PLACES if folder.is_dir()), PLACES[0])
"""The folder of recipes: within the package where it is installed, beside it in a checkout; a Space has none."""
WEIGHTS_NAME = "model.safetensors"
FAVOURITES = ("cats-128", "drawn-people-128", "kmnist-28")
"""Models to open with, the one that is wanted most first; an installation holds one of them."""


def names() -> list[str]:
    """Of all recipes here."""
    return sorted(file.parent.name for file in FOLDER.glob(f"*/{FILE_NAME}"))


def models() -> list[Path]:
    """The folders of those whose trained model is here."""
    return sorted(file.parent for file in FOLDER.glob(f"*/{WEIGHTS_NAME}"))


def default_model() -> Path | None:
    """The folder of the model to open with; None where none is here."""
    there = {folder.name: folder for folder in models()}
    return next((there[name] for name in (*FAVOURITES, *there) if name in there), None)


def find(name: str | os.PathLike[str]) -> Path:
    """A path as it is, or where nothing is there and a recipe has this name, the folder of the recipe."""
    path = Path(name)
    if path.exists() or not (FOLDER / path.name / FILE_NAME).is_file():
        return path
    return FOLDER / path.name if path.parent in (Path(), Path("hub_configs")) else path


def recipe(name: str | os.PathLike[str]) -> Path:
    """The path of a recipe, see `find`.

    Raises:
        FileNotFoundError: nothing is there; the message says which recipe has a name like this.
    """
    path = find(name)
    if not path.exists():
        near = difflib.get_close_matches(path.name, names(), n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        raise FileNotFoundError(f"{name} does not exist: give a recipe, or a folder with a {FILE_NAME}.{meant}")
    return path
