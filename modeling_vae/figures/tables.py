"""Tables that read as text and as Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence


def table(lines: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table whose columns have one width each.

    Args:
        lines: equally many cells each; the first holds the headings.
    """
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rows = [f"| {' | '.join(c.ljust(w) for c, w in zip(line, widths, strict=True))} |" for line in lines]
    rows.insert(1, f"| {' | '.join('-' * width for width in widths)} |")
    return rows


def code(name: str) -> str:
    """A name as code in Markdown, whatever is in it: it ends neither the code, nor the cell, nor the section."""
    shown = "".join(letter if letter.isprintable() else " " for letter in name)
    shown = shown.replace("|", "\\|").replace("<!--", "<! --").replace("-->", "-- >")
    ticks = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    return f"{ticks} {shown} {ticks}" if len(ticks) > 1 else f"`{shown}`"


def literal(name: str) -> str:
    """A name as a string of Python in a snippet of a card."""
    quoted = json.dumps(name, ensure_ascii=False).replace("<", "\\x3c")
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in quoted)
