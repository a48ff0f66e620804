"""The attribute term: a divergence between frozen probes' answers, from which reconstructions learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny import tiny_model
from torch.distributions import Bernoulli, kl_divergence

from modeling_vae.data import load_data
from modeling_vae.recipes.objective_recipe import ObjectiveRecipe
from modeling_vae.recipes.recipe import Recipe
from modeling_vae.training.objective import TrainingObjective
from modeling_vae.training.terms import attribute_distance as attribute_term
from modeling_vae.training.terms.attribute_distance import (
    FILE_NAME,
    LOOKS,
    AttributeDistance,
    attribute_distance,
    moved,
    random_shift,
)
from modeling_vae.training.terms.batch import Batch
from modeling_vae.training.terms.running_mean import MEMORY
from modeling_vae.training.terms.running_readouts import Edited
from modeling_vae.training.terms.running_shares import RunningShares

from .making import looking, recipe_values, write_pictures


def pixels(seed: int, side: int = 32, channels: int = 3) -> torch.Tensor:
    return torch.rand(8, channels, side, side, generator=torch.Generator().manual_seed(seed))


def answers(distance: AttributeDistance, pictures: torch.Tensor) -> torch.Tensor:
    """The logits of its networks on pictures as they are, not moved: float64 [K, N, A]."""
    return torch.stack([network(pictures) for network in distance.networks]).double()


@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_the_mean_divergence_of_independent_answers(channels, monkeypatch):
    distance = looking(channels)
    ours, theirs = pixels(0, channels=channels) * 0.9, pixels(1, channels=channels)
    shift = (-2, 1)
    monkeypatch.setattr(attribute_term, "random_shift", lambda height, width: shift)
    theirs_logits, ours_logits = (answers(distance, moved(pictures, shift)) for pictures in (theirs, ours))
    expected = kl_divergence(Bernoulli(logits=theirs_logits), Bernoulli(logits=ours_logits))
    assert expected.shape == (2, 8, 5) and expected.mean() > 0.01
    found, seen = distance(ours, theirs)
    torch.testing.assert_close(found.double(), expected.mean(0), rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(seen.double(), theirs_logits.sigmoid().mean(0), rtol=1e-4, atol=1e-6)
    assert distance(theirs, theirs)[0].abs().max() < 1e-6

    wanted = torch.rand(8, 5, generator=torch.Generator().manual_seed(2))
    asked = kl_divergence(Bernoulli(probs=wanted.double().expand(2, 8, 5)), Bernoulli(logits=ours_logits))
    torch.testing.assert_close(distance.asked(ours, wanted).double(), asked.mean(0), rtol=1e-3, atol=1e-6)
    with torch.autocast("cpu", torch.bfloat16):
        rough, seen = distance(ours, theirs)
    assert rough.dtype == seen.dtype == torch.float32
    assert (rough - found).abs().mean() < 0.05 * found.mean()


def test_pictures_are_moved_as_numpy_would():
    pictures = pixels(0)
    for down, right in ((0, 0), (3, 0), (-2, 1), (0, -4)):
        rows, columns = (np.clip(np.arange(32) - by, 0, 31) for by in (down, right))
        assert np.array_equal(moved(pictures, (down, right)), pictures.numpy()[:, :, rows][:, :, :, columns])


def test_both_pictures_are_moved_alike_and_as_far_as_probes_know():
    distance, ours, theirs = looking(), pixels(0), pixels(1)
    torch.manual_seed(0)
    shifts = {random_shift(32, 64) for _ in range(400)}
    assert shifts == {(down, right) for down in range(-2, 3) for right in range(-4, 5)}
    nats = torch.stack([distance(ours, theirs)[0].mean() for _ in range(40)])
    assert len(nats.unique()) > 10
    assert all(distance(theirs, theirs)[0].abs().max() < 1e-6 for _ in range(10))


def test_those_who_have_an_attribute_count_together_as_much_as_those_who_lack_it():
    """Of 40 pictures one has the first attribute, 20 the second, none the third; counted in batches of 8."""
    answers = torch.zeros(40, 3)
    answers[7, 0] = answers[:20, 1] = 1.0
    shares = RunningShares(3)
    for batch in answers.split(8):
        shares.update(batch)
    torch.testing.assert_close(shares.shares, torch.tensor([1 / 40, 1 / 2, 0.0]))
    weights = shares.balance(answers)
    torch.testing.assert_close(weights[:, :2].mean(0), torch.ones(2))
    having = (weights * answers)[:, :2].sum(0)
    torch.testing.assert_close(having, (weights * (1 - answers))[:, :2].sum(0))
    torch.testing.assert_close(shares.balance(torch.ones(1, 3))[0, 2], torch.tensor(25.0))  # as if 0.02 had it


def test_of_long_ago_the_shares_forget():
    shares = RunningShares(1)
    for _ in range(MEMORY // 64):
        shares.update(torch.zeros(64, 1))
    for _ in range(MEMORY // 64):
        shares.update(torch.ones(64, 1))
    assert 1 - 1 / torch.e < shares.shares.item() < 0.66


def test_the_objective_balances_reconstructions_and_not_edits():
    """Of an edited sample it is asked as often for what is rare as for what is common: it is balanced already."""
    recipe = {"attribute_consistency": {"weight": 1.0}, "edits": {"start_ratio": 0.0, "reencoding_weight": 0.0}}
    objective = TrainingObjective(tiny_model(), ObjectiveRecipe.model_validate(recipe), attributes=looking()).train()
    torch.manual_seed(0)
    for seed in range(12):
        terms = objective(pixels(seed))
    assert "edits" in terms
    with torch.random.fork_rng():
        torch.manual_seed(5)
        terms = objective(pixels(11))
        torch.manual_seed(5)
        nats, wanted = objective.attributes.distance(objective.model(pixels(11)).reconstruction, pixels(11))
    torch.testing.assert_close(terms["attributes"], (objective.attributes.shares.balance(wanted) * nats).mean())
    assert (terms["attributes"] - nats.mean()).abs() > 0.01 * nats.mean()

    edited = Edited(objective.edits.readouts.fit(), torch.zeros(8, 8), torch.zeros(8, dtype=torch.long))
    torch.manual_seed(6)
    probes, none = objective.attributes.distance, torch.zeros(())
    batch = Batch(objective.model, pixels(1), pixels(1), none, none, none, step=0, progress=1.0)
    batch.samples, batch.edited, batch.probes = pixels(1), edited, probes
    objective.edits(batch)
    torch.manual_seed(6)
    torch.testing.assert_close(batch.figures["edits"], edited.mean(probes.asked(pixels(1), edited.answers)))


def test_large_pictures_are_averaged_down_to_what_the_probe_learnt_from():
    distance, ours, theirs = looking(), pixels(0, 128), pixels(1, 128)
    small = [F.interpolate(each, size=(64, 64), mode="bilinear", antialias=True) for each in (ours, theirs)]
    torch.manual_seed(0)
    nats, _ = distance(ours, theirs)
    torch.manual_seed(0)
    torch.testing.assert_close(nats, distance(*small)[0])


def test_the_reconstruction_learns_from_it_and_the_probe_does_not():
    term = looking().train()
    reconstruction = pixels(3).requires_grad_(True)
    (gradient,) = torch.autograd.grad(term(reconstruction, pixels(2))[0].sum(), reconstruction)
    assert gradient.abs().sum() > 0
    before = {name: weight.clone() for name, weight in term.networks.state_dict().items()}
    recipe = ObjectiveRecipe.model_validate({"attribute_consistency": {"weight": 10.0}})
    objective = TrainingObjective(tiny_model(), recipe, attributes=term).train()
    optimizer = torch.optim.SGD([weight for weight in objective.parameters() if weight.requires_grad], lr=1e-3)
    objective(pixels(2))["loss"].backward()
    optimizer.step()
    assert all(torch.equal(weight, before[name]) for name, weight in term.networks.state_dict().items())
    assert not any(name.startswith("attributes.distance.") for name in objective.state_dict())
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
    logits = answers(distance, torch.stack([row["pixel_values"] for row in rows]))
    assert logits.shape == (len(LOOKS), len(rows), 1)  # "bright"; "side" is a number, no yes or no
    labels = torch.tensor([bool(row["labels"]["bright"]) for row in rows])
    assert all(each[labels].mean() > each[~labels].mean() + 1 for each in logits)
    assert not torch.allclose(*logits)

    weights, again = distance.networks.state_dict(), learnt(recipe, "b").networks.state_dict()
    assert all(torch.equal(weight, again[name]) for name, weight in weights.items())
    written = tmp_path / "a" / FILE_NAME
    when = written.stat().st_mtime_ns
    read = learnt(recipe, "a").networks.state_dict()
    assert written.stat().st_mtime_ns == when and all(torch.equal(read[name], weights[name]) for name in weights)

    assert learnt(recipe.model_copy(update={"attributes": {}}), "c") is None
    assert learnt(recipe.model_copy(update={"objective": ObjectiveRecipe()}), "d") is None
    none_left = recipe.publish.model_copy(update={"leave_out": ["bright"]})
    assert learnt(recipe.model_copy(update={"publish": none_left}), "e") is None
    assert not any((tmp_path / run).exists() for run in "cde")
