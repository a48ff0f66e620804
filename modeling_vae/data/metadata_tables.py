"""Tables that lie beside pictures: which row belongs to which picture, as spreadsheets and CelebA's lists have it.

`metadata.csv`, `.tsv`, `.jsonl` or `.parquet` name their pictures in `file_name`, relative to the table's own folder,
as `datasets` has it; `list_attr_celeba` and `list_eval_partition` (text, or as CSV) by their mere name, wherever they
lie. Text may be UTF-8, UTF-16, UTF-32 or Windows-1252, with any of four delimiters.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import os
import posixpath
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

FILE_NAME = "file_name"
CELEBA_ATTRIBUTES, CELEBA_SPLITS = "list_attr_celeba", "list_eval_partition"
SPLITS_OF_CELEBA = {"0": "train", "1": "validation", "2": "test"}
_METADATA = re.compile(r"metadata\.(csv|tsv|jsonl|parquet)", re.IGNORECASE)
_CELEBA = re.compile(rf"({CELEBA_ATTRIBUTES}|{CELEBA_SPLITS})\.(txt|csv)", re.IGNORECASE)
_DELIMITERS = ",;\t|"
UNKNOWN = {"", "na", "n/a", "#n/a", "<na>", "nan", "null", "none"}


@dataclass(frozen=True)
class TableRow:
    """One row: `place` says where it stands, for a person; `values` are what it says, by column."""

    place: str
    values: Mapping[str, Any]


class Tables:
    """All tables of a folder. Names are compared in the Unicode form NFC, as file systems differ in it.

    Args:
        root: the folder.
        files: relative names of its tables, see `is_table`.

    Raises:
        ValueError: a table cannot be read, is empty, has no column of file names, or says two things of one picture.
    """

    def __init__(self, root: str, files: list[str]) -> None:
        self._by_name: dict[str, TableRow] = {}
        self._by_base: dict[str, TableRow] = {}
        self.splits: dict[str, str] = {}
        self.columns: list[str] = []
        folders: dict[str, str] = {}
        for file in files:
            folder = posixpath.dirname(file)
            if kind := _CELEBA.fullmatch(posixpath.basename(file)):
                self._add_celeba(root, file, kind[1].lower())
                continue
            if folder in folders:
                raise ValueError(f"{folders[folder]} and {file} describe the same pictures; leave one of them.")
            folders[folder] = file
            self._add_metadata(root, file, folder)

    def row_of(self, name: str) -> TableRow | None:
        """The row of the picture with this relative name."""
        name = _normal(name)
        return self._by_name.get(name) or self._by_base.get(posixpath.basename(name))

    def split_of(self, name: str) -> str | None:
        """The split that CelebA's list puts the picture into."""
        return self.splits.get(posixpath.basename(_normal(name)))

    def __bool__(self) -> bool:
        return bool(self._by_name or self._by_base)

    def without_picture(self, names: list[str]) -> list[str]:
        """The names that rows have and no picture has, of the relative names of all pictures."""
        known = {_normal(name) for name in names}
        bases = {posixpath.basename(name) for name in known}
        return [*(n for n in self._by_name if n not in known), *(n for n in self._by_base if n not in bases)]

    def _add_metadata(self, root: str, file: str, folder: str) -> None:
        rows = 0
        for place, values in _read(root, file):
            rows += 1
            given = values.pop(FILE_NAME, None)
            if given is None:
                raise ValueError(f"{place} says no {FILE_NAME}; name its picture, or remove the row.")
            name = posixpath.normpath(posixpath.join(folder, str(given).strip().replace("\\", "/")))
            self._add(self._by_name, _normal(name), TableRow(f"{place} ({given})", values))
        if not rows:
            raise ValueError(f"{file} holds no rows; add one for each picture, or remove the file.")

    def _add_celeba(self, root: str, file: str, kind: str) -> None:
        for place, name, values in _read_celeba(root, file, kind):
            if kind == CELEBA_ATTRIBUTES:
                self._add(self._by_base, name, TableRow(f"{place} ({name})", values))
                continue
            split = SPLITS_OF_CELEBA.get(str(next(iter(values.values()), "")))
            if split is None:
                raise ValueError(f"{place} puts {name} into no split: 0 is train, 1 validation, 2 test.")
            self.splits[name] = split

    def _add(self, rows: dict[str, TableRow], name: str, row: TableRow) -> None:
        other = rows.setdefault(name, row)
        if other.values != row.values:
            raise ValueError(f"{row.place} and {other.place} say different things of one picture; leave one of them.")
        for column in row.values:
            if column not in self.columns:
                self.columns.append(column)


def is_table(name: str) -> bool:
    """Whether a file of this name (without its folder) describes pictures."""
    return bool(_METADATA.fullmatch(name) or _CELEBA.fullmatch(name))


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _read(root: str, file: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The place and the values of each row of a metadata table."""
    path, suffix = os.path.join(root, file), file.rsplit(".", 1)[1].lower()
    if suffix == "parquet":
        yield from _read_parquet(path, file)
    elif suffix == "jsonl":
        yield from _read_json_lines(_text(path, file), file)
    else:
        yield from _read_delimited(_text(path, file), file)


def _read_delimited(text: str, file: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if text.lower().startswith("sep="):  # Excel's own hint to itself
        text = text.partition("\n")[2]
        offset = 1
    else:
        offset = 0
    header, rows = _delimited(text, file, FILE_NAME)
    for number, cells in rows:
        place = f"{file}, line {number + offset}"
        if any(cell.strip() for cell in cells[len(header) :]):
            raise ValueError(
                f"{place} has {len(cells)} cells, but the header has {len(header)}; put text that holds the delimiter "
                "in quotation marks."
            )
        yield place, dict(zip(header, (_cell(cell) for cell in cells), strict=False))


def _delimited(text: str, file: str, key: str) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The header, and the number of the line and the cells of each row; the delimiter is that which shows `key`."""
    if not text.strip():
        raise ValueError(f"{file} is empty; write a header and a row for each picture, or remove the file.")
    first = text.lstrip("\n ").split("\n", 1)[0]
    for delimiter in _DELIMITERS:
        header = [cell.strip() for cell in next(_parse(first, delimiter, file), (0, [""]))[1]]
        if key in header:
            break
    else:
        there_are = ", ".join(cell.strip() for cell in re.split(f"[{_DELIMITERS}]", first)[:8]) or "none"
        raise ValueError(f"{file} has no column {key}; call the one that names the pictures so. It has: {there_are}.")
    twice = sorted({column for column in header if header.count(column) > 1 and column})
    if twice:
        raise ValueError(f"{file} has two columns called {twice[0]!r}; rename one of them.")
    rows = _parse(text, delimiter, file)
    while not any(cell.strip() for cell in next(rows)[1]):
        pass  # blank lines above the header
    return header, (row for row in rows if any(cell.strip() for cell in row[1]))


def _parse(text: str, delimiter: str, file: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    begins = 0
    while True:
        last, begins = begins, reader.line_num
        try:
            cells = next(reader)
        except StopIteration:
            if begins > last + 1:
                _refuse_open_quotation(text, delimiter, file, last)
            return
        except csv.Error as error:
            place = f"{file}, line {reader.line_num}"
            raise ValueError(f"{place} cannot be read ({error}); write the table again.") from None
        yield reader.line_num, cells


def _refuse_open_quotation(text: str, delimiter: str, file: str, line: int) -> None:
    """Raise a ValueError where the last row, which begins after so many lines, is all that follows one mark."""
    rest = text.split("\n", line)[line]
    try:
        next(csv.reader(io.StringIO(rest, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        if "end of data" in str(error):
            raise ValueError(
                f"{file}, line {line + 1} opens a quotation mark that nothing closes; close it, or write two in its "
                "place."
            ) from None


def _cell(text: str) -> str | None:
    return None if text.strip().lower() in UNKNOWN else text.strip()


def _read_json_lines(text: str, file: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
            if "\\u" in line:
                json.dumps(values, ensure_ascii=False).encode()  # half a character is no text
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{file}, line {number} is no JSON ({error}); write one object a line.") from None
        if not isinstance(values, dict):
            raise ValueError(f"{file}, line {number} is no JSON object; write one object a line.")
        yield f"{file}, line {number}", _flat(values)


def _read_parquet(path: str, file: str) -> Iterator[tuple[str, dict[str, Any]]]:
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.ParquetFile(path)
        if FILE_NAME not in table.schema_arrow.names:
            there_are = ", ".join(table.schema_arrow.names[:8]) or "none"
            raise ValueError(f"{file} has no column {FILE_NAME}; call that of the pictures so. It has: {there_are}.")
        number = 0
        for batch in table.iter_batches():
            for values in batch.to_pylist():
                number += 1
                yield f"{file}, row {number}", _flat(values)
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"{file} is damaged ({str(error).splitlines()[0]}); fetch or write it again.") from error


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Members of an object as `column.member`, one level deep."""
    flat: dict[str, Any] = {}
    for column, value in values.items():
        members = value.items() if isinstance(value, dict) else ()
        flat |= {f"{column}.{member}": inner for member, inner in members} or {column: value}
    return flat


def _read_celeba(root: str, file: str, kind: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The place, the picture's name and the values of each row of one of CelebA's lists, as published or as CSV."""
    text = _text(os.path.join(root, file), file)
    if file.lower().endswith(".csv"):
        header, rows = _delimited(text, file, "image_id")
        for number, cells in rows:
            values = dict(zip(header, (_cell(cell) for cell in cells), strict=False))
            yield f"{file}, line {number}", str(values.pop("image_id")), values
        return
    lines = [(number, line.split()) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    columns = ["partition"]
    if kind == CELEBA_ATTRIBUTES:  # the first line is a count, the second the names
        if len(lines) < 3 or len(lines[0][1]) != 1:
            raise ValueError(f"{file} is no list of CelebA's: it begins with a count and a line of names.")
        columns, lines = lines[1][1], lines[2:]
    for number, (name, *cells) in lines:
        if len(cells) != len(columns):
            raise ValueError(f"{file}, line {number} has {len(cells)} values, but there are {len(columns)} columns.")
        yield f"{file}, line {number}", _normal(name), dict(zip(columns, cells, strict=True))


def _text(path: str, file: str) -> str:
    """The text of a file, in the encoding that its bytes show; lines end with a newline."""
    try:
        with open(path, "rb") as opened:
            data = opened.read()
    except OSError as error:
        raise ValueError(f"{file} cannot be read ({error.strerror or error}); make it readable.") from error
    return _decoded(data).replace("\r\n", "\n").replace("\r", "\n")


def _decoded(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):  # before UTF-16, as one begins like the other
        return data.decode("utf-32", "replace")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    if data.startswith(codecs.BOM_UTF8):
        return data.decode("utf-8-sig", "replace")
    start = data[:200]
    if start and len(start) % 2 == 0 and b"\0" in start:
        if not start[::2].strip(b"\0"):
            return data.decode("utf-16-be", "replace")
        if not start[1::2].strip(b"\0"):
            return data.decode("utf-16-le", "replace")
    for encoding in ("utf-8", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")
