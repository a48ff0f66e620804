"""What edits show: how many pictures change in the eyes of a judge, by the strength of the edit.

The judge looks at pictures, not at latents: that the value of a latent comes out exactly as asked says what was set,
the curve says what is seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from .scalars import real_number, whole_number

MOST = 0.9
"""Share of pictures that must change for an edit to count as seen: nine in ten."""
WHOLE = 0.5
"""Share of pictures that must be whole for a strength to be offered."""
LONGEST = 64


@dataclass(frozen=True)
class SeenCurve:
    """How often the edits of one attribute are seen.

    Args:
        strengths: of the edits, in standard deviations, ascending, S of them, none 0.
        changed: of each, the share of pictures that changed as asked: above 0 they did not show the attribute before
            and do now, below 0 they did and do no longer; None where there were too few to say.
        whole: of each, the share of pictures that are no farther from drawn pictures than 99 in 100 drawn ones are.
        without, having: pictures that the strengths above and below 0 were tried on.
        slope, intercept: where a drawn picture is encoded again and reads as `value`, the judge sees the attribute
            with the probability sigmoid(slope * value + intercept).

    Raises:
        ValueError: a value is of another type, or not possible.
    """

    strengths: tuple[float, ...]
    changed: tuple[float | None, ...]
    whole: tuple[float, ...]
    without: int
    having: int
    slope: float | None = None
    intercept: float | None = None

    def __post_init__(self) -> None:
        counts = {len(self.strengths), len(self.changed), len(self.whole)}
        if len(counts) != 1 or counts == {0} or max(counts) > LONGEST:
            raise ValueError(f"a curve has {len(self.strengths)} strengths: give 1 to {LONGEST}, with as many shares.")
        if not all(map(_is_number, self.strengths)) or 0 in self.strengths:
            raise ValueError(f"the strengths of a curve are {self.strengths!r:.80}: give finite numbers other than 0.")
        if list(self.strengths) != sorted(set(self.strengths)):
            raise ValueError(f"the strengths of a curve are {self.strengths!r:.80}: give them in ascending order.")
        for name in ("changed", "whole"):
            for share in getattr(self, name):
                if not (_is_number(share) and 0 <= share <= 1) and (share is not None or name == "whole"):
                    raise ValueError(f"{name} of a curve has {share!r:.80}: give shares from 0 to 1.")
        for name in ("without", "having"):
            count = whole_number(getattr(self, name))
            if count is None or count < 0:
                raise ValueError(f"{name} of a curve is {getattr(self, name)!r:.80}: give a whole number of pictures.")
        for name in ("slope", "intercept"):
            value = getattr(self, name)
            if value is not None and not _is_number(value):
                raise ValueError(f"{name} of a curve is {value!r:.80}: give a finite number.")

    def tried(self, sign: int) -> bool:
        """Whether edits of this sign were tried on pictures enough to say something."""
        return any(changed is not None for _, changed, _ in self._points(sign))

    def reach(self, sign: int) -> float:
        """The largest size of a strength of this sign up to which most pictures are whole; 0 for none."""
        farthest = 0.0
        for strength, _, whole in self._points(sign):
            if whole < WHOLE:
                break
            farthest = abs(strength)
        return farthest

    def strength_of(self, share: float, sign: int) -> float | None:
        """The weakest strength of this sign at which so many pictures change, None where none within reach does.

        Between measured strengths the share goes along straight lines.
        """
        before, changed_before = 0.0, 0.0
        for strength, changed, whole in self._points(sign):
            if changed is None or whole < WHOLE:
                return None
            if changed >= share:
                part = (share - changed_before) / (changed - changed_before)
                return round(before + part * (strength - before), 2)
            before, changed_before = strength, changed
        return None

    def _points(self, sign: int) -> list[tuple[float, float | None, float]]:
        """Strength, changed, whole of one sign, from the weakest to the strongest."""
        points = zip(self.strengths, self.changed, self.whole, strict=True)
        return sorted((p for p in points if p[0] * sign > 0), key=lambda point: abs(point[0]))


def curve_of(entry: Any) -> SeenCurve | None:
    """The curve that a file's description tells of, None for none.

    Raises:
        ValueError: it is no such table, or not possible.
    """
    if entry is None:
        return None
    known = {field.name for field in fields(SeenCurve)}
    if not isinstance(entry, Mapping) or entry.keys() != known:
        raise ValueError(f"a curve is {entry!r:.80}, no table of {', '.join(sorted(known))}.")
    values = dict(entry)
    for name in ("strengths", "changed", "whole"):
        if not isinstance(values[name], Sequence) or isinstance(values[name], str):
            raise ValueError(f"{name} of a curve is {values[name]!r:.80}, no list.")
        values[name] = tuple(values[name])
    return SeenCurve(**values)


def _is_number(value: Any) -> bool:
    return real_number(value) is not None
