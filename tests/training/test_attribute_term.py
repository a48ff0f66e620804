"""The attribute term: a divergence between a frozen probe's answers, from which reconstructions learn."""

from __future__ import annotations

import torch
from tiny import tiny_model
from torch import nn
from torch.distributions import Bernoulli, kl_divergence

from modeling_vae.data import load_data
from modeling_vae.training.attribute_term import AttributeDistance, learn_attribute_distance
from modeling_vae.training.objective import TrainingObjective
from modeling_vae.training.recipe import ObjectiveRecipe, Recipe

from .making import recipe_values, write_pictures


def two_questions() -> nn.Module:
    """Logits that are steep in the mean of the picture and of its upper half."""
    network = nn.Sequential(nn.AdaptiveAvgPool2d((2, 1)), nn.Flatten(), nn.Linear(6, 2))
    weight = torch.tensor([[1.0, 1, 1, 1, 1, 1], [1, 0, 1, 0, 1, 0]])
    network[2].load_state_dict({"weight": 8 * weight, "bias": torch.tensor([-24.0, -12.0])})
    return network


def pixels(seed: int, count: int = 8) -> torch.Tensor:
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


def test_it_is_the_divergence_of_independent_answers():
    distance, ours, theirs = AttributeDistance(two_questions()), pixels(0) * 0.9, pixels(1)
    logits = [distance.network(pictures).double() for pictures in (theirs, ours)]
    expected = kl_divergence(*(Bernoulli(logits=each) for each in logits)).mean()
    torch.testing.assert_close(distance(ours, theirs).double(), expected, rtol=1e-4, atol=1e-6)
    assert distance(theirs, theirs).abs() < 1e-6


def test_the_reconstruction_learns_from_it_and_the_probe_does_not():
    term = AttributeDistance(two_questions()).train()
    assert not term.training and term.state_dict() == {}
    objective = TrainingObjective(tiny_model(), ObjectiveRecipe.model_validate({"attributes": {}}), attributes=term)
    before = {name: weight.clone() for name, weight in term.network.named_parameters()}
    found = objective(pixels(2))
    found["loss"].backward()
    assert found["attributes"] > 0
    for name, weight in term.network.named_parameters():
        assert weight.grad is None and torch.equal(weight, before[name])
    without = TrainingObjective(objective.model, ObjectiveRecipe())
    torch.manual_seed(3)
    full = objective(pixels(2))
    torch.manual_seed(3)
    torch.testing.assert_close(full["loss"], without(pixels(2))["loss"] + 10 * full["attributes"])


def test_it_learns_from_the_annotated_columns(tmp_path):
    values = recipe_values(write_pictures(tmp_path / "pictures"), tmp_path)
    values["objective"] = {"attributes": {}}
    recipe = Recipe.model_validate(values)

    def learnt(recipe):
        data = load_data(recipe.data, image_size=(32, 32), num_channels=3, attributes=recipe.attributes)
        return learn_attribute_distance(recipe, data), data

    distance, data = learnt(recipe)
    first, again = (each.network.state_dict() for each in (distance, learnt(recipe)[0]))
    assert all(torch.equal(weight, again[name]) for name, weight in first.items())
    pictures = torch.stack([data.train[row]["pixel_values"] for row in range(16)])
    assert distance.network(pictures).shape == (16, 1)  # "bright"; "side" is a number, no yes or no
    assert learnt(recipe.model_copy(update={"attributes": {}}))[0] is None
    assert learnt(recipe.model_copy(update={"objective": ObjectiveRecipe()}))[0] is None
