"""Sheets: many pictures laid out in one, to be looked at."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from typing import cast

from PIL import Image, ImageDraw, ImageFont

BACKGROUND = "white"
INK = "#333333"
LABEL_SIZE = 13
LABEL_MARGIN = 6


def grid(pictures: Sequence[Image.Image], columns: int | None = None, gap: int = 2) -> Image.Image:
    """Pictures of any sizes in rows of `columns`, each cell as large as the largest: an RGB picture.

    Args:
        pictures: at least one.
        columns: as square as it goes where none is given.
        gap: pixels between the cells and round the edge.
    """
    pictures = list(pictures)
    columns = math.ceil(math.sqrt(len(pictures))) if columns is None else columns
    if columns < 1 and pictures:
        raise ValueError(f"columns is {columns}; a sheet has at least one column.")
    lines = [pictures[start : start + columns] for start in range(0, len(pictures), max(columns, 1))]
    return rows(lines, gap=gap)


def rows(
    pictures: Sequence[Sequence[Image.Image | None]],
    labels: Sequence[str] | None = None,
    gap: int = 2,
    headings: Sequence[str] | None = None,
) -> Image.Image:
    """Rows of pictures with an optional label before each row and over each column: an RGB picture.

    Args:
        pictures: rows of any lengths; None leaves a cell empty. Each cell is as large as the largest picture.
        labels: one for each row, for instance attributes.
        gap: pixels between the cells and round the edge.
        headings: one for each column; a cell is at least as wide as the widest.
    """
    shown = [picture for row in pictures for picture in row if picture is not None]
    if not shown:
        raise ValueError("A sheet needs at least one picture, but got none.")
    if gap < 0:
        raise ValueError(f"gap is {gap}; it must be at least 0 pixels.")
    columns = max(len(row) for row in pictures)
    for words, count, name in ((labels, len(pictures), "row"), (headings, columns, "column")):
        if words is not None and len(words) != count:
            raise ValueError(f"There are {len(words)} labels for {count}; give one for each {name}.")
    font = cast(ImageFont.FreeTypeFont, ImageFont.load_default(LABEL_SIZE))
    left, labels = _spaced(labels or (), font)
    widest, headings = _spaced(headings or (), font)
    top = LABEL_SIZE + 2 * LABEL_MARGIN if headings else 0
    width, height = max(widest, *(picture.width for picture in shown)), max(picture.height for picture in shown)
    size = (left + gap + columns * (width + gap), top + gap + len(pictures) * (height + gap))
    sheet = Image.new("RGB", size, BACKGROUND)
    pen = ImageDraw.Draw(sheet)
    for column, text in enumerate(headings):
        pen.text((left + gap + column * (width + gap) + width / 2, top / 2), text, INK, font, anchor="mm")
    for line, row in enumerate(pictures):
        y = top + gap + line * (height + gap)
        if labels:
            pen.text((left - LABEL_MARGIN, y + height / 2), labels[line], INK, font, anchor="rm")
        for column, picture in enumerate(row):
            if picture is not None:
                x = left + gap + column * (width + gap)
                sheet.paste(
                    picture.convert("RGB"), (x + (width - picture.width) // 2, y + (height - picture.height) // 2)
                )
    return sheet


def _spaced(words: Sequence[str], font: ImageFont.FreeTypeFont) -> tuple[int, list[str]]:
    """Words as the font can draw them, and the width that the longest takes with its margins; 0 without any."""
    drawn = [spelt(text, font) for text in words]
    return max((math.ceil(font.getlength(text)) + 2 * LABEL_MARGIN for text in drawn), default=0), drawn


def spelt(text: str, font: ImageFont.FreeTypeFont) -> str:
    r"""The text as a font can draw it: what it lacks without its accents, or as its Unicode name.

    "bl\u00e9:\u304a" -> "ble:hiragana letter o", with a font of plain Latin letters.
    """
    box = bytes(font.getmask("\uffff"))  # no character, so that a font draws what it draws for all that it lacks

    def drawable(character: str) -> bool:
        return character.isspace() or bytes(font.getmask(character)) != box

    def instead(character: str) -> str:
        bare = unicodedata.normalize("NFKD", character)[0]
        return bare if drawable(bare) else unicodedata.name(character, f"U+{ord(character):04X}").lower()

    return "".join(each if drawable(each) else instead(each) for each in text)
