"""Statistics over pictures that count a given number of times: a thousand bootstrap resamples in one pass.

A resample of N pictures with replacement is how often each of them was drawn. Statistics of such counts need the
pictures sorted only once, and a mean over them is a product of matrices.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def resample_counts(count: int, resamples: int, seed: int) -> Tensor:
    """How often each of `count` pictures is drawn: float64 [1 + resamples, count]; row 0 is the set itself."""
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(count, np.full(count, 1 / count), size=resamples)
    return torch.cat([torch.ones(1, count, dtype=torch.float64), torch.from_numpy(drawn).double()])


def weighted_mean(values: Tensor, counts: Tensor) -> Tensor:
    """The mean of the values that are not NaN, [R, A]; NaN where none is drawn.

    Args:
        values: [N, A].
        counts: [R, N].
    """
    known = ~values.isnan()
    return counts @ values.double().nan_to_num(0.0) / (counts @ known.double())


def weighted_median(values: Tensor, counts: Tensor) -> Tensor:
    """The lower median of values [N], each counted as often as the rows of counts [R, N] say: [R]."""
    ordered, order = values.double().sort()
    reached = counts[:, order].cumsum(dim=1)
    return ordered[(reached < reached[:, -1:] / 2).sum(dim=1)]
