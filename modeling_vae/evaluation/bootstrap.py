"""Confidence intervals by bootstrap (Efron 1979)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Interval:
    """A figure and the bounds of its confidence interval."""

    value: float
    low: float
    high: float


def bootstrap(
    values: Tensor,
    statistic: Callable[[Tensor], float] | None = None,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """The statistic of `values` with an interval as wide as its spread over resamples with replacement.

    The interval is value +- z times the standard deviation over the resamples, not the resamples' percentiles: a
    distance such as Fréchet's is larger on every resample than on the set itself, because repeated pictures span
    fewer directions, so that its percentiles would lie beside the value.

    Args:
        values: [N, ...], one row for each picture.
        statistic: rows -> a number; the mean where none is given.
        resamples: how often rows are drawn anew, at least 2.
        level: of confidence, between 0 and 1.
        seed: of the draws.
    """
    if len(values) == 0:
        raise ValueError("There are no values to take a statistic of.")
    if resamples < 2 or not 0 < level < 1:
        raise ValueError(f"resamples is {resamples}, level {level}; give at least 2, and a level between 0 and 1.")
    function = statistic or (lambda rows: float(rows.double().mean()))
    generator = np.random.default_rng(seed)
    draws = [
        function(values[torch.from_numpy(generator.integers(0, len(values), len(values)))]) for _ in range(resamples)
    ]
    return _around(function(values), draws, level)


def interval_of(
    figures: Tensor, level: float = 0.95, lowest: float = -math.inf, highest: float = math.inf
) -> Interval:
    """The interval of a figure computed on the set itself and on resamples, [1 + resamples], see `weighted`.

    Resamples in which it is not defined, as none of a rare kind was drawn, are NaN and do not count. The interval ends
    at the lowest and the highest value that the figure can have.
    """
    value, *draws = figures.tolist()
    interval = _around(value, [draw for draw in draws if not math.isnan(draw)], level)
    return Interval(value, max(interval.low, lowest), min(interval.high, highest))


def _around(value: float, draws: list[float], level: float) -> Interval:
    if len(draws) < 2:
        return Interval(value, math.nan, math.nan)
    reach = NormalDist().inv_cdf(0.5 + level / 2) * float(np.std(draws, ddof=1))
    return Interval(value, value - reach, value + reach)
