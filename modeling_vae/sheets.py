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
    pictures: Sequence[Sequence[Image.Image | None]], labels: Sequence[str] | None = None, gap: int = 2
) -> Image.Image:
    """Rows of pictures with an optional label before each row: an RGB picture.

    Args:
        pictures: rows of any lengths; None leaves a cell empty. Each cell is as large as the largest picture.
        labels: one for each row, for instance attributes.
        gap: pixels between the cells and round the edge.
    """
    shown = [picture for row in pictures for picture in row if picture is not None]
    if not shown:
        raise ValueError("A sheet needs at least one picture, but got none.")
    if gap < 0:
        raise ValueError(f"gap is {gap}; it must be at least 0 pixels.")
    columns = max(len(row) for row in pictures)
    if labels is not None and len(labels) != len(pictures):
        raise ValueError(f"There are {len(labels)} labels for {len(pictures)}; give one for each row.")
    font = cast(ImageFont.FreeTypeFont, ImageFont.load_default(LABEL_SIZE))
    labels = labels and [spelt(text, font) for text in labels]
    width, height = max(picture.width for picture in shown), max(picture.height for picture in shown)
    left = max((math.ceil(font.getlength(text)) + 2 * LABEL_MARGIN for text in labels or ()), default=0)
    size = (left + gap + columns * (width + gap), gap + len(pictures) * (height + gap))
    sheet = Image.new("RGB", size, BACKGROUND)
    pen = ImageDraw.Draw(sheet)
    for line, row in enumerate(pictures):
        y = gap + line * (height + gap)
        if labels is not None:
            pen.text((left - LABEL_MARGIN, y + height / 2), labels[line], INK, font, anchor="rm")
        for column, picture in enumerate(row):
            if picture is not None:
                x = left + gap + column * (width + gap)
                sheet.paste(
                    picture.convert("RGB"), (x + (width - picture.width) // 2, y + (height - picture.height) // 2)
                )
    return sheet


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
