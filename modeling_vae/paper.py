"""What all plots have in common: a sheet of paper of their own, so that they read the same on light and dark pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageFont

from .sheets import spelt

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAPER, INK, FAINT = "#fbfaf7", "#22262b", "#b9bcc1"
COLOURS = (
    *("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c6d31", "#7a68a6", "#f0c419", "#6b6f76"),
)
"""Told apart by people of all kinds of colour vision, as far as that goes (after Okabe and Ito 2008)."""
DPI = 110
STYLE: dict[Any, Any] = {
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "text.color": INK,
    "font.family": "DejaVu Sans",
    "legend.fontsize": 8,
    "legend.frameon": False,
}


@contextmanager
def sheet(width: float, height: float, title: str) -> Iterator[Figure]:
    """A figure of so many inches to draw into; nothing global is changed but within."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
        figure.suptitle(title, fontsize=11)
        yield figure


def picture(figure: Figure) -> Image.Image:
    """The figure as a picture."""
    file = BytesIO()
    figure.savefig(file, format="png")
    return Image.open(file).convert("RGB")


def written(text: str) -> str:
    """The text with names in the place of the characters that the font of plots lacks, see `sheets.spelt`."""
    return spelt(text, _font())


@cache
def _font() -> ImageFont.FreeTypeFont:
    from matplotlib.font_manager import findfont

    return ImageFont.truetype(findfont(STYLE["font.family"]), size=12)
