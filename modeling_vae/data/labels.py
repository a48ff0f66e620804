"""Turning the columns of a data set into clean label values, and keeping many of them in little memory."""

from __future__ import annotations

import contextlib
import math
import numbers
from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

KINDS = ("boolean", "category", "numeric")
MOST_SHOWN = 80
"""Characters of a value in a sentence."""

Label = bool | str | float | None
LabelReader = Callable[[Any], Label]

_WORDS = {
    **dict.fromkeys(("true", "yes", "y", "t", "on", "1", "1.0", "+1"), True),
    **dict.fromkeys(("false", "no", "n", "f", "off", "0", "0.0", "-1", "-1.0"), False),
}


def label_reader(column: str, kind: str, class_names: Sequence[str] | None = None) -> LabelReader:
    """Returns the function that turns a raw value of `column` into a label; None and NaN stay None ("not annotated").

    Args:
        column: the column's name, for error messages.
        kind: "boolean" (bool, 1 and 0, 1 and -1, or words such as "true", "no", "on" -> bool), "category" (a string,
            or a whole number -> str) or "numeric" (a finite number, or one as text -> float).
        class_names: the names behind the numbers where the column is a `datasets.ClassLabel`; then -1 is None too.

    Raises:
        ValueError: `kind` is none of the three, or a boolean column has other than two classes. The returned function
            raises it for a value of another kind, and where a boolean column holds both 0 and -1.
    """
    if kind not in KINDS:
        raise ValueError(f'attributes.{column} is {kind!r}; set "boolean", "category" or "numeric".')
    if kind == "boolean" and class_names is not None and len(class_names) != 2:
        raise ValueError(
            f"attributes.{column} is boolean, but the column has {len(class_names)} classes "
            f"({', '.join(class_names[:5])}); set it to category."
        )
    readers: dict[str, Callable[[str, Any], Label]] = {"boolean": _boolean, "category": _category, "numeric": _numeric}
    read = readers[kind]
    said_no: set[int] = set()

    def read_label(value: Any) -> Label:
        if isinstance(value, str):
            value = value.strip()
        if value is None or (value == "" and kind != "category") or (isinstance(value, float) and math.isnan(value)):
            return None
        if class_names is not None and isinstance(value, numbers.Integral) and kind != "numeric":
            if value == -1:
                return None
            value = _class_value(column, kind, int(value), class_names)
        label = read(column, value)
        if kind == "boolean" and label is False and class_names is None:
            said_no.update({"0": [0], "0.0": [0], "-1": [-1], "-1.0": [-1]}.get(str(value), []))
            if len(said_no) == 2:
                raise ValueError(f"Column {column} holds both 0 and -1; use one of them for no, or null for unknown.")
        return label

    return read_label


def _class_value(column: str, kind: str, number: int, class_names: Sequence[str]) -> Any:
    if not 0 <= number < len(class_names):
        raise ValueError(f"Column {column} holds the class {number}, but has only {len(class_names)} classes.")
    name = class_names[number]
    # Two classes called "open" and "closed" are told apart by their number, "no" and "yes" by what they say.
    says = {word.lower() for word in class_names} <= set(_WORDS)
    return name if kind == "category" or says else number


def is_boolean(value: Any) -> bool:
    """Whether a value can be read as true or false."""
    try:
        _boolean("", value)
    except ValueError:
        return False
    return True


def _boolean(column: str, value: Any) -> bool:
    if isinstance(value, str) and value.lower() in _WORDS:
        return _WORDS[value.lower()]
    if isinstance(value, bool | np.bool_ | numbers.Real) and value in (-1, 0, 1):
        return bool(value == 1)
    raise ValueError(
        f"Column {column} is boolean, but holds {_shown(value)}; use true or false, 1 or 0, or null for unknown."
    )


def _category(column: str, value: Any) -> str:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return str(int(value))
    if isinstance(value, numbers.Real) and not isinstance(value, bool) and value == value // 1:
        return str(int(float(value)))  # whole numbers become fractions in tables that leave some out
    remedy = "set it to boolean" if isinstance(value, bool | np.bool_) else "use names, or null for unknown"
    raise ValueError(f"Column {column} is a category, but holds {_shown(value)}; {remedy}.")


def _numeric(column: str, value: Any) -> float:
    number = value
    if isinstance(value, str) and "_" not in value:  # Python's own 1_000 is nobody's number in a table
        with contextlib.suppress(ValueError):
            number = float(value)
    if isinstance(number, numbers.Real) and not isinstance(number, bool):
        with contextlib.suppress(OverflowError):
            if math.isfinite(number):
                return float(number)
    remedy = "set it to boolean" if isinstance(value, bool | np.bool_) else "use finite numbers, or null for unknown"
    if isinstance(value, str) and "," in value:
        remedy = "write numbers with a point"
    raise ValueError(f"Column {column} is numeric, but holds {_shown(value)}; {remedy}.")


def _shown(value: Any) -> str:
    """A value in a sentence; a cell may hold megabytes."""
    shown = repr(value)
    return shown if len(shown) <= MOST_SHOWN else f"{shown[:MOST_SHOWN]}..."


class LabelTable:
    """The labels of many pictures, column by column: 1 byte a boolean, 4 a category, 8 a number.

    Rows are appended one after the other while the data set is read, and looked up by their number later.
    """

    _TYPES = {"boolean": "b", "category": "i", "numeric": "d"}

    def __init__(self, kinds: Mapping[str, str]) -> None:
        self.kinds = dict(kinds)
        self.names: dict[str, list[str]] = {column: [] for column, kind in kinds.items() if kind == "category"}
        self._codes: dict[str, dict[str, int]] = {column: {} for column in self.names}
        self._values: dict[str, Any] = {column: array(self._TYPES[kind]) for column, kind in kinds.items()}

    def append(self, labels: Mapping[str, Label]) -> None:
        """Adds one row; `labels` has a value or None for every column."""
        for column, values in self._values.items():
            values.append(self._encode(column, labels[column]))

    def rows(self, numbers_: Sequence[int] | np.ndarray) -> list[dict[str, Label]]:
        """The labels of some rows, each as {column: value or None}."""
        columns = {column: self._decode(column, np.asarray(numbers_)) for column in self._values}
        return [{column: values[row] for column, values in columns.items()} for row in range(len(numbers_))]

    def to_arrays(self) -> dict[str, np.ndarray]:
        """One array per column: int8 with -1 for None, int32 codes into `names` with -1, float64 with NaN."""
        return {column: np.asarray(values) for column, values in self._values.items()}

    @classmethod
    def from_arrays(
        cls, kinds: Mapping[str, str], names: Mapping[str, list[str]], arrays: Mapping[str, np.ndarray]
    ) -> LabelTable:
        """The table that `to_arrays`, `kinds` and `names` describe; read only."""
        table = cls(kinds)
        table.names = {column: list(values) for column, values in names.items()}
        table._values = dict(arrays)
        return table

    def _encode(self, column: str, label: Label) -> int | float:
        kind = self.kinds[column]
        if kind == "numeric":
            return math.nan if label is None else float(label)
        if label is None:
            return -1
        if kind == "boolean":
            return int(label)
        codes = self._codes[column]
        if label not in codes:
            codes[str(label)] = len(codes)
            self.names[column].append(str(label))
        return codes[str(label)]

    def _decode(self, column: str, rows: np.ndarray) -> list[Label]:
        values = np.asarray(self._values[column])[rows].tolist()
        kind = self.kinds[column]
        if kind == "numeric":
            return [None if math.isnan(value) else value for value in values]
        if kind == "boolean":
            return [None if value < 0 else value == 1 for value in values]
        names = self.names[column]
        return [None if value < 0 else names[value] for value in values]
