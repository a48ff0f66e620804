"""Where an edit is seen, and how far a slider goes, read off measured shares."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
import torch

from modeling_vae import AttributeDirections, Direction
from modeling_vae.model.seen_curve import SeenCurve, curve_of

CURVE = SeenCurve(
    strengths=(-4.0, -2.0, 1.0, 2.0, 4.0, 6.0),
    changed=(0.95, 0.75, 0.1, 0.5, 0.9, 1.0),
    whole=(1.0, 1.0, 1.0, 1.0, 0.9, 0.4),
    without=64,
    having=40,
    slope=2.0,
    intercept=-1.0,
)


def direction(seen: SeenCurve | None, name: str = "smiling") -> Direction:
    return Direction(name, "boolean", 50, 50, 1.0, 0.9, 1.0, 0.0, seen)


def test_between_measured_strengths_the_share_goes_along_lines():
    found = direction(CURVE)
    assert found.shows == 4.0 and found.strength_of(0.5) == 2.0 and found.strength_of(0.3) == 1.5
    assert found.strength_of(0.05) == 0.5  # none has changed at 0
    assert found.loses == pytest.approx(-3.5) and found.strength_of(0.5, losing=True) == pytest.approx(-1.33)
    assert found.drawable is True and found.full() == 4.0 and found.full(losing=True) == found.loses


def test_what_shows_in_broken_pictures_alone_is_not_drawable():
    late = replace(CURVE, changed=(0.95, 0.75, 0.1, 0.2, 0.6, 1.0))
    found = direction(late)
    assert found.shows is None and found.drawable is False
    assert late.reach(1) == 4.0 and found.full() == found.reach[1] == 4.0  # the slider goes as far as they hold


@pytest.mark.parametrize(
    ("changed", "whole", "end"),
    [
        ((0.95, 0.99, 1.0, 1.0), (1, 1, 1, 1), 3.0),  # a slider goes to 3 at least
        ((0.1, 0.2, 0.8, 1.0), (1, 1, 1, 1), 5.0),  # and as far as the attribute needs, in halves
        ((0.1, 0.2, 0.8, 1.0), (1, 1, 0.4, 0), 2.0),  # but while pictures hold
        ((0.1, 0.2, 0.8, 0.8), (0.2, 1, 1, 1), 1.0),  # and there is one to play with
    ],
)
def test_a_slider_reaches_as_far_as_the_attribute_needs(changed, whole, end):
    found = direction(SeenCurve((1.0, 2.0, 4.0, 6.0), changed, whole, 20, 0))
    assert found.reach == (-3.0, end)  # nothing was tried below 0


def test_too_few_pictures_say_nothing():
    found = direction(SeenCurve((-2.0, 2.0), (None, 1.0), (1.0, 1.0), 20, 3))
    assert found.loses is None and found.shows == 1.8 and found.full(losing=True) == -3.0


def test_unmeasured_directions_are_as_before():
    found = direction(None)
    assert (found.shows, found.loses, found.drawable, found.reach) == (None, None, None, (-3.0, 3.0))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"strengths": ()}, "0 strengths"),
        ({"changed": (0.5,)}, "6 strengths"),
        ({"strengths": (-4.0, -2.0, 0.0, 2.0, 4.0, 6.0)}, "other than 0"),
        ({"strengths": (-2.0, -4.0, 1.0, 2.0, 4.0, 6.0)}, "ascending"),
        ({"whole": (1.0, 1.0, 1.0, 1.0, 0.9, None)}, "whole of a curve has None"),
        ({"changed": (0.95, 0.75, 0.1, 0.5, 0.9, 1.1)}, "changed of a curve has 1.1"),
        ({"without": -1}, "without of a curve is -1"),
        ({"slope": float("nan")}, "slope of a curve is nan"),
    ],
)
def test_impossible_curves_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        replace(CURVE, **change)


@pytest.mark.parametrize("entry", [3, {}, {"strengths": [1.0]}, asdict(CURVE) | {"changed": "all"}])
def test_what_a_file_says_must_be_a_curve(entry):
    with pytest.raises(ValueError, match="curve"):
        curve_of(entry)


def directions(*found: Direction) -> AttributeDirections:
    axes = torch.eye(len(found))
    return AttributeDirections(found, axes, torch.zeros(len(found)), axes, weights_sha256="ab" * 32)


def test_curves_travel_in_the_file(tmp_path):
    before = directions(direction(CURVE), direction(None, "old"))
    before.save_pretrained(tmp_path)
    assert AttributeDirections.from_pretrained(tmp_path).directions == before.directions


def test_what_shows_is_offered_first():
    weak = replace(CURVE, strengths=(-2.0, -1.0, 0.5, 1.0, 1.5, 2.0), whole=(1.0,) * 6)
    never = replace(CURVE, changed=(0.9, 0.9, 0.1, 0.1, 0.1, 0.1))
    found = directions(
        direction(never, "hat"), direction(None, "age"), direction(CURVE, "smile"), direction(weak, "hue")
    )
    assert found.offered == ["hue", "smile", "age", "hat"] and found.names == ["hat", "age", "smile", "hue"]


def test_drawn_pictures_have_their_own_probabilities():
    found = directions(direction(CURVE), direction(None, "old"))
    latents = torch.tensor([[0.5, 0.0]])
    assert found.read(latents)[0]["smiling"].probability == pytest.approx(1 / (1 + 2.718281828**-0.5))
    assert found.read(latents, drawn=True)[0]["smiling"].probability == pytest.approx(0.5)
    assert found.read(latents, drawn=True)[0]["old"] == found.read(latents)[0]["old"]


def test_curves_of_another_metric_are_dropped():
    ours, theirs = directions(direction(CURVE)), directions(direction(CURVE, "old"))
    assert ours.joined(theirs).directions["old"].seen == CURVE
    moved = AttributeDirections([direction(CURVE, "old")], torch.eye(1), torch.ones(1), torch.eye(1), {}, "ab" * 32)
    assert ours.joined(moved).directions["old"].seen is None


def test_the_average_of_a_joint_group_has_the_values_of_each():
    """Against the mean of the pictures that have both, where the groups are independent."""
    covariance = torch.tensor([[2.0, 0.5], [0.5, 1.0]])
    means = {"a:true": torch.tensor([1.5, 0.25]), "b:false": torch.tensor([0.0, 1.0])}
    found = AttributeDirections([], torch.zeros(0, 2), torch.tensor([0.5, 0.0]), covariance, means)
    joint = found.average("a & b:false")
    inverse = torch.linalg.inv(covariance.double())
    for mean in means.values():
        way = inverse @ (mean.double() - found.mean)
        assert float(way @ (joint - found.mean)) == pytest.approx(float(way @ (mean.double() - found.mean)))
    torch.testing.assert_close(found.average("a:true"), means["a:true"].double())
    with pytest.raises(ValueError, match="say the same thing"):
        found.average("a & a:true")
    with pytest.raises(ValueError, match="'c' is not a group"):
        found.average("a & c")
