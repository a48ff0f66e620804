"""What reading a data set found: the figures that a run prints and a card repeats."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modeling_vae.refusals import printable

from .picture_folder import LeftOut

MAX_BROKEN_SHARE = 0.05
_SUFFIX = re.compile(r"\.[a-z0-9_]{1,12}")


@dataclass(frozen=True)
class DataReport:
    """What came of one reading of a data set; `str()` is one paragraph for a person.

    `pictures` counts those kept for "train" and "validation" (None where a stream is not counted beforehand),
    `duplicates` those left out because their decoded pixels came before, `broken` names those that could not be read;
    `left_out` says what else there is in a folder of pictures.
    """

    pictures: Mapping[str, int | None]
    duplicates: int
    broken: tuple[str, ...]
    seconds: float
    from_cache: bool
    left_out: LeftOut = LeftOut()

    def counts(self) -> dict[str, Any]:
        """What is published of it: how many, and no names of files but suffixes."""
        other = self.left_out
        return {
            "pictures": dict(self.pictures),
            "exact duplicates left out": self.duplicates,
            "broken and left out": len(self.broken),
            "files that are no pictures": _by_suffix(other.not_pictures) or 0,
            "pictures without a row": len(other.without_row),
            "rows without a picture": len(other.rows_without_picture),
            "pictures beside the splits": len(other.beside),
            "hidden pictures": len(other.hidden),
            "pictures of other splits": dict(other.other_splits) or 0,
            "pictures without marks of the crop": len(other.without_marks),
        }

    def __str__(self) -> str:
        kept = ", ".join(
            f"{split} is streamed" if count is None else f"{count:,} for {split}"
            for split, count in self.pictures.items()
        )
        how = "opened from the cache" if self.from_cache else "read and checked"
        broken = (
            f"{len(self.broken):,} broken and skipped: {_first_few(self.broken)}" if self.broken else "none broken"
        )
        others = "".join(f"; {words}" for words in described(self.left_out))
        return (
            f"Pictures {how} in {self.seconds:.1f} s: {kept}; {self.duplicates:,} exact duplicates dropped; {broken}"
            f"{others}."
        )


def described(left_out: LeftOut) -> list[str]:
    """What else there is in a folder, as parts of a sentence; none where there is nothing else."""
    suffixes = [f"{count:,} {suffix}" for suffix, count in left_out.not_pictures.items()]
    splits = [f"{split} ({count:,})" for split, count in left_out.other_splits.items()]
    parts = [
        (sum(left_out.not_pictures.values()), "files that are no pictures", suffixes),
        (len(left_out.without_row), "pictures without a row in the table, taken without labels", left_out.without_row),
        (len(left_out.rows_without_picture), "rows without a picture", left_out.rows_without_picture),
        (len(left_out.beside), "pictures beside the folders of splits, not read", left_out.beside),
        (len(left_out.hidden), "hidden pictures, not read", left_out.hidden),
        (sum(left_out.other_splits.values()), "pictures of splits that are not asked for", splits),
        (len(left_out.without_marks), "pictures without the marks that they are cropped by", left_out.without_marks),
    ]
    return [f"{count:,} {what}: {_first_few(names)}" for count, what, names in parts if count]


def refuse_many_broken(broken: Sequence[str], read: int) -> None:
    """Raises ValueError where more than 5 % of the `read` pictures are broken; `broken` holds a sentence for each."""
    if len(broken) > MAX_BROKEN_SHARE * read:
        raise ValueError(
            f"{len(broken):,} of {read:,} pictures are broken, more than {MAX_BROKEN_SHARE:.0%}: "
            f"{printable(' '.join(broken[:3]))} Repair or remove them."
        )


def _by_suffix(counts: Mapping[str, int]) -> dict[str, int]:
    """What follows the last dot of a name can be a sentence of somebody's, which stays here."""
    published: dict[str, int] = {}
    for suffix, count in counts.items():
        key = suffix if _SUFFIX.fullmatch(suffix) or suffix == "no suffix" else "others"
        published[key] = published.get(key, 0) + count
    return published


def _first_few(names: Sequence[str]) -> str:
    shown = [printable(name.replace("\n", "\\n")) for name in names[:3]]
    return ", ".join(shown) + (", ..." if len(names) > 3 else "")
