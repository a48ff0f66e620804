"""Labels as numbers that a network is told: what is known of a picture, and what is asked of one."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from sys import intern
from typing import Any

import torch
from torch import Tensor

from .latent_moments import group_value

GUIDANCE = 1.75
"""How far what is asked for bends the way of a flow, where nobody has measured it (`LabelCode.guidance`)."""


class LabelCode:
    """One number for each value of each column: 1 where it is known to be so. A column of zeros says nothing.

    Args:
        names: "column:value", as groups are called, C of them; of a boolean column the values are "true" and "false".
        together: [C, C], above 0 for two values that some picture has both of.
        guidance: [C], how far each bends the way of a flow where it is asked for, in shares of what it would by itself
            (Ho and Salimans 2022).

    Raises:
        ValueError: there are not as many rows as names.
    """

    def __init__(
        self, names: Sequence[str] = (), together: Tensor | None = None, guidance: Tensor | None = None
    ) -> None:
        self.names = list(names)
        self.together = torch.zeros(len(names), len(names)) if together is None else (together > 0).float()
        self.guidance = torch.full((len(names),), GUIDANCE) if guidance is None else guidance.float()
        if not len(self.together) == len(self.guidance) == len(self.names):
            raise ValueError(
                f"labels has {len(self.names)} names, and together {len(self.together)} rows, and guidance "
                f"{len(self.guidance)} numbers."
            )
        if not (self.guidance > 0).all():
            raise ValueError(f"guidance of labels is {self.guidance.min():g}, where a number above 0 is due.")
        columns = [name.partition(":")[0] for name in self.names]
        self.column_of = torch.tensor([columns.index(column) for column in columns], dtype=torch.long)
        """[C], the same number for all values of a column."""

    @classmethod
    def learnt(cls, said: Sequence[Collection[str]], fewest: int, leave_out: Collection[str] = ()) -> LabelCode:
        """The values that at least `fewest` pictures have, of which `said` tells the names.

        A column of one value says nothing, and is left out; so are columns and values of `leave_out`.
        """
        counts = Counter(name for names in said for name in names)
        kept = sorted(n for n, k in counts.items() if k >= fewest and not {n, n.partition(":")[0]} & set(leave_out))
        values = Counter(name.partition(":")[0] for name in kept)
        code = cls([name for name in kept if values[name.partition(":")[0]] > 1])
        codes = code.of(said)
        return cls(code.names, codes.T @ codes)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def columns(self) -> list[Tensor]:
        """Of each column the places of its values."""
        return [(self.column_of == column).nonzero()[:, 0] for column in self.column_of.unique()]

    def of(self, said: Sequence[Collection[str]]) -> Tensor:
        """What is said of N pictures, by the names of their values: float32 [N, C]."""
        places = {name: place for place, name in enumerate(self.names)}
        codes = torch.zeros(len(said), len(self))
        for row, names in enumerate(said):
            codes[row, [places[name] for name in names if name in places]] = 1
        return codes

    def likely(self, logits: Tensor) -> Tensor:
        """What is more likely so than not by a reader's logits [N, C]: [N, C], see `LabelReader`."""
        codes = torch.zeros_like(logits)
        for places in self.columns:
            codes[:, places] = (logits[:, places].softmax(1) > 0.5).to(logits)
        return codes

    def knows(self, target: str) -> bool:
        """Whether all parts of a target are values here, see `instead`."""
        return all(self._name(part) in self.names for part in target.split("&"))

    def go_together(self, one: str, other: str) -> bool:
        """Whether some picture shows both of these values; two of one column never do, nor one that is none here."""
        if not (self.knows(one) and self.knows(other)):
            return False
        places = [self.names.index(self._name(name)) for name in (one, other)]
        return bool(self.together[places[0], places[1]]) and self.column_of[places].unique().numel() == 2

    def instead(self, now: Tensor, target: str) -> Tensor:
        """A code [C] with other values of some columns, [C].

        What never goes with these, such as the hair under what becomes a turban, is no longer said.

        Args:
            now: [C].
            target: "column:value", or a boolean column; several of them joined by "&".

        Raises:
            ValueError: a part of the target is no value here; the known ones are listed.
        """
        if not self.knows(target):
            near = difflib.get_close_matches(target, self.names, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ValueError(
                f"{target!r:.80} is no value that this model's flow was told; it knows "
                f"{', '.join(self.names) or 'none'}.{hint}"
            )
        wanted = now.clone()
        asked = [self.names.index(self._name(part)) for part in target.split("&")]
        for place in asked:
            barred = (self.together[place] == 0) & (wanted > 0)
            for column in {*self.column_of[barred].tolist(), int(self.column_of[place])}:
                wanted[self.column_of == column] = 0
        wanted[asked] = 1
        return wanted

    def guided(self, guidance: Mapping[str, float]) -> LabelCode:
        """The same code, where these values have another guidance."""
        known = zip(self.names, self.guidance.tolist(), strict=True)
        return LabelCode(self.names, self.together, torch.tensor([guidance.get(name, usual) for name, usual in known]))

    def guidance_of(self, target: str) -> float:
        """How far a target bends the way, see `instead`: as far as the part of it that bends it most."""
        return max(float(self.guidance[self.names.index(self._name(part))]) for part in target.split("&"))

    def _name(self, part: str) -> str:
        part = part.strip()
        return part if part in self.names else f"{part}:true"


def names_said(labels: Mapping[str, Sequence[Any]], kinds: Mapping[str, str], count: int) -> list[tuple[str, ...]]:
    """What the labels of pictures say that are no numbers: N tuples of "column:value", each name kept once in memory.

    Args:
        labels: N values, or None, for each column.
        kinds: column -> "boolean", "category" or "numeric".
        count: N.
    """
    columns = [column for column, kind in kinds.items() if kind != "numeric"]
    rows = zip(*(labels[column] for column in columns), strict=True) if columns else [()] * count
    return [
        tuple(intern(f"{column}:{group_value(v)}") for column, v in zip(columns, row, strict=True) if v is not None)
        for row in rows
    ]
