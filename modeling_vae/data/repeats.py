"""Pictures of what is rare, which a training sees more often than others."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np

from .labels import LabelTable

logger = logging.getLogger(__name__)


def repeated(rows: np.ndarray, labels: LabelTable, repeats: Mapping[str, int]) -> np.ndarray:
    """Rows of a cache [N], each as often as the most of what it has is to be seen in an epoch: [M], M at least N.

    Args:
        rows: numbers of pictures.
        labels: of all pictures of the cache.
        repeats: times that a picture comes, by what it has: a boolean column, or "column:value" of a category. Of a
            column that these pictures do not have, a recipe for others may say something: nothing comes of it.

    Raises:
        ValueError: a name is of another kind than its column, or no picture has it.
    """
    times = np.ones(len(rows), np.int64)
    for name, wanted in repeats.items():
        if name.partition(":")[0] not in labels.kinds:
            logger.warning("data.augment.repeats: nothing is known of %s here, so nothing is repeated for it.", name)
            continue
        having = _having(name, rows, labels)
        if not having.any():
            raise ValueError(f"data.augment.repeats: no training picture has {name!r}.")
        times[having] = np.maximum(times[having], wanted)
    return np.repeat(rows, times)


def _having(name: str, rows: np.ndarray, labels: LabelTable) -> np.ndarray:
    """Which pictures are known to have it, bool [N]."""
    column, _, value = name.partition(":")
    kind = labels.kinds[column]
    if kind != ("category" if value else "boolean"):
        raise ValueError(
            f"data.augment.repeats: {column} is {kind}, and {name!r} is neither a boolean column nor a value of a "
            "category, column:value."
        )
    codes: Any = labels.to_arrays()[column][rows]
    if not value:
        return np.asarray(codes == 1)
    names = labels.names[column]
    return np.asarray(codes == names.index(value)) if value in names else np.zeros(len(rows), bool)
