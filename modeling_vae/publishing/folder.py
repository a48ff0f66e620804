"""The folder of a finished model, complete on disk before anything is pushed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modeling_vae.figures.evaluation_report import write_report
from modeling_vae.parts import Parts
from modeling_vae.recipes.recipe import FILE_NAME, Recipe

from .card import CARD_NAME, MEDIA_FOLDER, write_card


def write_published_folder(
    folder: Path,
    parts: Parts,
    recipe: Recipe,
    report: Mapping[str, Any],
    media: Mapping[str, bytes],
    *,
    original: Recipe,
) -> None:
    """Write all of a finished model: the folder is there whole, or as it was before.

    It is missing but for a moment, between two renames; where a run was killed then, the next one puts it back.

    Args:
        folder: to write; an older one is replaced, and what people wrote into its card stays.
        parts: fitted.
        recipe: that the model was trained by.
        report: for evaluation.json.
        media: pictures and films by their file's name.
        original: the recipe file without overrides, whose names take the place of local paths.
    """
    recover(folder)
    unfinished = folder.with_name(folder.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    parts.write(unfinished)
    recipe.published(original).write(unfinished / FILE_NAME)
    write_report(report, unfinished)
    (unfinished / MEDIA_FOLDER).mkdir()
    for name, content in media.items():
        (unfinished / MEDIA_FOLDER / name).write_bytes(content)
    if (folder / CARD_NAME).is_file():
        shutil.copyfile(folder / CARD_NAME, unfinished / CARD_NAME)
    write_card(unfinished, parts, recipe.described(original), dict(report))
    _replace(unfinished, folder)


def recover(folder: Path) -> None:
    """Put a folder back that was killed between the two renames of `_replace`."""
    old = _aside(folder)
    if not folder.exists() and old.exists():
        old.rename(folder)


def _aside(folder: Path) -> Path:
    return folder.with_name(folder.name + ".old")


def _replace(new: Path, folder: Path) -> None:
    """Put `new` in the place of `folder`; none can be renamed onto another, so the old one steps aside first."""
    old = _aside(folder)
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
