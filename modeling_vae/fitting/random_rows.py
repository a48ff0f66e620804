"""A random choice from rows that come one batch after the other, nobody knowing how many."""

from __future__ import annotations

import torch
from torch import Tensor


class RandomRows:
    """At most `most` of all rows that are added, each as likely as any other, in the order in which they came.

    Every row gets a random key, and the largest keys stay: a reservoir sample (Efraimidis and Spirakis 2006, with
    equal weights).

    Args:
        most: rows that are kept; twice as many are held while they come.
        generator: that the keys are drawn from.
    """

    def __init__(self, most: int, generator: torch.Generator) -> None:
        self.most, self.generator = most, generator
        self._rows: list[Tensor] = []
        self._keys: list[Tensor] = []

    def add(self, rows: Tensor) -> None:
        """Take in rows [N, ...] on the CPU."""
        self._rows.append(rows)
        self._keys.append(torch.rand(len(rows), generator=self.generator, dtype=torch.float64))
        if sum(map(len, self._rows)) > 2 * self.most:
            self._choose()

    def chosen(self) -> Tensor:
        """Those that were chosen of all that came so far, [n, ...]; there must have been one batch."""
        self._choose()
        return self._rows[0]

    def _choose(self) -> None:
        rows, keys = torch.cat(self._rows), torch.cat(self._keys)
        kept = keys.topk(min(self.most, len(keys))).indices.sort().values
        self._rows, self._keys = [rows[kept]], [keys[kept]]
