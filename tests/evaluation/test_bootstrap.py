"""Bootstrap intervals against the normal theory they stand in for."""

from __future__ import annotations

import math

import pytest
import torch

from modeling_vae.evaluation.bootstrap import bootstrap, interval_of
from modeling_vae.evaluation.frechet import frechet_distance


def test_interval_of_a_mean():
    values = torch.randn(400, generator=torch.Generator().manual_seed(0)) * 2 + 5
    interval = bootstrap(values)
    assert interval.value == pytest.approx(float(values.double().mean()))
    reach = 1.96 * float(values.std()) / math.sqrt(400)
    assert interval.high - interval.value == pytest.approx(reach, rel=0.1)
    assert interval.value - interval.low == pytest.approx(interval.high - interval.value)
    assert bootstrap(values, level=0.5).high < interval.high


def test_constant_values_have_no_spread():
    interval = bootstrap(torch.full((10,), 3.0), resamples=10)
    assert (interval.low, interval.value, interval.high) == (3.0, 3.0, 3.0)


def test_same_seed_same_interval_and_no_global_generator():
    values = torch.rand(50, generator=torch.Generator().manual_seed(1))
    before = torch.get_rng_state()
    assert bootstrap(values, resamples=20, seed=3) == bootstrap(values, resamples=20, seed=3)
    assert bootstrap(values, resamples=20, seed=3) != bootstrap(values, resamples=20, seed=4)
    assert torch.equal(before, torch.get_rng_state())


def test_statistic_of_rows():
    """An interval round a Fréchet distance holds the distance itself."""
    generator = torch.Generator().manual_seed(2)
    x, y = torch.randn(100, 4, generator=generator), torch.randn(100, 4, generator=generator) + 1
    interval = bootstrap(x, lambda rows: frechet_distance(rows, y), resamples=20)
    assert interval.low < interval.value == frechet_distance(x, y) < interval.high


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="no values"):
        bootstrap(torch.zeros(0))
    with pytest.raises(ValueError, match="resamples is 1"):
        bootstrap(torch.zeros(3), resamples=1)
    with pytest.raises(ValueError, match="level 1.0"):
        bootstrap(torch.zeros(3), level=1.0)


def test_interval_of_draws_leaves_out_what_is_not_defined():
    draws = torch.tensor([0.9, 0.8, float("nan"), 1.0, 0.9])
    interval = interval_of(draws)
    assert interval.value == pytest.approx(0.9) and interval.high == pytest.approx(0.9 + 1.96 * 0.1, abs=1e-3)
    assert interval_of(draws, lowest=0.75, highest=1.0).high == 1.0
    assert interval_of(draws, lowest=0.75, highest=1.0).low == 0.75
    assert math.isnan(interval_of(torch.tensor([0.9, float("nan")])).low)
