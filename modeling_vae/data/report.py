"""What reading a data set found: the figures that a run prints and a card repeats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MAX_BROKEN_SHARE = 0.05


@dataclass(frozen=True)
class DataReport:
    """What came of one reading of a data set; `str()` is one paragraph for a person.

    `pictures` counts those kept for "train" and "validation" (None where a stream is not counted beforehand),
    `duplicates` those left out because their decoded pixels came before, `broken` names those that could not be read.
    """

    pictures: Mapping[str, int | None]
    duplicates: int
    broken: tuple[str, ...]
    seconds: float
    from_cache: bool

    def __str__(self) -> str:
        kept = ", ".join(
            f"{split} is streamed" if count is None else f"{count:,} for {split}"
            for split, count in self.pictures.items()
        )
        how = "opened from the cache" if self.from_cache else "read and checked"
        broken = (
            f"{len(self.broken):,} broken and skipped: {_first_few(self.broken)}" if self.broken else "none broken"
        )
        return (
            f"Pictures {how} in {self.seconds:.1f} s: {kept}; {self.duplicates:,} exact duplicates dropped; {broken}."
        )


def refuse_many_broken(broken: Sequence[str], read: int) -> None:
    """Raises ValueError where more than 5 % of the `read` pictures are broken; `broken` holds a sentence for each."""
    if len(broken) > MAX_BROKEN_SHARE * read:
        raise ValueError(
            f"{len(broken):,} of {read:,} pictures are broken, more than {MAX_BROKEN_SHARE:.0%}: "
            f"{' '.join(broken[:3])} Repair or remove them."
        )


def _first_few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
