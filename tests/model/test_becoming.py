"""The edit by which a latent comes to have a value, whatever it has now."""

from dataclasses import replace

import pytest
import torch

from modeling_vae.model.attribute_directions import BEYOND, AttributeDirections
from modeling_vae.model.latent_moments import LatentMoments

KINDS = {"coat": "category", "side": "category", "asleep": "boolean", "age": "numeric"}
COATS = ("black", "white", "tabby")


@pytest.fixture(scope="module")
def drawn():
    """Directions from 600 latents [600, 6] whose columns shift them, and these latents."""
    generator = torch.Generator().manual_seed(0)
    latents = (
        torch.randn(600, 6, generator=generator, dtype=torch.float64)
        @ torch.diag(torch.tensor([1.0, 2, 1, 1, 0.5, 1])).double()
    )
    labels = {
        "coat": [COATS[i % 3] for i in range(600)],
        "side": [("left", "right")[i // 3 % 2] for i in range(600)],
        "asleep": [i % 5 == 0 for i in range(600)],
        "age": torch.randn(600, generator=generator).tolist(),
    }
    for row in range(600):
        latents[row, COATS.index(labels["coat"][row])] += 3
        latents[row, 3] += 2 * (labels["side"][row] == "left")
        latents[row, 4] += labels["asleep"][row]
        latents[row, 5] += labels["age"][row]
    moments = LatentMoments.empty(6, KINDS)
    moments.update(latents, torch.zeros_like(latents), labels)
    return AttributeDirections.from_moments(moments)[0], latents


def became(directions, latent, target, hold=()):
    return directions.edit(latent, directions.strengths_to_become(latent, target), hold)


@pytest.mark.parametrize("target", ["coat:white", "side:left", "asleep", "asleep:false"])
def test_its_whole_column_reads_as_beyond_the_mean_of_the_group(drawn, target):
    directions, latents = drawn
    rows = [i for i, name in enumerate(directions.names) if name.partition(":")[0] == target.partition(":")[0]]
    wanted = BEYOND * directions.values(directions.average(target)[None])[0, rows]
    for latent in latents[:6, None]:
        torch.testing.assert_close(directions.values(became(directions, latent, target))[0, rows], wanted)


@pytest.mark.parametrize("distance", [0.5, 1.0, 3.0])
def test_it_goes_as_far_as_was_measured(drawn, distance):
    directions, latents = drawn
    known = directions.directions
    measured = directions.with_directions(
        replace(direction, becomes=distance if name == "coat:white" else None) for name, direction in known.items()
    )
    coats = [directions.names.index(f"coat:{coat}") for coat in COATS]
    for target, times in ("coat:white", distance), ("coat:black", BEYOND):
        mean = directions.values(directions.average(target)[None])[0, coats]
        found = directions.values(became(measured, latents[:1], target))[0, coats]
        torch.testing.assert_close(found, times * mean)


@pytest.mark.parametrize("distance", [0, -1.0, 11, float("nan"), "2", True])
def test_other_distances_are_refused(drawn, distance):
    with pytest.raises(ValueError, match=r"becomes of asleep is .*: give a number up to 10"):
        replace(drawn[0].directions["asleep"], becomes=distance)


def test_what_it_was_before_is_gone(drawn):
    """From whatever coat it comes, it ends at the same readings; one value's direction alone leaves the old ones."""
    directions, latents = drawn
    coats = [directions.names.index(f"coat:{coat}") for coat in COATS]
    ends = torch.cat(
        [directions.values(became(directions, latent, "coat:white"))[:, coats] for latent in latents[:3, None]]
    )
    assert (ends - ends[0]).abs().max() < 1e-6 < directions.values(latents[:3])[:, coats].std(0).min()


def test_it_is_the_smallest_such_move_and_leaves_what_is_held(drawn):
    directions, latents = drawn
    latent = latents[:1]
    metric = torch.linalg.inv(directions.covariance)
    free = became(directions, latent, "coat:white") - latent
    held = became(directions, latent, "coat:white", ["asleep", "age"]) - latent
    other = torch.randn(50, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    coats = directions.readouts[[directions.names.index(f"coat:{coat}") for coat in COATS[:2]]]
    blind = other - other @ torch.linalg.pinv(coats) @ coats  # moves that no coat's reading sees
    assert ((free + 0.1 * blind) @ metric * (free + 0.1 * blind)).sum(1).min() > (free @ metric * free).sum()
    kept = [directions.names.index(name) for name in ("asleep", "age")]
    assert (directions.readouts[kept] @ held[0]).abs().max() < 1e-9 < (directions.readouts[kept] @ free[0]).abs().max()


def test_of_two_values_one_says_it_all(drawn):
    directions, latents = drawn
    assert list(directions.strengths_to_become(latents[:1], "side:right")) == ["side:right"]
    assert list(directions.strengths_to_become(latents[:1], "coat:white"))[0] == "coat:white"
    assert len(directions.strengths_to_become(latents[:1], "coat:white")) == 2  # of three, two say it all


@pytest.mark.parametrize(
    ("target", "words"),
    [("coat:blue", "'coat:blue' is not a group"), ("age", "'age' is not a group"), ("nose", "'nose' is not a group")],
)
def test_others_are_refused(drawn, target, words):
    directions, latents = drawn
    with pytest.raises(ValueError, match=words):
        directions.strengths_to_become(latents[:1], target)
    few = AttributeDirections([], torch.zeros(0, 6), directions.mean, directions.covariance, directions.groups)
    with pytest.raises(ValueError, match="'coat' has no direction"):
        few.strengths_to_become(latents[:1], "coat:white")
