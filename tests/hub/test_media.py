"""The sheets of a published folder, and which attributes that of edits shows."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
from PIL import Image
from tiny import tiny_pipeline

from modeling_vae.media import best_edits, draw_media

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


def likeness(sheet: Image.Image, line: int, column: int, lines: int, picture: Image.Image, side: int = 80) -> float:
    """Correlation of the greys of a picture and of one on a sheet of 8 columns; the sheet was compressed."""
    left = sheet.width - 8 * (side + 2)
    assert sheet.height == lines * (side + 2) + 2 and left >= 2
    x, y = left + column * (side + 2), 2 + line * (side + 2)
    shown = sheet.crop((x, y, x + side, y + side))
    greys = [np.asarray(each.convert("RGB").convert("L").resize((40, 40))).ravel() for each in (shown, picture)]
    return float(np.corrcoef(*greys)[0, 1])


def test_the_sheets_show_what_the_card_says():
    pipe = tiny_pipeline()
    media = draw_media(pipe)
    assert media.keys() == {"samples.webp", "reconstructions.webp", "morphs.webp", "edits.webp", "morph.gif"}
    samples = pipe.generate(32, seed=1)
    with Image.open(BytesIO(media["reconstructions.webp"])) as sheet:  # 32, each above its reconstruction
        assert likeness(sheet, 2, 1, 8, samples[9]) > 0.9
        assert likeness(sheet, 3, 1, 8, pipe.reconstruct(samples[9])[0]) > 0.9
        assert likeness(sheet, 2, 2, 8, samples[9]) < 0.9
    first, last = pipe.decode(pipe.sample(16, seed=2, truncation=0.8)[14:])
    with Image.open(BytesIO(media["morphs.webp"])) as sheet:  # 8, in 8 steps
        assert likeness(sheet, 7, 0, 8, first) > 0.9 and likeness(sheet, 7, 7, 8, last) > 0.9
        assert likeness(sheet, 7, 0, 8, last) < 0.9
