"""A random choice from rows that come one batch after the other, nobody knowing how many."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class RandomRows:
    """At most `most` of all rows that are added, each as likely as any other, in random order.

    Every row gets a random key, and the largest keys stay: a reservoir sample (Efraimidis and Spirakis 2006, with
    equal weights). Choices merge: with the same keys it does not matter where a row was added, and when.

    Args:
        most: rows that are kept; twice as many are held while they come.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._rows: list[Tensor] = []
        self._notes: list[tuple[str, ...]] = []
        self._keys: list[Tensor] = []

    def add(self, rows: Tensor, generator: torch.Generator, notes: Sequence[tuple[str, ...]] | None = None) -> None:
        """Take in rows [N, ...] on the CPU, with a note on each; the generator draws their keys."""
        self._rows.append(rows)
        self._notes += [()] * len(rows) if notes is None else notes
        self._keys.append(torch.rand(len(rows), generator=generator, dtype=torch.float64))
        if sum(map(len, self._rows)) > 2 * self.most:
            self._choose()

    def merge(self, other: RandomRows) -> RandomRows:
        """The choice from the rows of both, which keep as many."""
        merged = RandomRows(self.most)
        merged._notes = [*self._notes, *other._notes]
        merged._rows, merged._keys = [*self._rows, *other._rows], [*self._keys, *other._keys]
        merged._choose()
        return merged

    def chosen(self) -> tuple[Tensor, list[tuple[str, ...]]]:
        """Those that were chosen of all that came so far, [n, ...], and n notes; there must have been one batch."""
        self._choose()
        return self._rows[0], self._notes

    def _choose(self) -> None:
        if self._rows:
            rows, keys = torch.cat(self._rows), torch.cat(self._keys)
            kept = keys.topk(min(self.most, len(keys))).indices
            self._notes = [self._notes[row] for row in kept.tolist()]
            self._rows, self._keys = [rows[kept]], [keys[kept]]
