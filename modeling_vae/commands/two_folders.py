"""Two folders of pictures, those with something and those without, as a data set with one column."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modeling_vae.data.picture_folder import PictureFolder

TABLE = "metadata.csv"


@contextmanager
def two_folders(having: Path, lacking: Path, column: str) -> Iterator[Path]:
    """A folder that is there as long as one works with it: links to both, and a table that says which is which.

    Raises:
        ValueError: one of them is no folder, has no pictures, or has a table of its own.
    """
    with tempfile.TemporaryDirectory(prefix="modeling_vae-") as temporary:
        root, rows = Path(temporary), []
        for name, folder, value in (("with", having, "yes"), ("without", lacking, "no")):
            if not folder.is_dir():
                raise ValueError(f"--{name} {folder} is no folder: give one with pictures.")
            (root / name).symlink_to(folder.resolve(), target_is_directory=True)
            pictures = PictureFolder(str(folder)).pictures
            if not pictures:
                raise ValueError(f"--{name} {folder} holds no pictures: add some.")
            rows += [(f"{name}/{picture}", value) for picture in pictures]
        with open(root / TABLE, "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("file_name", column), *rows])
        yield root
