"""The nearest picture is found, whatever the batches."""

from __future__ import annotations

import pytest
import torch

from modeling_vae.evaluation.nearest import Nearest, nearest_pictures, share_of_copies


def pictures(n: int, seed: int) -> torch.Tensor:
    return torch.rand(n, 3, 6, 5, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("batch_size", [1, 7, 40])
def test_nearest_is_that_of_all_pairs(batch_size):
    queries, there = pictures(9, seed=0), pictures(40, seed=1)
    found = nearest_pictures(queries, there.split(batch_size))
    distances = (queries[:, None] - there[None]).double().flatten(2).square().mean(-1).sqrt()
    torch.testing.assert_close(found.distance, distances.min(1).values, rtol=1e-6, atol=0)
    assert torch.equal(found.index, distances.min(1).indices)


def test_a_copy_is_at_distance_zero():
    there = pictures(40, seed=1)
    found = nearest_pictures(there[[3, 17]], there.split(16))
    assert found.index.tolist() == [3, 17] and found.distance.max() < 1e-6


def test_features_are_compared_where_asked_for():
    there = pictures(20, seed=1)
    mirrored = there.flip(3)
    found = nearest_pictures(mirrored, [there], describe=lambda x: x.mean(3))
    assert found.index.tolist() == list(range(20))


def test_share_of_copies():
    def near(distance: torch.Tensor) -> Nearest:
        return Nearest(distance, torch.zeros(len(distance), dtype=torch.int64))

    unseen = near(torch.linspace(1, 2, 101, dtype=torch.float64))
    assert share_of_copies(unseen, unseen) == pytest.approx(0.05, abs=0.01)
    assert share_of_copies(near(torch.zeros(10).double()), unseen) == 1
    assert share_of_copies(near(torch.full((10,), 3.0).double()), unseen) == 0


def test_an_empty_set_is_refused():
    with pytest.raises(ValueError, match="no pictures"):
        nearest_pictures(pictures(2, seed=0), [])
