"""The attribute term: a divergence between a frozen probe's answers, from which reconstructions learn."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from tiny import tiny_model
from torch import nn
from torch.distributions import Bernoulli, kl_divergence

from modeling_vae.data import load_data
from modeling_vae.training.attribute_term import FILE_NAME, AttributeDistance, attribute_distance
from modeling_vae.training.objective import TrainingObjective
from modeling_vae.training.recipe import ObjectiveRecipe, Recipe

from .making import looking, recipe_values, write_pictures


def pixels(seed: int, side: int = 32, channels: int = 3) -> torch.Tensor:
    return torch.rand(8, channels, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_the_divergence_of_independent_answers_balanced_by_how_common_they_are(channels):
    distance = looking(channels)
    shares = torch.tensor([0.5, 0.2, 0.03, 0.9, 0.02], dtype=torch.float64)  # 0.001 counts as 0.02
    ours, theirs = pixels(0, channels=channels) * 0.9, pixels(1, channels=channels)
    theirs_logits, ours_logits = (distance.network(pictures).double() for pictures in (theirs, ours))
    expected = kl_divergence(Bernoulli(logits=theirs_logits), Bernoulli(logits=ours_logits))
    expected *= (theirs_logits.sigmoid() / shares + (-theirs_logits).sigmoid() / (1 - shares)) / 2
    assert expected.shape == (8, 5) and expected.mean() > 0.01
    wanted = distance.answers(theirs)
    torch.testing.assert_close(distance(ours, wanted).double(), expected, rtol=1e-3, atol=2e-5)
    assert distance(theirs, wanted).abs().max() < 1e-6
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(distance.answers(theirs), wanted)
        torch.testing.assert_close(distance(ours, wanted).double(), expected, rtol=1e-3, atol=2e-5)


def test_those_who_have_an_attribute_count_together_as_much_as_those_who_lack_it():
    """Seen by a probe that was sure of the real pictures, and has no idea of these."""

    class NoIdea(nn.Module):
        def forward(self, pictures):
            return torch.zeros(len(pictures), 1)

    distance = AttributeDistance(NoIdea(), ["rare"], torch.tensor([0.025]))
    wanted = torch.zeros(40, 1)
    wanted[7] = 1.0
    nats = distance(torch.zeros(40, 3, 8, 8), wanted)
    torch.testing.assert_close(nats[7].sum(), nats.sum() - nats[7].sum())
    torch.testing.assert_close(nats.mean(), torch.tensor(2.0).log())


def test_large_pictures_are_averaged_down_to_what_the_probe_learnt_from():
    distance, ours, theirs = looking(), pixels(0, 128), pixels(1, 128)
    small = [F.interpolate(each, size=(64, 64), mode="bilinear", antialias=True) for each in (ours, theirs)]
    torch.testing.assert_close(
        distance(ours, distance.answers(theirs)), distance(small[0], distance.answers(small[1]))
    )


def test_the_reconstruction_learns_from_it_and_the_probe_does_not():
    term = looking().train()
    reconstruction = pixels(3).requires_grad_(True)
    (gradient,) = torch.autograd.grad(term(reconstruction, term.answers(pixels(2))).sum(), reconstruction)
    assert gradient.abs().sum() > 0
    before = {name: weight.clone() for name, weight in term.network.state_dict().items()}
    recipe = ObjectiveRecipe.model_validate({"attribute_consistency": {"weight": 10.0}})
    objective = TrainingObjective(tiny_model(), recipe, attributes=term).train()
    optimizer = torch.optim.SGD([weight for weight in objective.parameters() if weight.requires_grad], lr=1e-3)
    objective(pixels(2))["loss"].backward()
    optimizer.step()
    assert all(torch.equal(weight, before[name]) for name, weight in term.network.state_dict().items())
    assert not any(name.startswith("attributes.") for name in objective.state_dict())
    torch.manual_seed(3)
    full = objective(pixels(2))
    torch.manual_seed(3)
    without = TrainingObjective(objective.model, ObjectiveRecipe())(pixels(2))
    torch.testing.assert_close(full["loss"], without["loss"] + 10 * full["attributes"])


def test_it_learns_the_annotated_columns_once_for_each_run(tmp_path):
    values = recipe_values(write_pictures(tmp_path / "pictures"), tmp_path)
    values["objective"] = {"attribute_consistency": {}}
    recipe = Recipe.model_validate(values)
    data = load_data(recipe.data, image_size=(32, 32), num_channels=3, attributes=recipe.attributes)

    def learnt(recipe: Recipe, run: str) -> AttributeDistance | None:
        return attribute_distance(recipe, data, tmp_path / run)

    distance = learnt(recipe, "a")
    rows = [data.train[row] for row in range(len(data.train))]
    bright = torch.tensor([float(row["labels"]["bright"]) for row in rows])
    torch.testing.assert_close(distance.shares, bright.mean()[None])
    logits = distance.network(torch.stack([row["pixel_values"] for row in rows]))
    assert logits.shape == (len(rows), 1)  # "bright"; "side" is a number, no yes or no
    assert logits[bright == 1].mean() > logits[bright == 0].mean() + 1

    weights, again = distance.network.state_dict(), learnt(recipe, "b").network.state_dict()
    assert all(torch.equal(weight, again[name]) for name, weight in weights.items())
    written = tmp_path / "a" / FILE_NAME
    when = written.stat().st_mtime_ns
    read = learnt(recipe, "a").network.state_dict()
    assert torch.equal(learnt(recipe, "a").shares, distance.shares)
    assert written.stat().st_mtime_ns == when and all(torch.equal(read[name], weights[name]) for name in weights)

    assert learnt(recipe.model_copy(update={"attributes": {}}), "c") is None
    assert learnt(recipe.model_copy(update={"objective": ObjectiveRecipe()}), "d") is None
    none_left = recipe.publish.model_copy(update={"leave_out": ["bright"]})
    assert learnt(recipe.model_copy(update={"publish": none_left}), "e") is None
    assert not any((tmp_path / run).exists() for run in "cde")
