"""Which attributes the sheet of edits shows."""

from __future__ import annotations

from dataclasses import replace

from tiny import tiny_pipeline

from modeling_vae.hub.media import best_edits

NAMES = ["smiling", "coat:black", "coat:tabby", "coat:white", "age"]


def success(value: float | None) -> dict:
    return {"success": {"value": value, "low": value, "high": value}}


def test_all_in_their_order_where_there_is_room():
    pipe = tiny_pipeline()
    assert best_edits(pipe, {"age": success(1.0)}, most=5) == pipe.attributes == NAMES


def test_the_edits_that_a_probe_sees_come_first():
    """`age`, a number, is none that it could see: after all others, whatever its readout."""
    pipe = tiny_pipeline()
    judged = {name: success(value) for name, value in zip(NAMES[:4], (0.6, 0.9, 0.55, 0.7), strict=True)}
    judged["age"] = success(None)
    assert best_edits(pipe, judged, most=3) == ["coat:black", "coat:white", "smiling"]
    assert best_edits(pipe, judged, most=4)[-1] == "coat:tabby"


def test_without_a_probe_the_best_readouts_come_first():
    pipe = tiny_pipeline()
    known = pipe.directions.directions.values()
    held_out = (0.7, 0.9, None, 0.95, 0.5)  # of the number R^2 = 1/2, as good as an AUC of 3/4
    pipe.directions = pipe.directions.with_directions(
        [replace(direction, held_out=figure) for direction, figure in zip(known, held_out, strict=True)]
    )
    assert best_edits(pipe, {}, most=4) == ["coat:white", "coat:black", "age", "smiling"]
