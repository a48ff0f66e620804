"""What is known of one attribute direction, and how a file says it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from .latent_moments import KINDS
from .scalars import real_number, whole_number
from .seen_curve import MOST, SeenCurve, curve_of

LONGEST_NAME = 200
USUAL_REACH = 3.0
"""Standard deviations that a slider goes to either side where nothing asks for more."""

FARTHEST = 10.0
"""Lengths of the way to a group's mean beyond which no face is taken that becomes one of it."""


@dataclass(frozen=True)
class Direction:
    """What is known of one direction.

    Args:
        name: a boolean or numeric column, or "column:value" of a category.
        kind: "boolean", "category" or "numeric".
        positives, negatives: pictures with and without; of a numeric column all pictures, and 0.
        norm: length of the difference.
        held_out: AUC of the readout on held-out pictures (numeric: R^2), where it was measured.
        slope, intercept: probability = sigmoid(slope * value + intercept), fitted on held-out pictures (Platt 1999).
        seen: what edits show in the eyes of a judge of pictures, where it was measured.
        becomes: how far from the mean of all a face is taken that becomes one of these, in lengths of the way to their
            mean: the nearest at which a judge sees it, where it was measured.

    Raises:
        ValueError: a value is of another type, or not finite.
    """

    name: str
    kind: str
    positives: int
    negatives: int
    norm: float
    held_out: float | None = None
    slope: float | None = None
    intercept: float | None = None
    seen: SeenCurve | None = None
    becomes: float | None = None

    def __post_init__(self) -> None:
        check_name("the name of a direction", self.name)
        if self.kind not in KINDS:
            raise ValueError(f"the kind of {self.name} is {self.kind!r:.80}: give one of {', '.join(KINDS)}.")
        for field in ("positives", "negatives"):
            count = whole_number(value := getattr(self, field))
            if count is None or count < 0:
                raise ValueError(f"{field} of {self.name} is {value!r:.80}: give a whole number of pictures.")
        for field in ("norm", "held_out", "slope", "intercept"):
            value = getattr(self, field)
            if real_number(value) is None and (value is not None or field == "norm"):
                raise ValueError(f"{field} of {self.name} is {value!r:.80}: give a finite number.")
        if self.becomes is not None and not 0 < (real_number(self.becomes) or 0.0) <= FARTHEST:
            raise ValueError(f"becomes of {self.name} is {self.becomes!r:.80}: give a number up to {FARTHEST:g}.")
        if self.seen is not None and not isinstance(self.seen, SeenCurve):
            raise ValueError(f"seen of {self.name} is {self.seen!r:.80}: give a SeenCurve.")

    @property
    def column(self) -> str:
        """The column of labels that it is about."""
        return self.name.partition(":")[0] if self.kind == "category" else self.name

    @property
    def shows(self) -> float | None:
        """The strength at which nine in ten pictures that lacked it show it; None where none does, or none was tried.

        A page marks it on the slider, and a click on "full" goes there.
        """
        return self.strength_of(MOST)

    @property
    def loses(self) -> float | None:
        """The strength, below 0, at which nine in ten pictures that showed it no longer do; None as for `shows`."""
        return self.strength_of(MOST, losing=True)

    def strength_of(self, share: float, losing: bool = False) -> float | None:
        """The strength at which this share of pictures change: half of them for 0.5; see `SeenCurve.strength_of`."""
        return self.seen.strength_of(share, -1 if losing else 1) if self.seen is not None else None

    @property
    def drawable(self) -> bool | None:
        """Whether the model can draw it: edits make it show while pictures hold. None where nobody has measured it.

        A page offers first what can be drawn, and says of the rest that it cannot.
        """
        return None if self.seen is None else self.shows is not None

    @property
    def reach(self) -> tuple[float, float]:
        """The ends of a slider: as far as the attribute needs to be lost and to show, 3 at least, while pictures hold.

        Where it never shows, that is as far as they hold; on a side where nothing is known, 3.
        """
        return -self._end(-1, self.loses), self._end(1, self.shows)

    def _end(self, sign: int, found: float | None) -> float:
        if self.seen is None or not self.seen.tried(sign):
            return USUAL_REACH
        needed = math.inf if found is None else max(USUAL_REACH, math.ceil(2 * abs(found)) / 2)
        return min(needed, max(1.0, self.seen.reach(sign)))

    def full(self, losing: bool = False) -> float:
        """The strength of a click on "full": that which shows it (or loses it), or else the slider's end."""
        found = self.loses if losing else self.shows
        return self.reach[0 if losing else 1] if found is None else found

    @property
    def concordance(self) -> float:
        """The chance that of two held-out pictures the readout tells which has more of it, one half where unknown.

        Of a boolean or a category it is the AUC. Of a number 1/2 + arcsin(R) / pi, were both Gaussian (Sheppard 1899).
        """
        if self.held_out is None:
            return 0.5
        if self.kind != "numeric":
            return self.held_out
        return 0.5 + math.asin(math.sqrt(min(max(self.held_out, 0.0), 1.0))) / math.pi


def check_name(what: str, name: Any) -> None:
    """Raise a ValueError where a name is no text, empty, or too long to be shown."""
    if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME:
        raise ValueError(f"{what} is {name!r:.80}: give a text of 1 to {LONGEST_NAME} characters.")


def directions_of(entries: Any) -> list[Direction]:
    """The directions that a file's description lists.

    Raises:
        ValueError: it lists none, one of another kind, or one name twice.
    """
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError(f"directions is {entries!r:.80}, no list of tables.")
    known, needed = {field.name for field in fields(Direction)}, {"name", "kind", "positives", "negatives", "norm"}
    for entry in entries:
        if wrong := sorted((entry.keys() - known) | (needed - entry.keys())):
            raise ValueError(f"a direction has {wrong[0]!r:.80} where it must not, or lacks it.")
    found = [Direction(**(entry | {"seen": curve_of(entry.get("seen"))})) for entry in entries]
    _refuse_twice(direction.name for direction in found)
    return found


def group_names(names: Any) -> list[str]:
    """The names of groups that a file's description lists; for the errors see `directions_of`."""
    if not isinstance(names, list):
        raise ValueError(f"groups is {names!r:.80}, no list of names.")
    for name in names:
        check_name("the name of a group", name)
    _refuse_twice(names)
    return names


def _refuse_twice(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{name!r:.80} is there twice.")
        seen.add(name)
