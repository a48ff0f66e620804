"""A folder of pictures: what is in it, all of it and nothing else, is read or named.

A file is a picture by its first bytes, whatever it is called. Splits come from folders called train, training,
validation, valid, val, dev or test, and never from parts of names; pictures beside such folders are the split train
where no folder is, else they are left out and named. Hidden files and folders (with a dot in front) are not read.
"""

from __future__ import annotations

import os
import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import yaml

from modeling_vae.model.file_kinds import may_be_picture

from . import cat_points
from .labels import is_boolean
from .metadata_tables import TableRow, Tables, is_table

IMAGE_COLUMN, LABEL_COLUMN = "image", "label"
SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    "test": "test",
}
_SUFFIXES = {
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".avif"),
    *(".heic", ".heif", ".hif", ".jp2", ".j2k", ".jxl", ".ppm", ".pgm", ".pbm", ".pnm", ".ico"),
}
"""Files with these are pictures, or broken ones; others are looked into."""
_CONTAINERS = {".parquet", ".arrow", ".tar", ".zip"}


@dataclass(frozen=True)
class LeftOut:
    """What else there is in a folder, for the report.

    Args:
        not_pictures: suffix -> how many files with it are no pictures.
        without_row: pictures that no table describes, where there is one; they are read all the same.
        rows_without_picture: names of which a table has a row, and the folder no picture.
        beside: pictures outside the folders of splits.
        hidden: pictures whose names begin with a dot.
        other_splits: split -> how many pictures are in it, which nobody asked for.
        without_marks: pictures in which nobody annotated what they shall be cropped by; these are not read.
    """

    not_pictures: Mapping[str, int] = field(default_factory=dict)
    without_row: tuple[str, ...] = ()
    rows_without_picture: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    other_splits: Mapping[str, int] = field(default_factory=dict)
    without_marks: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> LeftOut:
        lists: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
        return cls(**lists)


class PictureFolder:
    """The pictures of a folder, by split, with their labels.

    Args:
        root: its path.

    Raises:
        ValueError: a table cannot be read, see `Tables`.
        OSError: a folder in it cannot be read.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        self.files, pictures, tables, others, self._hidden = _listing(root)
        self._with_points, others = cat_points.beside(pictures, others)
        self._not_pictures = Counter(posixpath.splitext(name)[1].lower() or "no suffix" for name in others)
        self.containers = sum(_suffix(name) in _CONTAINERS for name in others)
        self.pictures = sorted(pictures)
        self._tables_found = tables

    @classmethod
    def open(cls, root: str) -> PictureFolder | None:
        """The folder, or None where it is something for `datasets`: files that each hold many pictures.

        That is so where a README.md declares configurations, or such files are no fewer than pictures.
        """
        if _declares_configurations(root):
            return None
        folder = cls(root)
        if folder.containers >= max(1, len(folder.pictures)):
            return None
        folder._divide()
        return folder

    @property
    def paths(self) -> list[str]:
        """Of all files that are there; what they are and when they changed decides what is read."""
        paths = (os.path.join(self.root, name) for name in self.files)
        return [path for path in paths if os.path.exists(path)]

    def _divide(self) -> None:
        self.tables = Tables(self.root, self._tables_found)
        depth = _wrappers(self.pictures)
        splits: dict[str | None, list[str]] = {}
        for name in self.pictures:
            splits.setdefault(self.tables.split_of(name) or _split_of(name, depth), []).append(name)
        rest = splits.pop(None, [])
        self._beside: list[str] = []
        if "train" in splits:
            self._beside = rest
        elif rest:
            splits["train"] = rest
        self.splits: dict[str, list[str]] = {str(split): splits[split] for split in sorted(splits, key=str)}
        self._depth = depth
        self.classes = sorted({self._class_of(n) for names in splits.values() for n in names} - {""})
        self.columns = [*self.tables.columns]
        if self._with_points:
            self.columns += [column for column in cat_points.COLUMNS if column not in self.columns]
        if len(self.classes) > 1 and LABEL_COLUMN not in self.columns:
            self.columns.append(LABEL_COLUMN)

    def split(self, name: str) -> str | None:
        """What a split that a recipe names is called here; None where there is none."""
        known = SPLITS.get(name.lower(), name)
        return known if known in self.splits else None

    @property
    def has_classes(self) -> bool:
        """Whether the column `label` is that of the folders which pictures lie in."""
        return LABEL_COLUMN in self.columns and LABEL_COLUMN not in self.tables.columns

    def values(self, name: str) -> TableRow:
        """What is known of one picture, by column; of a class its number. What a table says goes before points."""
        row = self.tables.row_of(name) or TableRow(name, {})
        if name in self._with_points:
            file = name + cat_points.SUFFIX
            points = cat_points.read_points(os.path.join(self.root, file), file)
            row = TableRow(row.place, {**points, **row.values})
        if not self.has_classes:
            return row
        own = self._class_of(name)
        return TableRow(row.place, {**row.values, LABEL_COLUMN: self.classes.index(own) if own else None})

    def booleans(self, split: str) -> list[str]:
        """Columns of the tables that are true or false wherever a picture of `split` has a value, in their order."""
        found = {column: 0 for column in self.tables.columns if column not in (IMAGE_COLUMN, LABEL_COLUMN)}
        for name in self.names(split):
            values = self.values(name).values
            for column in [column for column in found if values.get(column) is not None]:
                if is_boolean(values[column]):
                    found[column] += 1
                else:
                    del found[column]
        return [column for column, count in found.items() if count]

    def names(self, split: str, limit: int | None = None, order: tuple[int, int] | None = None) -> list[str]:
        """The relative names of a split's pictures, the first `limit` of them, sorted or shuffled by (seed, pass)."""
        names = self.splits[split][:limit]
        if order is None:
            return names
        return [names[i] for i in np.random.default_rng(order).permutation(len(names))]

    def left_out(self, wanted: Iterable[str]) -> LeftOut:
        """What else there is, where these splits are read."""
        asked = {self.split(name) for name in wanted}  # val may be called valid here
        read = [name for split in self.splits if split in asked for name in self.splits[split]]
        without_row = [name for name in sorted(read) if self.tables and self.tables.row_of(name) is None]
        return LeftOut(
            not_pictures=dict(self._not_pictures.most_common()),
            without_row=tuple(without_row),
            rows_without_picture=tuple(self.tables.without_picture(self.pictures)),
            beside=tuple(self._beside),
            hidden=tuple(self._hidden),
            other_splits={split: len(names) for split, names in self.splits.items() if split not in asked},
        )

    def _class_of(self, name: str) -> str:
        """The folder that a picture lies in, below the folders of splits; "" where it is in none."""
        folders = name.split("/")[:-1][self._depth :]
        if folders and SPLITS.get(folders[0].lower()):
            folders = folders[1:]
        return folders[-1] if folders else ""


def _listing(root: str) -> tuple[list[str], list[str], list[str], list[str], list[str]]:
    """Relative names, with slashes, of all files; and of them pictures, tables, other files, and hidden pictures."""
    everything: list[str] = []
    pictures: list[str] = []
    tables: list[str] = []
    others: list[str] = []
    hidden: list[str] = []
    for folder, names in _walk(root):
        for name in names:
            relative = posixpath.join(folder, name)
            path = os.path.join(root, relative)
            everything.append(relative)
            if name.startswith("."):
                if _looks_like_picture(path):
                    hidden.append(relative)
            elif _suffix(name) in _SUFFIXES and not (os.path.exists(path) and not os.path.isfile(path)):
                pictures.append(relative)
            elif is_table(name) and (os.path.isfile(path) or not os.path.exists(path)):  # or a link to nothing
                tables.append(relative)
            else:
                (pictures if _looks_like_picture(path) else others).append(relative)
    return everything, pictures, tables, others, hidden


def _walk(root: str) -> Iterator[tuple[str, list[str]]]:
    """Each folder's relative name and its files, sorted; links are followed, but no folder is entered twice."""
    entered = set()

    def refuse(error: OSError) -> None:
        raise OSError(
            error.errno,
            f"The folder {os.path.relpath(error.filename, root)!r} in the data set cannot be read "
            f"({error.strerror}); make it readable, or move it away",
        )

    for folder, folders, files in os.walk(root, followlinks=True, onerror=refuse):
        identity = os.path.realpath(folder)
        if identity in entered:
            folders.clear()
            continue
        entered.add(identity)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        relative = os.path.relpath(folder, root).replace(os.sep, "/")
        yield "" if relative == "." else relative, sorted(files)


def _looks_like_picture(path: str) -> bool:
    if not os.path.isfile(path):  # a pipe would never end
        return False
    try:
        with open(path, "rb") as file:
            return may_be_picture(file.read(32))
    except OSError:
        return False


def _suffix(name: str) -> str:
    return posixpath.splitext(name)[1].lower()


def _wrappers(pictures: list[str]) -> int:
    """How many folders there are around all pictures, and around those of splits: their names say nothing."""
    if not pictures:
        return 0
    common = posixpath.commonpath([posixpath.dirname(name) for name in pictures]).split("/")
    depth = 0
    for folder in common:
        if not folder or SPLITS.get(folder.lower()):
            break
        depth += 1
    return depth


def _split_of(name: str, depth: int) -> str | None:
    folders = name.split("/")[:-1]
    return SPLITS.get(folders[depth].lower()) if len(folders) > depth else None


def _declares_configurations(root: str) -> bool:
    """Whether a README.md says, as on the Hub, which files make up the data set."""
    readme = os.path.join(root, "README.md")
    if not os.path.isfile(readme):
        return False
    try:
        with open(readme, encoding="utf-8", errors="replace") as file:
            text = file.read(100_000)
        if not text.startswith("---"):
            return False
        header = yaml.safe_load(text.split("---")[1])
        return isinstance(header, dict) and isinstance(header.get("configs"), list) and bool(header["configs"])
    except (OSError, yaml.YAMLError, IndexError, ValueError, RecursionError):
        return False
