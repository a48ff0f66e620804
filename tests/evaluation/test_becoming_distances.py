"""How far a face goes that becomes one of a group, where the model, its flow and its judge are planted."""

from __future__ import annotations

import torch

from modeling_vae.fitting.becoming import with_distances, with_guidance
from modeling_vae.fitting.seen_edits import Trial
from modeling_vae.model.attribute_directions import AttributeDirections
from modeling_vae.model.direction import Direction
from modeling_vae.model.label_code import GUIDANCE, LabelCode
from modeling_vae.model.priors import FlowPrior
from modeling_vae.model.velocity import Velocity

from .planted import PlantedModel
from .test_seen_edits import PlantedProbe

MEANS = {"left": 0.6, "right": 0.1, "lost": 1.0, "age": 1.0}
"""Of each group, along its own brightness; the judge sees the left above one half, the right above 0."""


class Pushed(Velocity):
    """Each label pushes along its own dimension, all the way by pi / 2."""

    def forward(self, x, angle, codes=None):
        return torch.zeros_like(x) if codes is None else codes


def trial(latents, **means):
    """Of a model of four brightnesses of which the third is not drawn."""
    groups = {name: mean * row for (name, mean), row in zip((MEANS | means).items(), torch.eye(4), strict=True)}
    known = [Direction(name, "boolean", 50, 50, 1.0) for name in MEANS]
    directions = AttributeDirections(known, torch.eye(4), torch.zeros(4), torch.eye(4) / 4, groups)
    return Trial.of(PlantedModel(lost=(2,)), directions, PlantedProbe(), latents)


def distances(latents, told=LabelCode(), **means):  # noqa: B008  # it is never changed
    """`Direction.becomes` of each."""
    found = with_distances(trial(latents, **means), told)
    return {name: direction.becomes for name, direction in found.directions.items()}


def spread(count):
    return 2 * torch.rand(count, 4, generator=torch.Generator().manual_seed(0)) - 1


def test_it_is_the_first_at_which_the_judge_sees_it():
    """What becomes one of a group reads as its mean, so many times as far from all: 2 times 0.3 is above one half."""
    assert distances(spread(300)) == {"left": 1.5, "right": 1.5, "lost": None, "age": None}
    assert distances(spread(300), left=0.3)["left"] == 2.0
    assert distances(spread(300), left=0.15)["left"] == 4.0
    assert distances(spread(300), left=0.1)["left"] is None


def test_what_the_prior_was_told_needs_none():
    told = LabelCode(["left:false", "left:true", "lost:false", "lost:true"])
    assert distances(spread(300), told)["left"] is None and distances(spread(300), told)["right"] == 1.5


def test_of_too_few_faces_nothing_is_said():
    assert set(distances(spread(10)).values()) == {None}


def test_a_flow_is_bent_as_little_as_lets_nearly_all_be_seen():
    """The left has to come from -1 above one half, the right above 0; a guidance of 1 pushes both by 0.45 pi / 2."""
    code = LabelCode(["left:true", "right:true", "lost:true", "left:false"])
    prior = FlowPrior(torch.zeros(4), 0.45 * torch.eye(4), Pushed(4, 4, 16, 1), "", code)
    found = with_guidance(trial(spread(300)), prior)
    guidance = dict(zip(found.labels.names, found.labels.guidance.tolist(), strict=True))
    assert guidance == {"left:true": 2.5, "right:true": 1.5, "lost:true": GUIDANCE, "left:false": GUIDANCE}
    assert torch.equal(prior.labels.guidance, torch.full((4,), GUIDANCE))
    few = with_guidance(trial(spread(10)), prior)
    assert torch.equal(few.labels.guidance, prior.labels.guidance)
