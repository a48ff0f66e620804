"""Long work is announced with its purpose, and passed on as it is."""

from __future__ import annotations

import logging

from modeling_vae.progress import batches, in_turn, steps


def test_what_is_announced_is_what_is_done(caplog):
    with caplog.at_level(logging.INFO):
        assert list(batches(iter("abc"), "Reading letters", 3)) == ["a", "b", "c"]
        assert list(steps(3, "Counting")) == [0, 1, 2]
    assert [record.getMessage() for record in caplog.records] == ["Reading letters.", "Counting (3 steps)."]


def test_attributes_are_taken_in_turn_and_announced(caplog):
    with caplog.at_level(logging.INFO):
        assert list(in_turn(["smiling", "age"], "Editing attributes")) == ["smiling", "age"]
    assert [record.getMessage() for record in caplog.records] == ["Editing attributes (2)."]
