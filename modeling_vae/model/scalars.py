"""Numbers as people pass them: of Python, numpy or torch, a number is a number; and a single name is a name."""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from torch import Tensor


def real_number(value: Any) -> float | None:
    """`value` as a finite float; None where it is none: a bool, text, NaN, infinity, more numbers than one.

    Numbers are those of Python, numpy scalars, and tensors and arrays of no dimension.
    """
    if isinstance(value, Tensor | np.ndarray | np.generic):
        if value.ndim:
            return None
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def whole_number(value: Any) -> int | None:
    """`value` as an int; None where it is none, as 2.0 is not."""
    if isinstance(value, Tensor | np.ndarray | np.generic):
        if value.ndim:
            return None
        value = value.item()
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def is_pair(value: Any) -> bool:
    """Whether it is two things in order: a tuple, a list, an array or a tensor."""
    return (
        not isinstance(value, str | bytes)
        and getattr(value, "shape", (2,)) == (2,)
        and (isinstance(value, Sequence | np.ndarray | Tensor) and len(value) == 2)
    )


def names_of(names: str | Iterable[str]) -> list[str]:
    """A list of names, of which there may be one alone; a ValueError where there are other things."""
    if isinstance(names, str):
        return [names]
    found: list[Any] = list(names) if isinstance(names, Iterable) else [names]
    for name in found:
        if not isinstance(name, str):
            raise ValueError(f"{name!r:.80} is no name: give the names of attributes, as text.")
    return found
