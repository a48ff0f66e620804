"""Columns become yes-or-no attributes; what is unknown stays so."""

from __future__ import annotations

from modeling_vae.probing.yes_no import YesNo, targets, yes_no_attributes

KINDS = {"smiling": "boolean", "coat": "category", "age": "numeric"}


def test_attributes_need_twenty_pictures_on_either_side():
    labels = {
        "smiling": [True] * 20 + [False] * 20 + [None] * 5,
        "coat": ["tabby"] * 21 + ["white"] * 5 + ["black"] * 19,
    }
    found, refused = yes_no_attributes(KINDS, labels)
    assert found == [YesNo("smiling", "smiling", "true"), YesNo("coat:tabby", "coat", "tabby")]
    assert refused["coat:white"].startswith("5 training pictures with and 40 without, 20 ")
    assert refused["age"] == "a number, no yes or no" and set(refused) == {"coat:white", "coat:black", "age"}
    assert [a.name for a in yes_no_attributes(KINDS, labels, ["smiling"])[0]] == ["coat:tabby"]


def test_targets_keep_what_is_unknown_unknown():
    attributes = [YesNo("smiling", "smiling", "true"), YesNo("coat:white", "coat", "white")]
    found = targets(attributes, {"smiling": [True, False, None], "coat": ["white", None, "tabby"]})
    assert found.shape == (3, 2)
    assert found.nan_to_num(-1).tolist() == [[1, 1], [0, -1], [-1, 0]]
