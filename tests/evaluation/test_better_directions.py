"""A direction that shows nothing is found anew by what a judge says of pictures."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from modeling_vae.fitting.better_directions import better_directions, scored_differences, with_difference
from modeling_vae.fitting.seen_edits import Trial, with_curves
from modeling_vae.model.attribute_directions import AttributeDirections
from modeling_vae.model.direction import Direction

from .planted import PlantedModel
from .test_seen_edits import PlantedProbe


def latents(count: int = 300) -> torch.Tensor:
    return 2 * torch.rand(count, 4, generator=torch.Generator().manual_seed(0)) - 1


def trial_of(differences: torch.Tensor) -> Trial:
    known = [Direction(name, "boolean", 50, 50, 1.0, 0.8, 1.0, 0.0) for name in ("left", "right", "lost")]
    directions = AttributeDirections(known, differences, torch.zeros(4), torch.eye(4) / 3)
    trial = Trial.of(PlantedModel(lost=(2,)), directions, PlantedProbe(), latents())
    return trial.of_directions(with_curves(trial))


def pictures():
    for part in latents(400).split(100):
        yield PlantedModel().decode(part), {}


def test_a_direction_that_points_elsewhere_is_replaced_and_only_that():
    wrong = torch.eye(4)[[3, 1, 2]]  # the first by a brightness that is not its own
    trial = trial_of(wrong)
    assert [trial.directions.directions[name].drawable for name in trial.names] == [False, True, False]
    found, replaced = better_directions(trial, pictures())
    assert replaced == ["left"]  # what the model does not draw no direction shows
    moved = found.delta({"left": 1.0})
    assert moved[0] > 0.4 and moved[1:].abs().max() < 0.1
    left = found.directions["left"]
    assert left.shows is not None and left.held_out is None and left.slope is None
    assert left.norm == pytest.approx(found.differences[0].norm().item(), rel=1e-5)
    for name in ("right", "lost"):
        assert found.directions[name] == trial.directions.directions[name]
    assert torch.equal(found.differences[1:], trial.directions.differences[1:])


def test_where_all_show_no_picture_is_looked_at():
    trial = trial_of(torch.eye(4)[:3])
    known = [replace(d, seen=None) if d.name == "lost" else d for d in trial.directions.directions.values()]
    found, replaced = better_directions(trial.of_directions(trial.directions.with_directions(known)), iter(()))
    assert replaced == [] and found.names == ["left", "right", "lost"]


def test_scores_stand_for_a_difference_of_means():
    """Of a score that is yes or no, cov(z, y) / deviation is the difference of means times that deviation."""
    points = latents(1000).double()
    yes = (points[:, 0] > 0.3).double()[:, None]
    difference = points[yes[:, 0] == 1].mean(0) - points[yes[:, 0] == 0].mean(0)
    torch.testing.assert_close(scored_differences(points, yes)[0], difference * yes.std(correction=0))


def test_another_difference_is_unmeasured():
    trial = trial_of(torch.eye(4)[:3])
    found = with_difference(trial.directions, "right", torch.tensor([0.0, 3.0, 4.0, 0.0]))
    assert found.directions["right"].norm == 5.0 and found.directions["right"].seen is None
    assert found.directions["left"] == trial.directions.directions["left"]
