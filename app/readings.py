"""How a face's attributes read, drawn as rows of HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from .studio import AttributeReading

METER = 4.0
"""Standard deviations at either end of the meter of a reading."""


def readings_html(readings: Sequence[AttributeReading]) -> str:
    """One row per attribute: where the face stands among all faces, before (ring) and after (dot)."""
    rows = []
    for reading in readings:
        before, after = (50 + 50 * max(-1.0, min(1.0, value / METER)) for value in (reading.before, reading.after))
        chance = "" if reading.probability is None else f"{reading.probability:.0%}"
        value = _signed(reading.after)
        spoken = f"{reading.attribute.label}: {value}, was {_signed(reading.before)}"
        rows.append(
            f'<div class="reading" role="img" aria-label="{escape(spoken)}">'
            f'<span class="meter"><i class="way" style="left:{min(before, after):.1f}%;'
            f'width:{abs(after - before):.1f}%"></i><i class="ring" style="left:{before:.1f}%"></i>'
            f'<i class="dot" style="left:{after:.1f}%"></i></span>'
            f"<b>{value}</b><small>{chance}</small></div>"
        )
    return f'<p class="desk-head">Reads</p>{"".join(rows)}'


def _signed(value: float) -> str:
    return f"{value:+z.1f}".replace("-", "\u2212")
