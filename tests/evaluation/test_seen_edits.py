"""What edits show, where the model and its judge are planted."""

from __future__ import annotations

import pytest
import torch

from modeling_vae.fitting.seen_edits import STRENGTHS, Trial, Usual, with_curves
from modeling_vae.model.attribute_directions import AttributeDirections
from modeling_vae.model.direction import Direction
from modeling_vae.probing.probes import Probe
from modeling_vae.probing.yes_no import YesNo

from .planted import PlantedModel, Sees


class PlantedProbe(Probe):
    """Sees two brightnesses, and a third that the model does not draw."""

    def __init__(self) -> None:
        attributes = [YesNo(name, name, "true") for name in ("left", "right", "lost", "unknown")]
        super().__init__(attributes, Sees(), torch.tensor([0.5, 0.0, 0.0, 0.0]), {})

    def look(self, pixel_values):
        return self(pixel_values), torch.zeros(len(pixel_values), 2)  # all pictures are whole


@pytest.fixture(scope="module")
def measured():
    known = [Direction(name, "boolean", 50, 50, 1.0) for name in ("left", "right", "lost", "age")]
    directions = AttributeDirections(known, torch.eye(4), torch.zeros(4), torch.eye(4) / 4)
    latents = 2 * torch.rand(300, 4, generator=torch.Generator().manual_seed(0)) - 1
    return with_curves(Trial.of(PlantedModel(lost=(2,)), directions, PlantedProbe(), latents))


def test_the_share_that_changes_is_that_whose_brightness_passes_the_threshold(measured):
    """A strength of 1 is half a unit of brightness. Of those below 0.5, in [-1, 0.5], it lifts a third above it."""
    seen = measured.directions["left"].seen
    found = dict(zip(seen.strengths, seen.changed, strict=True))
    assert found[1.0] == pytest.approx(1 / 3, abs=0.15) and found[2.0] == pytest.approx(2 / 3, abs=0.15)
    assert found[3.0] == 1.0 and found[-1.0] == 1.0  # from [0.5, 1] down by 0.5
    assert measured.directions["left"].shows == pytest.approx(2.7, abs=0.3)


def test_stronger_edits_are_not_tried_where_all_have_changed(measured):
    assert max(measured.directions["left"].seen.strengths) == 3.0
    assert -min(measured.directions["left"].seen.strengths) == 3.0


def test_what_the_model_does_not_draw_is_told(measured):
    lost = measured.directions["lost"]
    assert lost.drawable is False and set(lost.seen.changed) == {0.0}
    assert max(lost.seen.strengths) == max(STRENGTHS) and lost.seen.whole[-1] > 0.9
    assert measured.directions["age"].seen is None  # the judge does not know it
    assert measured.offered == ["right", "left", "age", "lost"]


def test_probabilities_are_those_that_the_judge_sees_it(measured):
    """Brightness above 0.5 is a value of 1, where the judge is as often right as wrong."""
    seen = measured.directions["left"].seen
    assert seen.slope > 3 and -seen.intercept / seen.slope == pytest.approx(1.0, abs=0.25)


def test_pictures_far_from_the_usual_are_not_whole():
    features = torch.randn(2000, 5, generator=torch.Generator().manual_seed(0)).double() * torch.arange(1, 6)
    usual = Usual(features)
    assert float(usual.whole(features).double().mean()) == pytest.approx(0.99, abs=0.002)
    assert not usual.whole(features + torch.tensor([12.0, 0, 0, 0, 0])).any()
    assert usual.whole(features + torch.tensor([0.0, 0, 0, 0, 1.0])).double().mean() > 0.95
