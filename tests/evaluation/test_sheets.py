"""Sheets: where each picture comes to lie."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFont

from modeling_vae.sheets import grid, rows, spelt


def plain(colour: str, width: int = 8, height: int = 6) -> Image.Image:
    return Image.new("RGB", (width, height), colour)


def test_grid_places_pictures_row_by_row():
    sheet = grid([plain("red"), plain("green"), plain("blue")], columns=2, gap=3)
    assert sheet.size == (3 + 2 * 11, 3 + 2 * 9)
    assert sheet.getpixel((3, 3)) == (255, 0, 0)
    assert sheet.getpixel((3 + 11, 3)) == (0, 128, 0)
    assert sheet.getpixel((3, 3 + 9)) == (0, 0, 255)
    assert sheet.getpixel((3 + 11, 3 + 9)) == sheet.getpixel((0, 0)) == (255, 255, 255)


def test_grid_is_square_by_itself():
    assert grid([plain("red", 8, 8)] * 9, gap=0).size == (24, 24)
    assert grid([plain("red", 8, 8)] * 10, gap=0).size == (32, 24)
    assert grid([plain("red", 8, 8)], gap=0).tobytes() == plain("red", 8, 8).tobytes()


def test_smaller_pictures_are_centred_and_other_modes_converted():
    sheet = grid([Image.new("L", (4, 4), 90), plain("red", 8, 8)], columns=2, gap=0)
    assert sheet.mode == "RGB"
    assert sheet.getpixel((2, 2)) == (90, 90, 90)
    assert sheet.getpixel((1, 1)) == (255, 255, 255)


def test_labels_get_room_of_their_own():
    pictures = [[plain("red", 32, 32)] * 3, [plain("blue", 32, 32), None]]
    bare, full = rows(pictures), rows(pictures, labels=["eyes_closed", "facing:left"])
    left = full.width - bare.width
    assert left > 40 and full.height == bare.height
    assert full.crop((left, 0, *full.size)).tobytes() == bare.tobytes()
    assert np.asarray(full.crop((0, 0, left, full.height))).min() < 128


def test_headings_stand_over_their_columns_and_widen_them():
    pictures = [[plain("red", 32, 32)] * 2, [plain("blue", 32, 32), None]]
    bare, full = rows(pictures, ["a", "b"]), rows(pictures, ["a", "b"], headings=["", "x"])
    top = full.height - bare.height
    assert top > 12 and full.width == bare.width
    assert full.crop((0, top, *full.size)).tobytes() == bare.tobytes()
    over = np.asarray(full.crop((0, 0, full.width, top)).convert("L"))
    assert over[:, : -32 - 2].min() == 255 and over[:, -32 - 2 :].min() < 128
    wide = rows(pictures, headings=["a long name of a model", "x"])
    cell = (wide.width - 2) // 2
    assert cell > 120 and wide.getpixel((cell // 2 + 2, wide.height - 10)) == (0, 0, 255)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: grid([]), "at least one picture"),
        (lambda: rows([[None]]), "at least one picture"),
        (lambda: grid([plain("red")], columns=0), "columns is 0"),
        (lambda: grid([plain("red")], gap=-1), "gap is -1"),
        (lambda: rows([[plain("red")]], labels=["a", "b"]), "There are 2 labels for 1; give one for each row"),
        (lambda: rows([[plain("red")]], headings=[]), "There are 0 labels for 1; give one for each column"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_what_the_font_lacks_is_spelt_out():
    font = ImageFont.load_default(13)
    assert spelt("coat: black & white", font) == "coat: black & white"
    assert spelt("label:\u304a", font) == "label:hiragana letter o"
    assert spelt("bl\u00e9", font) in ("bl\u00e9", "ble")
    assert spelt("\ue000", font) == "u+e000"
    picture = plain("red")
    assert rows([[picture]], ["\u304a"]).size == rows([[picture]], ["hiragana letter o"]).size
