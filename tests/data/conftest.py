"""Loading small data sets as a run would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modeling_vae.data import PictureData, load_data
from modeling_vae.recipes.recipe import DataRecipe

from .making import noise, write_folder

Load = Callable[..., PictureData]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """`load(path, attributes, seed=..., **fields of the recipe)`; 12 x 10 pixels, so that nothing is resized."""

    def load(path: Path | str, attributes: dict[str, str] | None = None, **fields: Any) -> PictureData:
        settings = {key: fields.pop(key) for key in ("image_size", "num_channels", "seed") if key in fields}
        settings = {"image_size": (12, 10), "num_channels": 3, **settings}
        recipe = DataRecipe(path=str(path), **fields)
        return load_data(recipe, attributes=attributes or {}, cache_dir=tmp_path / "cache", **settings)

    return load


@pytest.fixture
def splits(tmp_path: Path) -> Path:
    """Folders train (30 pictures) and validation (6); of train, two copy others of train and one copies validation."""
    folder = tmp_path / "splits"
    write_folder(folder / "validation", range(100, 106))
    write_folder(folder / "train", range(27))
    noise(3).save(folder / "train" / "copy.bmp")
    noise(3).save(folder / "train" / "copy.png", optimize=True)
    noise(102).save(folder / "train" / "leak.png")
    return folder
