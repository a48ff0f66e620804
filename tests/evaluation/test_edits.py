"""Edits of a model whose attributes are its latents: they do what they say, and nothing else."""

from __future__ import annotations

import pytest
import torch

from modeling_vae.evaluation.edits import edit_figures, edit_outcome, holdable
from modeling_vae.evaluation.weighted import resample_counts
from modeling_vae.figures.catalogue import EDIT_STRENGTH
from modeling_vae.model.attribute_directions import AttributeDirections, Direction
from modeling_vae.probing.probes import Probe

from .planted import PlantedModel, Sees, planted_directions, planted_latents, planted_probe


class Last(Sees):
    """Sees all but the first attribute."""

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        return super().forward(pixel_values)[:, 1:]


def before(latents: torch.Tensor) -> torch.Tensor:
    return planted_probe()(PlantedModel().decode(latents))


def test_success_is_one_and_leak_nothing_by_construction():
    latents = planted_latents(150)
    arguments = (PlantedModel(), planted_directions(), planted_probe(), latents, before(latents), "left")
    for hold in ([], ["right", "tone:dark"]):
        outcome = edit_outcome(*arguments, hold)
        assert outcome.success.tolist() == [1.0] * 150 and outcome.leak.tolist() == [0.0] * 150


def test_a_decoder_that_ignores_the_latents_has_a_success_of_one_half():
    latents, model = planted_latents(150), PlantedModel(lost=(0, 1, 2, 3))
    seen = planted_probe()(model.decode(latents))
    outcome = edit_outcome(model, planted_directions(), planted_probe(), latents, seen, "right")
    assert outcome.success.tolist() == [0.5] * 150 and outcome.leak.tolist() == [0.0] * 150


def test_leak_is_what_else_flips():
    """A direction that moves two quarters at once flips the other one, where it was on the other side."""
    latents = planted_latents(150)
    difference = torch.tensor([[1.0, 1.0, 0.0, 0.0]])
    covariance = torch.eye(4) / 3  # of uniform numbers in [-1, 1]
    directions = AttributeDirections(
        [Direction("left", "boolean", 99, 99, 1.0)], difference, torch.zeros(4), covariance
    )
    outcome = edit_outcome(PlantedModel(), directions, planted_probe(), latents, before(latents), "left")
    move = EDIT_STRENGTH / 6**0.5  # each quarter's share of 2.5 deviations
    assert move > 1 and outcome.success.tolist() == [1.0] * 150
    # of three other decisions (right, dark, light) one flips in one of the two edits
    assert outcome.leak.tolist() == pytest.approx([1 / 6] * 150)


def test_values_of_the_same_column_are_no_others():
    latents = planted_latents(100)
    outcome = edit_outcome(
        PlantedModel(),
        planted_directions(),
        planted_probe(),
        latents,
        before(latents),
        "tone:light",
        ["left", "right"],
    )
    assert outcome.success.tolist() == [1.0] * 100 and outcome.leak.tolist() == [0.0] * 100


def test_all_that_can_be_held_is_held():
    directions = planted_directions()
    # light is what dark is not
    assert holdable(directions, "left") == ["right", "tone:dark"]
    assert holdable(directions, "tone:dark") == ["left", "right"]


def test_figures_of_all_directions():
    latents, probe = planted_latents(100), planted_probe()
    arguments = (PlantedModel(), planted_directions(), probe, latents, before(latents))
    figures, not_held = edit_figures(*arguments, resample_counts(100, 5, seed=0), batch_size=33)
    for suffix in ("", "_with_hold"):
        assert figures["success" + suffix].shape == (6, 4)
        assert figures["success" + suffix].flatten().tolist() == pytest.approx([1.0] * 24)
        assert figures["leak" + suffix].flatten().tolist() == [0.0] * 24
    assert not_held["left"] == ["tone:light"] and not_held["tone:dark"] == []


def test_a_direction_that_the_probe_does_not_know_has_a_leak_only():
    latents, probe = planted_latents(20), planted_probe()
    probe = Probe(probe.attributes[1:], Last(), torch.zeros(3), {})
    outcome = edit_outcome(PlantedModel(), planted_directions(), probe, latents, before(latents)[:, 1:], "left")
    assert outcome.success.isnan().all() and outcome.leak.tolist() == [0.0] * 20
