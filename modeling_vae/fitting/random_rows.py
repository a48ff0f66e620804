"""A random choice from rows that come one batch after the other, nobody knowing how many."""

from __future__ import annotations

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
        self._keys: list[Tensor] = []

    def add(self, rows: Tensor, generator: torch.Generator) -> None:
        """Take in rows [N, ...] on the CPU; the generator draws their keys."""
        self._rows.append(rows)
        self._keys.append(torch.rand(len(rows), generator=generator, dtype=torch.float64))
        if sum(map(len, self._rows)) > 2 * self.most:
            self._choose()

    def merge(self, other: RandomRows) -> RandomRows:
        """The choice from the rows of both, which keep as many."""
        merged = RandomRows(self.most)
        merged._rows, merged._keys = [*self._rows, *other._rows], [*self._keys, *other._keys]
        merged._choose()
        return merged

    def chosen(self) -> Tensor:
        """Those that were chosen of all that came so far, [n, ...]; there must have been one batch."""
        self._choose()
        return self._rows[0]

    def _choose(self) -> None:
        if self._rows:
            rows, keys = torch.cat(self._rows), torch.cat(self._keys)
            kept = keys.topk(min(self.most, len(keys))).indices
            self._rows, self._keys = [rows[kept]], [keys[kept]]
