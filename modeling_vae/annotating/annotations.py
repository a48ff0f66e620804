"""The answers to one question about the pictures of a folder: kept in a column of its metadata.csv, as they come."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

import numpy as np

from modeling_vae.data.metadata_tables import FILE_NAME, UNKNOWN, Tables, is_table
from modeling_vae.data.picture_folder import PictureFolder
from modeling_vae.files import write_whole

TABLE = "metadata.csv"
ORDER_SEED = 0


class Annotations:
    """A column that is being filled in; every answer is in the table at once, whole.

    Pictures come in an order that is random and always the same, so that those with an answer are a fair sample
    whenever one stops; those that have an answer already do not come. Other columns of the table stay, with empty
    cells for all that says "not known" (n/a, null); the table becomes UTF-8 with commas.

    Args:
        folder: with pictures, in it or in folders below.
        column: of the table; it is made where there is none.
        values: that answers may be.

    Raises:
        ValueError: there are no pictures, the folder has a table of another kind, or the column holds other values.
        OSError: the table cannot be read.
    """

    def __init__(self, folder: Path, column: str, values: tuple[str, ...]) -> None:
        if not folder.is_dir():
            raise ValueError(f"{folder} is no folder: give one with pictures.")
        if column == FILE_NAME or not column.strip():
            raise ValueError(f"{column!r} is no name for a column of answers: give another.")
        if len(set(values)) < 2 or not all(value.strip() for value in values):
            raise ValueError("there must be two different values or more to choose from.")
        if words := [value for value in values if value.lower() in UNKNOWN]:
            raise ValueError(f"{words[0]!r} says in a table that something is not known: give another word.")
        self.folder, self.column, self.values = folder, column, values
        listed = PictureFolder(str(folder))
        if not listed.pictures:
            raise ValueError(f"{folder} holds no pictures: add some.")
        others = [name for name in listed.files if is_table(name.rpartition("/")[2]) and name != TABLE]
        if others:
            raise ValueError(f"{folder} has a table {others[0]}; answers go into {TABLE}: write that one as such.")
        order = np.random.default_rng(ORDER_SEED).permutation(len(listed.pictures))
        self.pictures = [listed.pictures[place] for place in order]
        self._rows, self._columns = _read(folder / TABLE)
        self._columns += [column] * (column not in self._columns)
        found = set(self.answers.values())
        if found - set(values):
            other = min(found - set(values))
            raise ValueError(f"{TABLE} holds {other!r} in {column}: add it to the values, {', '.join(values)}.")
        self._done: list[tuple[str, str]] = []
        self._skipped: list[str] = []

    @property
    def answers(self) -> dict[str, str]:
        """Picture -> answer."""
        return {name: row[self.column] for name, row in self._rows.items() if row.get(self.column)}

    @property
    def counts(self) -> Counter[str]:
        """How many pictures have each answer."""
        return Counter(self.answers.values())

    @property
    def next(self) -> str | None:
        """The picture that is asked about; those that were skipped come again at the end of a later sitting."""
        answers, skipped = self.answers, set(self._skipped)
        return next((name for name in self.pictures if name not in answers and name not in skipped), None)

    @property
    def can_undo(self) -> bool:
        return bool(self._done)

    def answer(self, name: str, value: str | None) -> None:
        """Write an answer; None skips the picture for now.

        Raises:
            ValueError: there is no such picture or no such value.
            OSError: the table cannot be written; the answer is not taken then.
        """
        if name not in self.pictures or value is not None and value not in self.values:
            raise ValueError(f"{value!r} is no answer about {name!r}.")
        if value is None:
            self._skipped.append(name)
        else:
            self._set(name, value)
        self._done.append((name, "skipped" if value is None else "answered"))

    def undo(self) -> str | None:
        """Take the last answer of this sitting back, and return its picture, which is asked about again."""
        if not self._done:
            return None
        name, what = self._done[-1]
        if what == "skipped":
            self._skipped.remove(name)
        else:
            self._set(name, "")
        self._done.pop()
        return name

    def _set(self, name: str, value: str) -> None:
        before = self._rows.get(name)
        self._rows[name] = (before or {FILE_NAME: name}) | {self.column: value}
        try:
            write_whole(self.folder / TABLE, self._text())
        except OSError:
            if before is None:
                del self._rows[name]
            else:
                self._rows[name] = before
            raise

    def _text(self) -> str:
        text = io.StringIO()
        writer = csv.DictWriter(text, [FILE_NAME, *self._columns], restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(self._rows[name] for name in sorted(self._rows))
        return text.getvalue()


def _read(file: Path) -> tuple[dict[str, dict[str, str]], list[str]]:
    """The rows of a table by their picture, as text, and its columns without that of names."""
    if not file.is_file():
        return {}, []
    tables = Tables(str(file.parent), [file.name])
    names = tables.without_picture([])
    rows = {}
    for name in names:
        row = tables.row_of(name)
        values = row.values if row is not None else {}
        rows[name] = {FILE_NAME: name} | {column: "" if v is None else str(v) for column, v in values.items()}
    return rows, list(tables.columns)
