"""Statistics of counted pictures against the same pictures written out as often as they count."""

from __future__ import annotations

import pytest
import torch

from modeling_vae.evaluation.weighted import resample_counts, weighted_mean, weighted_median
from modeling_vae.ranking import weighted_auc


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_resamples_are_counts_of_draws():
    counts = resample_counts(50, 200, seed=0)
    assert counts.shape == (201, 50) and torch.equal(counts[0], torch.ones(50, dtype=torch.float64))
    assert torch.equal(counts.sum(1), torch.full((201,), 50.0, dtype=torch.float64))
    assert counts[1:].var() == pytest.approx(1 - 1 / 50, rel=0.05)
    assert torch.equal(counts, resample_counts(50, 200, seed=0))


def test_each_statistic_is_that_of_the_pictures_written_out():
    counts = resample_counts(40, 20, seed=1)
    scores = numbers(40).mul(4).round()  # with ties
    positive = numbers(40, seed=1) > 0.3
    found = weighted_auc(scores, positive, counts), weighted_median(scores, counts)
    means = weighted_mean(torch.stack([scores, scores.square()], dim=1), counts)
    for row, drawn in enumerate(counts):
        places = torch.arange(40).repeat_interleave(drawn.long())
        s, p = scores[places], positive[places]
        higher = (s[p][:, None] > s[~p]).double() + (s[p][:, None] == s[~p]).double() / 2
        assert float(found[0][row]) == pytest.approx(float(higher.mean()))
        assert float(found[1][row]) == float(s.median())
        assert means[row].tolist() == pytest.approx([float(s.mean()), float(s.square().mean())])


def test_unknown_values_do_not_count():
    values = torch.tensor([[1.0, float("nan")], [float("nan"), float("nan")], [3.0, float("nan")]])
    counts = torch.tensor([[1.0, 1.0, 1.0], [1.0, 2.0, 0.0], [0.0, 3.0, 0.0]], dtype=torch.float64)
    found = weighted_mean(values, counts)
    assert found[:2, 0].tolist() == [2.0, 1.0]
    assert found[2, 0].isnan() and found[:, 1].isnan().all()


def test_auc_of_one_kind_alone_is_not_defined():
    counts = torch.ones(1, 3, dtype=torch.float64)
    assert weighted_auc(numbers(3), torch.tensor([True, True, True]), counts).isnan().all()
    assert weighted_auc(torch.zeros(4), torch.tensor([True, False, True, False]), torch.ones(1, 4)).tolist() == [0.5]
