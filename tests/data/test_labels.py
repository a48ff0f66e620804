"""Columns become bool, str, float or None, or are refused by name and value."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from modeling_vae.data.labels import LabelTable, label_reader


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        (
            "boolean",
            [True, False, 1, 0, 1.0, "true", "False", "yes", None, math.nan],
            [1, 0, 1, 0, 1, 1, 0, 1, None, None],
        ),
        ("boolean", [np.bool_(True), np.int64(0)], [True, False]),
        ("boolean", [-1, 1, -1.0, "-1", "1"], [False, True, False, False, True]),  # CelebA
        ("boolean", [" yes ", "Y", "n", "ON", "off\t", "T", "F", "0", "1.0", ""], [1, 1, 0, 1, 0, 1, 0, 0, 1, None]),
        ("category", ["tabby", "3", 3, np.int64(0), None, math.nan], ["tabby", "3", "3", "0", None, None]),
        ("category", [1.0, 3.0, np.float32(2), " tabby "], ["1", "3", "2", "tabby"]),  # whole numbers with a gap
        ("numeric", [1, 2.5, np.float32(0.5), -3, None, math.nan], [1.0, 2.5, 0.5, -3.0, None, None]),
        ("numeric", ["1", " -2.5e1 ", ""], [1.0, -25.0, None]),
    ],
)
def test_values(kind, values, expected):
    assert [label_reader("smile", kind)(value) for value in values] == expected


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("boolean", 2, "Column smile is boolean, but holds 2; use true or false, 1 or 0, or null for unknown."),
        ("boolean", -2, "Column smile is boolean, but holds -2; use"),
        ("boolean", "maybe", "Column smile is boolean, but holds 'maybe'; use"),
        ("boolean", [True], "Column smile is boolean, but holds [True]; use"),
        ("category", True, "Column smile is a category, but holds True; set it to boolean."),
        ("category", "", "Column smile is a category, but holds ''; use names, or null for unknown."),
        ("category", 0.5, "Column smile is a category, but holds 0.5; use names"),
        ("numeric", "one", "Column smile is numeric, but holds 'one'; use finite numbers, or null for unknown."),
        ("numeric", "1,5", "Column smile is numeric, but holds '1,5'; write numbers with a point."),
        ("numeric", "nan", "Column smile is numeric, but holds 'nan'; use finite numbers"),
        ("boolean", "?", "Column smile is boolean, but holds '?'; use"),
        ("numeric", math.inf, "Column smile is numeric, but holds inf; use finite numbers"),
        ("numeric", True, "Column smile is numeric, but holds True; set it to boolean."),
    ],
)
def test_other_values_are_refused(kind, value, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        label_reader("smile", kind)(value)


@pytest.mark.parametrize("values", [[0, 1, -1], ["-1", "1", "0"], [-1.0, 0.0]])
def test_two_ways_of_saying_no_are_refused(values):
    """-1 may mean unknown where 0 is no."""
    read = label_reader("smile", "boolean")
    with pytest.raises(ValueError, match="Column smile holds both 0 and -1; use one of them for no"):
        [read(value) for value in values]


def test_class_labels():
    names = ["cat", "dog"]
    assert [label_reader("kind", "category", names)(value) for value in (0, 1, -1, None)] == ["cat", "dog", None, None]
    assert [label_reader("kind", "boolean", names)(value) for value in (0, 1, -1)] == [False, True, None]
    assert label_reader("kind", "numeric", names)(1) == 1.0


def test_what_classes_say_counts_more_than_their_number():
    assert [label_reader("smiles", "boolean", ["yes", "no"])(value) for value in (0, 1)] == [True, False]


def test_class_numbers_out_of_range():
    with pytest.raises(ValueError, match="Column kind holds the class 2, but has only 2 classes."):
        label_reader("kind", "category", ["cat", "dog"])(2)


def test_impossible_kinds():
    with pytest.raises(ValueError, match=re.escape("attributes.age is 'number'; set \"boolean\"")):
        label_reader("age", "number")
    with pytest.raises(
        ValueError, match=re.escape("attributes.kind is boolean, but the column has 3 classes (a, b, c)")
    ):
        label_reader("kind", "boolean", ["a", "b", "c"])


def test_table_keeps_every_value():
    kinds = {"smile": "boolean", "coat": "category", "age": "numeric"}
    rows = [
        {"smile": True, "coat": "tabby", "age": 1.5},
        {"smile": None, "coat": None, "age": None},
        {"smile": False, "coat": "black", "age": -1.0},
        {"smile": None, "coat": "tabby", "age": 0.0},
    ]
    table = LabelTable(kinds)
    for row in rows:
        table.append(row)
    assert table.rows([0, 1, 2, 3]) == rows
    assert table.rows([3, 0]) == [rows[3], rows[0]]
    arrays = table.to_arrays()
    assert [array.itemsize for array in arrays.values()] == [1, 4, 8]
    again = LabelTable.from_arrays(table.kinds, table.names, arrays)
    assert again.rows([2, 1]) == [rows[2], rows[1]]
