"""Pictures of what is rare, which a training sees more often than others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .labels import LabelTable


def repeated(rows: np.ndarray, labels: LabelTable, repeats: Mapping[str, int]) -> np.ndarray:
    """Rows of a cache [N], each as often as the most of what it has is to be seen in an epoch: [M], M at least N.

    Args:
        rows: numbers of pictures.
        labels: of all pictures of the cache.
        repeats: times that a picture comes, by what it has: a boolean column, or "column:value" of a category.

    Raises:
        ValueError: a name stands for nothing that is annotated, or for no picture.
    """
    times = np.ones(len(rows), np.int64)
    for name, wanted in repeats.items():
        having = _having(name, rows, labels)
        if not having.any():
            raise ValueError(f"data.augment.repeats: no training picture has {name!r}.")
        times[having] = np.maximum(times[having], wanted)
    return np.repeat(rows, times)


def _having(name: str, rows: np.ndarray, labels: LabelTable) -> np.ndarray:
    """Which pictures are known to have it, bool [N]."""
    column, _, value = name.partition(":")
    kind = labels.kinds.get(column)
    if kind != ("category" if value else "boolean"):
        raise ValueError(
            f"data.augment.repeats: {name!r} is neither a boolean column of `attributes` nor a value of a category "
            f"there, column:value; there are {', '.join(labels.kinds) or 'none'}."
        )
    codes: Any = labels.to_arrays()[column][rows]
    if not value:
        return np.asarray(codes == 1)
    names = labels.names[column]
    return np.asarray(codes == names.index(value)) if value in names else np.zeros(len(rows), bool)
