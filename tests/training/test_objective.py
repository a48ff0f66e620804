"""The training objective: its terms, who learns from which, and what it keeps."""

from __future__ import annotations

import copy

import pytest
import torch
from tiny import tiny_model

from modeling_vae import VAEModel
from modeling_vae.recipes.objective_recipe import ObjectiveRecipe
from modeling_vae.training.objective import TrainingObjective
from modeling_vae.training.terms import perceptual_distance as perceptual
from modeling_vae.training.terms.adversarial_term import last_layer
from modeling_vae.training.terms.batch import ramp
from modeling_vae.training.terms.spectrum_term import log_spectrum

from .making import looking, pixels


@pytest.fixture
def full(backbone) -> TrainingObjective:
    """Every term there is, on a tiny model."""
    torch.manual_seed(0)
    recipe = ObjectiveRecipe.model_validate(
        {
            "perceptual": {"backbone": str(backbone), "layers": ["conv_stem", "layer.1"]},
            "adversarial": {"weight": 0.5, "start_ratio": 0, "ramp_ratio": 0, "channels": 8, "layers": ["layer.1"]},
            "spectrum": {"weight": 0.01},
            "attribute_consistency": {"weight": 2.0},
            "edits": {"start_ratio": 0.0},
        }
    )
    return TrainingObjective(tiny_model(decoder_block="modulated"), recipe, attributes=looking())


@pytest.mark.parametrize(
    ("progress", "start", "length", "expected"),
    [(0.0, 0.0, 0.0, 1.0), (0.1, 0.2, 0.1, 0.0), (0.25, 0.2, 0.1, 0.5), (0.9, 0.2, 0.1, 1.0), (0.2, 0.2, 0.0, 1.0)],
)
def test_ramp(progress, start, length, expected):
    assert ramp(progress, start, length) == pytest.approx(expected)


def test_alone_it_is_the_elbo_per_dimension():
    objective = TrainingObjective(tiny_model(), ObjectiveRecipe())
    torch.manual_seed(1)
    found = objective(pixels())
    torch.manual_seed(1)
    expected = objective.model(pixels())
    torch.testing.assert_close(found["loss"], expected.loss / (3 * 32 * 32))
    torch.testing.assert_close(found["nll"] + found["kl"], expected.loss)


def test_the_kl_weight_warms_up():
    objective = TrainingObjective(tiny_model(), ObjectiveRecipe(kl_warmup_ratio=0.5))
    losses = []
    for progress in (0.0, 0.25, 0.5, 1.0):
        torch.manual_seed(1)
        losses.append(objective(pixels(), progress=progress))
    kl, dimensions = losses[0]["kl"], 3 * 32 * 32
    for found, share in zip(losses, (0.0, 0.5, 1.0, 1.0), strict=True):
        torch.testing.assert_close(found["loss"], (found["nll"] + share * kl) / dimensions)


def test_the_model_does_not_learn_from_the_critics_loss_nor_the_critic_from_the_models(full):
    """With the adversarial weight at 0 the model's gradients are those of an objective without a critic."""
    quiet = copy.deepcopy(full)
    quiet.adversarial.weight = 0.0
    alone = copy.deepcopy(full)
    alone.adversarial = None
    for objective in (quiet, alone):
        torch.manual_seed(2)
        objective(pixels(), step=1)["loss"].backward()
    for (name, a), b in zip(quiet.model.named_parameters(), alone.model.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, msg=name)
    assert all(weight.grad is not None for weight in quiet.adversarial.critic.parameters())

    loud = copy.deepcopy(full)
    loud.adversarial.factor.fill_(1.0)
    torch.manual_seed(2)
    loud(pixels(), step=1)["loss"].backward()
    assert not torch.allclose(*(last_layer(objective.model.decoder).weight.grad for objective in (loud, quiet)))
    for (name, a), b in zip(
        loud.adversarial.critic.named_parameters(), quiet.adversarial.critic.parameters(), strict=True
    ):
        torch.testing.assert_close(a.grad, b.grad, msg=name)  # whatever the model's weight for it


def test_the_adversarial_gradient_is_as_long_as_the_others_at_the_last_layer(full):
    full.adversarial.most = 1e9
    full.adversarial.critic.eval()  # its spectral norms stand still
    full.fit.update(full.model.encode(pixels()).mean)
    fit = copy.deepcopy(full.fit)
    torch.manual_seed(3)
    found = full(pixels(), step=0)
    assert found["adversarial_factor"] > 0
    weight = last_layer(full.model.decoder).weight
    torch.manual_seed(3)
    output = full.model(pixels())
    visible = output.loss / (3 * 32 * 32) + 0.5 * full.perceptual.distance(output.reconstruction, pixels())[0]
    nats, answers = full.attributes.distance(output.reconstruction, pixels())
    visible = visible + 2.0 * (full.attributes.shares.balance(answers) * nats).mean()
    visible = visible + 0.01 * (log_spectrum(output.reconstruction) - log_spectrum(pixels())).abs().mean()
    (gradient,) = torch.autograd.grad(visible, weight)
    # what is left after the others are taken away is 0.5 times as long
    total = copy.deepcopy(full)
    total.fit = fit
    total.edits.weight = total.edits.reencoding_weight = 0.0
    torch.manual_seed(3)
    (whole,) = torch.autograd.grad(total(pixels(), step=1)["loss"], last_layer(total.model.decoder).weight)
    assert (whole - gradient).norm().item() == pytest.approx(0.5 * gradient.norm().item(), rel=1e-3)


@pytest.mark.parametrize("layers", [["layer.2", "conv_stem"], None])
def test_the_critic_has_the_maps_it_was_given_of_reconstructions_and_samples(backbone, layers, monkeypatch):
    """It is fed real pictures' maps as real ones, in any order of the layers, and comes to tell them from fakes."""
    monkeypatch.setattr(perceptual, "random_place", lambda: (0, 2))
    torch.manual_seed(0)
    seen = ["layer.1", "conv_stem", "layer.2"]
    recipe = ObjectiveRecipe.model_validate(
        {
            "perceptual": {"backbone": str(backbone), "layers": seen, "batch_ratio": 0.5},
            "adversarial": {"start_ratio": 0, "ramp_ratio": 0, "channels": 8, "layers": layers},
        }
    )
    objective = TrainingObjective(tiny_model(), recipe)
    fed = []
    objective.adversarial.critic.register_forward_pre_hook(lambda critic, inputs: fed.append(inputs[0]))
    optimizer = torch.optim.Adam(objective.adversarial.critic.parameters(), lr=1e-2, betas=(0.0, 0.99))
    losses = []
    for _ in range(20):
        output = objective(pixels(), step=1)
        optimizer.zero_grad()
        output["loss"].backward()
        optimizer.step()
        losses.append(output["critic"].item())
    assert losses[-1] < losses[0]
    to_model, real, fake = fed[-3:]
    expected = dict(zip(seen, objective.perceptual.distance.features(pixels()[:4], (0, 2)), strict=True))
    for maps, name in zip(real, layers or seen, strict=True):
        torch.testing.assert_close(maps, expected[name])
    assert {len(maps) for maps in fake} == {4 + 2}  # half a batch of reconstructions, a quarter of samples
    for seen_by_model, seen_by_critic in zip(to_model, fake, strict=True):
        assert torch.equal(seen_by_model, seen_by_critic)
        assert seen_by_model.requires_grad and not seen_by_critic.requires_grad
    of_real, of_fake = (torch.cat(objective.adversarial.critic(maps), dim=1).mean() for maps in (real, fake))
    assert of_real > of_fake


def test_in_bfloat16_it_is_the_same_loss_but_for_rounding(full):
    """As recipes train: under autocast, with every term at work."""
    for _ in range(10):  # until there are readouts to edit by
        full(pixels(), step=1)
    found = []
    for enabled in (False, True):
        objective = copy.deepcopy(full)
        torch.manual_seed(4)
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            found.append(objective(pixels()))
        found[-1]["loss"].backward()
        assert all(weight.grad.isfinite().all() for weight in objective.model.parameters())
    assert (
        found[0].keys() == found[1].keys() >= {"attributes", "edits", "reencoding", "adversarial", "critic", "texture"}
    )
    for name, exact in found[0].items():
        torch.testing.assert_close(found[1][name].float(), exact, rtol=0.05, atol=0.02, msg=name)


def test_the_factor_is_capped(full):
    full.adversarial.most = 1e-3
    assert full(pixels(), step=0)["adversarial_factor"].item() == pytest.approx(1e-3)


def test_frozen_parts_do_not_learn(full):
    full(pixels(), step=0)["loss"].backward()
    for name, weight in full.named_parameters():
        if name.startswith(("perceptual.", "attributes.", "average.")):
            assert weight.grad is None and not weight.requires_grad, name


def test_batch_norms_are_not_shown_pictures_twice():
    objective = TrainingObjective(tiny_model(norm="batch"), ObjectiveRecipe())
    with pytest.raises(ValueError, match="set model.norm to group or none"):
        objective.activation_checkpointing_enable()


def test_a_checkpoint_holds_all_but_the_pretrained_network(full):
    names = set(full.state_dict())
    assert not any(name.startswith(("perceptual.", "attributes.distance.")) for name in names)
    states = {"adversarial.factor", "attributes.shares.shares", "edits.readouts.moments"}
    assert states | {"fit.queue", "fit.position", "average.n_averaged"} <= names
    other = copy.deepcopy(full)
    torch.manual_seed(4)
    full(pixels(), step=0)["loss"].backward()
    result = other.load_state_dict(full.state_dict(), strict=False)
    missing = [name for name in result.missing_keys if not name.startswith(("perceptual.", "attributes."))]
    assert result.unexpected_keys == missing == []
    assert torch.equal(other.fit.queue, full.fit.queue)


def test_the_running_average():
    objective = TrainingObjective(tiny_model(norm="batch"), ObjectiveRecipe(), ema_decay=0.5)
    first = {name: value.clone() for name, value in objective.model.state_dict().items()}
    objective.update_average()  # the first is taken as it is
    with torch.no_grad():
        for weight in objective.model.parameters():
            weight.add_(1.0)
    objective.model.encoder.blocks[0].norm.num_batches_tracked.fill_(7)
    objective.update_average()
    decay = min(0.5, 2 / 11)
    found = objective.ema.state_dict()
    for name, value in objective.model.named_parameters():
        torch.testing.assert_close(found[name], decay * first[name] + (1 - decay) * value, msg=name)
    assert found["encoder.blocks.0.norm.num_batches_tracked"] == 7


def test_evaluation_is_of_the_average_and_draws_no_noise_from_the_training(full):
    before = torch.get_rng_state()
    figures = full.evaluate(pixels(5), torch.Generator().manual_seed(0))
    assert torch.equal(torch.get_rng_state(), before)
    assert {name: tuple(figure.shape) for name, figure in figures.items()} == {"nll": (5,), "kl": (5,), "mse": (5,)}
    with torch.no_grad():
        for weight in full.model.parameters():
            weight.zero_()
    again = full.evaluate(pixels(5), torch.Generator().manual_seed(0))
    assert all(torch.equal(figures[name], again[name]) for name in figures)
    assert isinstance(full.ema, VAEModel)


def test_checkpoints_of_the_first_version_are_read(full):
    """Their states of the terms lie under other names."""
    former = {
        new.replace("adversarial.critic.", "critic.").replace("adversarial.factor", "adversarial_factor")
        .replace("attributes.shares.", "shares.").replace("edits.readouts.", "readouts."): weight
        for new, weight in full.state_dict().items()
    }  # fmt: skip
    assert {"adversarial_factor", "shares.shares", "readouts.moments"} <= former.keys()
    other = copy.deepcopy(full)
    for weight in other.state_dict().values():
        weight.zero_()
    found = other.load_state_dict(former, strict=False)
    assert found.unexpected_keys == []
    assert all(torch.equal(weight, full.state_dict()[name]) for name, weight in other.state_dict().items())
