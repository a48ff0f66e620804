"""The section of a card that says at which strengths edits show, and what the model cannot draw."""

from __future__ import annotations

from collections.abc import Iterable

from modeling_vae.figures.tables import code
from modeling_vae.model.direction import Direction

HEADINGS = ("attribute", "shows in half", "in nine of ten", "is lost in half", "in nine of ten", "slider")


def strengths_section(directions: Iterable[Direction]) -> str:
    """The section; empty where nobody measured what edits show."""
    measured = [direction for direction in directions if direction.seen is not None]
    if not measured:
        return ""
    lines = [
        "## What edits show",
        "",
        "A strength of 1 is one standard deviation over the data. A judge, a small network that learnt from real "
        "pictures to see the attributes, looked at edits of pictures that lacked an attribute, and of ones that had "
        "it: at which strength do half of them, and nine in ten, show it, or no longer show it? Empty where that "
        "never happens before pictures fall apart, which is where most of them are farther from drawn pictures, in "
        f"the judge's features, than 99 in 100 drawn ones are. {_tried(measured)}",
        "",
        f"| {' | '.join(HEADINGS)} |",
        "|---" * len(HEADINGS) + "|",
    ]
    for direction in measured:
        found = [direction.strength_of(share, losing) for losing in (False, True) for share in (0.5, 0.9)]
        cells = ["" if strength is None else f"{strength:+.1f}" for strength in found]
        low, high = direction.reach
        lines.append(f"| {' | '.join([code(direction.name), *cells, f'{low:+g} to {high:+g}'])} |")
    undrawn = [code(direction.name) for direction in measured if not direction.drawable]
    kept = [code(direction.name) for direction in measured if direction.loses is None]
    if undrawn:
        lines += ["", f"**Not drawn so that nine in ten pictures show it:** {', '.join(undrawn)}."]
    if kept:
        lines += ["", f"**Not lost in nine of ten, or rarely there to be lost:** {', '.join(kept)}."]
    return "\n".join(lines)


def _tried(measured: list[Direction]) -> str:
    most = max(max(d.seen.without, d.seen.having) for d in measured if d.seen is not None)
    return f"Each strength was tried on at most {most} pictures, of held-out pictures and random ones."
