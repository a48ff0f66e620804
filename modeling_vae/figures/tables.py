"""Tables that read as text and as Markdown."""

from __future__ import annotations

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
