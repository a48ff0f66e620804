"""The edit term: running readouts are those of the directions, and edited samples teach who they should."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from tiny import tiny_model

from modeling_vae.model.attribute_directions import AttributeDirections, Direction
from modeling_vae.recipes.objective_recipe import ObjectiveRecipe
from modeling_vae.training.objective import TrainingObjective
from modeling_vae.training.terms.running_mean import MEMORY
from modeling_vae.training.terms.running_readouts import ENOUGH, RIDGE, RunningReadouts

from .making import looking

LATENT, ATTRIBUTES, COLUMNS = 6, 3, ["a", "b", "c"]


def two_classes(count: int = MEMORY) -> tuple[torch.Tensor, torch.Tensor]:
    """Latents [N, D] of Gaussian classes of equal covariance, which certain answers [N, A] of 0 or 1 tell apart."""
    generator = torch.Generator().manual_seed(0)
    shares = torch.tensor([0.5, 0.2, 0.05])
    answers = (torch.rand(count, ATTRIBUTES, generator=generator) < shares).float()
    mixing = torch.randn(LATENT, LATENT, generator=generator)
    shifts = torch.randn(ATTRIBUTES, LATENT, generator=generator)
    latents = torch.randn(count, LATENT, generator=generator) @ mixing.T + 3 + answers @ shifts @ mixing.T
    return latents, answers


@pytest.fixture(scope="module")
def running() -> RunningReadouts:
    latents, answers = two_classes()
    running = RunningReadouts(LATENT, COLUMNS)
    for batch in zip(latents.split(200), answers.split(200), strict=True):  # all are remembered alike
        running.update(*batch)
    return running


def test_they_are_the_readouts_of_the_directions(running):
    latents, answers = (part.double() for part in two_classes())
    mean, covariance = latents.mean(0), torch.cov(latents.T, correction=0)
    covariance = covariance + RIDGE * covariance.diagonal().mean() * torch.eye(LATENT)
    differences = torch.stack([latents[a > 0].mean(0) - latents[a == 0].mean(0) for a in answers.T])
    known = [Direction(str(i), "boolean", 50, 50, 1.0) for i in range(ATTRIBUTES)]
    directions = AttributeDirections(known, differences, mean, covariance)
    found = running.fit()
    torch.testing.assert_close(found.rows.double(), directions.readouts, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(
        found.values(latents[:50]).double(), directions.values(latents[:50]), rtol=1e-3, atol=1e-3
    )
    moved = latents[:1].float() + 2.0 * found.moves[1]
    expected = directions.edit(latents[:1], {"1": 2.0})
    torch.testing.assert_close(moved.double(), expected, rtol=1e-3, atol=1e-3)


def test_the_answers_are_right_as_often_as_they_say(running):
    """Of all latents that are said to have an attribute with probability p, a share p has it."""
    latents, answers = two_classes()
    said = running.fit().answers(latents)
    for a in range(ATTRIBUTES):
        order = said[:, a].argsort()
        for part in order.split(4000):
            assert said[part, a].mean().item() == pytest.approx(answers[part, a].mean().item(), abs=0.05)


def test_half_of_the_edits_go_the_shortest_way_and_half_hold_the_other_columns(running):
    found, latents = running.fit(), two_classes()[0][:400]
    torch.manual_seed(0)
    moved = found.edit(latents, 2.5).latents - latents
    change = found.values(latents + moved) - found.values(latents)
    assert change.abs().max() <= 2.5 + 1e-3 and change.abs().max() > 2.3
    assert {int(i) for i in change.abs().argmax(1)} == set(range(ATTRIBUTES))
    strength = change.abs().max(1).values
    others = change.abs().sort(1).values[:, -2] / strength
    held = others < 0.02  # but for the ridge
    assert 120 < int(held.sum()) < 280
    precision = torch.linalg.inv(torch.cov(two_classes()[0].T))
    lengths = (moved @ precision * moved).sum(1).sqrt() / strength
    assert (lengths[~held] < 1.1).all()  # 1 but for the ridge


def test_what_was_asked_for_counts_as_much_as_all(running):
    torch.manual_seed(0)
    latents = two_classes()[0][:200]
    edited = running.fit().edit(latents, 2.5)
    change = edited.values - edited.readouts.values(latents)
    assert torch.equal(change.abs().argmax(1), edited.chosen)
    asked = torch.nn.functional.one_hot(edited.chosen, ATTRIBUTES).float()
    assert edited.mean(asked).item() == pytest.approx(0.5 + 0.5 / ATTRIBUTES)
    assert edited.mean(1 - asked).item() == pytest.approx(0.5 - 0.5 / ATTRIBUTES)


def test_values_of_one_column_are_not_held_against_each_other():
    """Front, left and right are all there is: what becomes more of one becomes less of the others."""
    generator = torch.Generator().manual_seed(0)
    facing = torch.randint(3, (MEMORY,), generator=generator)
    open_eyes = (torch.rand(MEMORY, generator=generator) < 0.5).float()
    answers = torch.cat([torch.eye(3)[facing], open_eyes[:, None]], dim=1)
    shifts = 2 * torch.randn(4, LATENT, generator=generator)
    running = RunningReadouts(LATENT, ["facing", "facing", "facing", "eyes"])
    running.update(torch.randn(MEMORY, LATENT, generator=generator) + answers @ shifts, answers)
    found = running.fit()
    for attribute in range(4):
        change = found.rows @ found.held_move(attribute)
        assert change[attribute].item() == pytest.approx(1.0, abs=0.03)
        assert attribute == 3 or (change[3].abs() < 0.03 and change[:3].min() < -0.2)


def test_there_are_none_before_enough_pictures():
    running, (latents, answers) = RunningReadouts(LATENT, COLUMNS), two_classes()
    running.update(latents[: ENOUGH * LATENT - 1], answers[: ENOUGH * LATENT - 1])
    assert running.fit() is None
    running.update(latents[:1], answers[:1])
    assert running.fit() is not None


def test_how_pictures_are_batched_makes_no_difference(running):
    other, (latents, answers) = RunningReadouts(LATENT, COLUMNS), two_classes()
    for batch in zip(latents.split(8), answers.split(8), strict=True):
        other.update(*batch)
    torch.testing.assert_close(other.moments, running.moments, rtol=1e-3, atol=1e-3)


def test_readouts_follow_a_latent_space_that_changes():
    running, (latents, answers) = RunningReadouts(LATENT, COLUMNS), two_classes()
    for sign in (1, -1):
        for batch, labels in list(zip(latents.split(64), answers.split(64), strict=True)) * 6:
            running.update(sign * batch, labels)
    found = running.fit()
    torch.testing.assert_close(found.mean, -latents.mean(0), rtol=0.2, atol=0.2)
    values = found.values(-latents)
    assert all(values[a > 0, i].mean() > values[a == 0, i].mean() + 0.5 for i, a in enumerate(answers.T))


def test_an_attribute_that_all_or_none_have_breaks_nothing():
    running = RunningReadouts(LATENT, COLUMNS)
    latents, _ = two_classes()
    running.update(latents, torch.tensor([0.0, 1.0, 0.5]).expand(len(latents), -1))
    found = running.fit()
    edited = found.edit(latents, 2.5).latents
    assert edited.isfinite().all() and found.answers(edited).isfinite().all()
    np.testing.assert_allclose(found.answers(latents).mean(0), [0.0, 1.0, 0.5], atol=0.01)


def test_encoder_and_decoder_learn_from_edited_samples_and_the_probe_does_not():
    torch.manual_seed(0)
    recipe = ObjectiveRecipe.model_validate({"attribute_consistency": {"weight": 0.0}, "edits": {"start_ratio": 0.5}})
    objective = TrainingObjective(tiny_model(), recipe, attributes=looking())
    pictures = torch.rand(
        ENOUGH * objective.model.config.latent_dim, 3, 32, 32, generator=torch.Generator().manual_seed(0)
    )
    assert "edits" not in objective(pictures, progress=0.4)  # but the moments were taken in
    assert objective.edits.readouts.seen == len(pictures)
    for weight, silent, learns in (("weight", "encoder", "decoder"), ("reencoding_weight", None, "encoder")):
        only = copy.deepcopy(objective)
        for name in ("weight", "reencoding_weight"):
            setattr(only.edits, name, float(name == weight))
        found = only(pictures, progress=0.5)
        elbo = (found["nll"] + found["kl"]) / (3 * 32 * 32)
        torch.testing.assert_close(found["loss"], elbo + found["edits" if weight == "weight" else "reencoding"])
        torch.manual_seed(1)
        with_term = gradients(only, pictures, 0.5)
        torch.manual_seed(1)
        without = gradients(only, pictures, 0.4)
        assert not torch.allclose(with_term[learns], without[learns])
        assert silent is None or torch.allclose(with_term[silent], without[silent])
        assert all(weight.grad is None for weight in only.attributes.parameters())


def gradients(objective: TrainingObjective, pictures: torch.Tensor, progress: float) -> dict[str, torch.Tensor]:
    objective.zero_grad()
    objective(pictures, progress=progress)["loss"].backward()
    return {part: next(getattr(objective.model, part).parameters()).grad.clone() for part in ("encoder", "decoder")}


def test_edits_ask_for_the_probe_that_judges_them():
    with pytest.raises(ValidationError, match="edits needs objective.attribute_consistency"):
        ObjectiveRecipe.model_validate({"edits": {}})


def test_without_attributes_there_is_no_edit_term():
    torch.manual_seed(0)
    recipe = ObjectiveRecipe.model_validate({"attribute_consistency": {}, "edits": {"start_ratio": 0.0}})
    objective = TrainingObjective(tiny_model(), recipe)
    assert objective.edits is None and objective.fit is None
    found = objective(torch.rand(8, 3, 32, 32), progress=0.5)
    assert found.keys() == {"loss", "nll", "kl"}


def test_batch_norms_keep_the_statistics_of_pictures():
    recipe = {"attribute_consistency": {"weight": 0.0}, "edits": {"start_ratio": 0.0}}
    pictures = torch.rand(ENOUGH * 8, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    statistics, found = [], []
    for objective_recipe in (recipe, {}):
        torch.manual_seed(0)
        model = tiny_model(norm="batch").train()
        attributes = looking()
        objective = TrainingObjective(model, ObjectiveRecipe.model_validate(objective_recipe), attributes=attributes)
        found.append(objective(pictures))
        statistics.append({name: value for name, value in model.state_dict().items() if "running" in name})
    assert "edits" in found[0] and "edits" not in found[1] and len(statistics[0]) > 0
    for name, value in statistics[0].items():
        assert torch.equal(value, statistics[1][name]), name
