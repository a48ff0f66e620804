"""What belongs to a published folder. Whatever else lies in it stays where it is: notes, keys, links to elsewhere."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from .model.attribute_directions import FILE_NAME as DIRECTIONS_NAME
from .model.folder_schema import REQUIRED
from .model.priors import FILE_NAME as PRIOR_NAME
from .photos.alignment import FILE_NAME as ALIGNMENT_NAME
from .photos.reconstruction_errors import FILE_NAME as ERRORS_NAME

CODE = [*sorted(Path(__file__).parent.glob("model/[!_.]*.py")), Path(__file__).parent / "model" / "requirements.txt"]
"""The code that travels with the weights, and what an Inference Endpoint installs for it."""
COMPUTING = (DIRECTIONS_NAME, PRIOR_NAME, ALIGNMENT_NAME, ERRORS_NAME)
"""Files beside the required ones that a pipeline computes with, where they are there."""
MEDIA_SUFFIXES = ("webp", "gif", "png", "jpg", "jpeg", "mp4")
ACCOMPANYING = (
    *("README.md", "LICENSE", "LICENSE.md", "LICENSE.txt", "recipe.yaml", "evaluation.json", "evaluation.md"),
    "latents.md",
    *(f"media/*.{suffix}" for suffix in MEDIA_SUFFIXES),
    ".eval_results/*.yaml",
    *("onnx/*.onnx", "onnx/*.onnx_data"),
)
"""What else a published folder holds, and `save_pretrained` takes along; `*` stands for no folder."""


class Contents(NamedTuple):
    """The files of a folder by their names, those that belong to a published model, and the names of all others."""

    files: dict[str, Path]
    left_out: list[str]

    @classmethod
    def of(cls, folder: Path, patterns: Sequence[str] = (*REQUIRED, *COMPUTING, *ACCOMPANYING)) -> Contents:
        """What there is in a folder; the code that travels with the weights is not taken from there.

        Raises:
            ValueError: a link leads out of the folder; those of the Hub's cache to its own blobs do not count.
        """
        files: dict[str, Path] = {}
        left_out: list[str] = []
        for path in _paths(folder):
            name = path.relative_to(folder).as_posix()
            if path.is_symlink():
                _refuse_outside(path, folder)
            belongs = any(_matches(name, pattern) for pattern in patterns)
            if belongs and path.is_file():
                files[name] = path
            elif not any(name == code.name for code in CODE):
                left_out.append(name)
        return cls(files, left_out)


def _paths(folder: Path) -> list[Path]:
    """All that is no folder, and links to folders, which are not gone into."""
    found = []
    for parent, folders, files in os.walk(folder):
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        found += [Path(parent) / name for name in [*files, *links]]
    return sorted(found)


def _matches(name: str, pattern: str) -> bool:
    return name.count("/") == pattern.count("/") and fnmatch.fnmatchcase(name, pattern)


def _refuse_outside(link: Path, folder: Path) -> None:
    """Raise a ValueError where a link leads out of its folder, and to none of the blobs of its cache."""
    target, inside = link.resolve(), [folder.resolve()]
    if folder.resolve().parent.name == "snapshots":
        inside.append(folder.resolve().parents[1] / "blobs")
    if not any(target.is_relative_to(place) for place in inside):
        raise ValueError(f"{link} is a link that leads out of the folder: put the file itself there, or remove it.")
