"""A table whose rows are pieces of work, each with what it showed and how long it took."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field


class NotAsItMustBe(Exception):
    """A step came to its end, but not to the one that it must."""


def must(condition: object, said: str) -> None:
    """Raise where something is not as it must be."""
    if not condition:
        raise NotAsItMustBe(said)


@dataclass(frozen=True)
class Row:
    name: str
    shown: str
    seconds: float


@dataclass
class Table:
    """Rows in the order of `add`; as text a table in Markdown."""

    title: str
    columns: tuple[str, str, str]
    rows: list[Row] = field(default_factory=list)
    good: bool = True

    def add(self, name: str, work: Callable[[], str]) -> None:
        """Do the work, which says what it showed, or raises; the next row is tried all the same."""
        started = time.monotonic()
        try:
            shown = work()
        except Exception as error:
            traceback.print_exc()
            shown, self.good = f"**NOT AS IT MUST BE**: {type(error).__name__}: {error}", False
        self.rows.append(Row(name, " ".join(shown.split()).replace("|", "\\|"), time.monotonic() - started))
        print(f"{self.rows[-1].seconds:6.1f} s  {name}: {self.rows[-1].shown}", file=sys.stderr, flush=True)

    def __str__(self) -> str:
        head = [f"## {self.title}", "", f"| {' | '.join(self.columns)} |", "| --- | --- | ---: |"]
        return "\n".join([*head, *(f"| {row.name} | {row.shown} | {row.seconds:.1f} |" for row in self.rows)])
