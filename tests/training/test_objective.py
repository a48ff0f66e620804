"""The training objective: its terms, who learns from which, and what it keeps."""

import copy

import pytest
import torch
import torch.nn.functional as F
from tiny import tiny_model
from torch import nn
from transformers import AutoModel, ViTConfig, ViTModel

from modeling_vae import VAEModel
from modeling_vae.recipes.recipe import ObjectiveRecipe
from modeling_vae.training import perceptual
from modeling_vae.training.critic import Critic, taken_for_real, told_apart
from modeling_vae.training.objective import TrainingObjective, last_layer, ramp
from modeling_vae.training.perceptual import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    REACH,
    PerceptualDistance,
    details,
    fold_batch_norms,
    local_deviation,
    random_place,
)
from modeling_vae.training.running_fit import RunningFit

from .making import looking, write_backbone


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    return write_backbone(tmp_path_factory.mktemp("networks") / "backbone")


@pytest.fixture
def full(backbone) -> TrainingObjective:
    """Every term there is, on a tiny model."""
    torch.manual_seed(0)
    recipe = ObjectiveRecipe.model_validate(
        {
            "perceptual": {"backbone": str(backbone), "layers": ["conv_stem", "layer.1"]},
            "adversarial": {"weight": 0.5, "start_ratio": 0, "ramp_ratio": 0, "channels": 8, "layers": ["layer.1"]},
            "attribute_consistency": {"weight": 2.0},
            "edits": {"start_ratio": 0.0},
        }
    )
    return TrainingObjective(tiny_model(decoder_block="modulated"), recipe, attributes=looking())


def pixels(count: int = 8) -> torch.Tensor:
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(0))


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
    quiet.recipe.adversarial.weight = 0.0
    alone = copy.deepcopy(full)
    alone.recipe.adversarial = None
    for objective in (quiet, alone):
        torch.manual_seed(2)
        objective(pixels(), step=1)["loss"].backward()
    for (name, a), b in zip(quiet.model.named_parameters(), alone.model.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, msg=name)
    assert all(weight.grad is not None for weight in quiet.critic.parameters())

    loud = copy.deepcopy(full)
    loud.adversarial_factor.fill_(1.0)
    torch.manual_seed(2)
    loud(pixels(), step=1)["loss"].backward()
    colours = (last_layer(objective.model.decoder).weight.grad for objective in (loud, quiet))
    assert not torch.allclose(*colours)
    for (name, a), b in zip(loud.critic.named_parameters(), quiet.critic.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, msg=name)  # whatever the model's weight for it


def test_the_adversarial_gradient_is_as_long_as_the_others_at_the_last_layer(full):
    full.recipe.adversarial.most = 1e9
    full.critic.eval()  # its spectral norms stand still
    full.fit.update(full.model.encode(pixels()).mean)
    fit = copy.deepcopy(full.fit)
    torch.manual_seed(3)
    found = full(pixels(), step=0)
    assert found["adversarial_factor"] > 0
    weight = last_layer(full.model.decoder).weight
    torch.manual_seed(3)
    output = full.model(pixels())
    visible = output.loss / (3 * 32 * 32) + 0.5 * full.perceptual(output.reconstruction, pixels())[0]
    nats, answers = full.attributes(output.reconstruction, pixels())
    visible = visible + 2.0 * (full.shares.balance(answers) * nats).mean()
    (gradient,) = torch.autograd.grad(visible, weight)
    # what is left after the others are taken away is 0.5 times as long
    total = copy.deepcopy(full)
    total.fit = fit
    total.recipe.edits.weight = total.recipe.edits.reencoding_weight = 0.0
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
    objective.critic.register_forward_pre_hook(lambda critic, inputs: fed.append(inputs[0]))
    optimizer = torch.optim.Adam(objective.critic.parameters(), lr=1e-2, betas=(0.0, 0.99))
    losses = []
    for _ in range(20):
        output = objective(pixels(), step=1)
        optimizer.zero_grad()
        output["loss"].backward()
        optimizer.step()
        losses.append(output["critic"].item())
    assert losses[-1] < losses[0]
    to_model, real, fake = fed[-3:]
    expected = dict(zip(seen, objective.perceptual.features(pixels()[:4], (0, 2)), strict=True))
    for maps, name in zip(real, layers or seen, strict=True):
        torch.testing.assert_close(maps, expected[name])
    assert {len(maps) for maps in fake} == {4 + 2}  # half a batch of reconstructions, a quarter of samples
    for seen_by_model, seen_by_critic in zip(to_model, fake, strict=True):
        assert torch.equal(seen_by_model, seen_by_critic)
        assert seen_by_model.requires_grad and not seen_by_critic.requires_grad
    of_real, of_fake = (torch.cat(objective.critic(maps), dim=1).mean() for maps in (real, fake))
    assert of_real > of_fake


def test_a_backbone_without_feature_maps_is_refused(tmp_path):
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_attention_heads": 1, "num_hidden_layers": 1}
    ViTModel(ViTConfig(image_size=32, patch_size=8, **sizes)).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="'embeddings' returns is no feature map"):
        PerceptualDistance(str(tmp_path), ["embeddings"]).features(pixels(1))


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
    full.recipe.adversarial.most = 1e-3
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
    assert not any(name.startswith(("perceptual.", "attributes.")) for name in names)
    assert {"adversarial_factor", "fit.queue", "fit.position", "readouts.moments", "average.n_averaged"} <= names
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


def test_the_perceptual_distance(backbone):
    distance = PerceptualDistance(str(backbone), ["conv_stem", "layer.1"])
    x = pixels(2)
    same, near, far = (distance(share * x, x) for share in (1.0, 0.95, 0.5))
    assert same.places == same.textures == 0
    assert 0 < near.places < far.places and 0 < near.textures < far.textures
    grey = distance(x[:, :1], x[:, :1].flip(3))
    assert grey.places > 0 and grey.textures > 0
    for term in ("places", "textures"):
        y = x.clone().requires_grad_()
        getattr(distance(y, 1 - x), term).backward()
        assert y.grad.isfinite().all() and y.grad.abs().sum() > 0
    flat = torch.full_like(x, 0.5).requires_grad_()
    distance(flat, x).textures.backward()
    assert flat.grad.isfinite().all()
    distance.train()
    assert not any(module.training for module in distance.modules())
    with pytest.raises(ValueError, match="has no module 'layer.99'; it has conv_stem"):
        PerceptualDistance(str(backbone), ["layer.99"])


def test_the_perceptual_distance_of_enlarged_pictures_and_of_a_part_of_the_batch(backbone, monkeypatch):
    layers, x = ["conv_stem", "layer.1"], pixels(4)
    y = x.flip(3)
    enlarged = [F.interpolate(p, scale_factor=2, mode="bicubic", antialias=True) for p in (y, x)]
    monkeypatch.setattr(perceptual, "random_place", lambda: (1, 3))
    as_it_is = PerceptualDistance(str(backbone), layers)
    twice = PerceptualDistance(str(backbone), layers, enlargement=2)
    torch.testing.assert_close(twice(y, x).places, as_it_is(*enlarged).places)
    # the pixels' own details are compared as they are: enlarging adds none
    assert twice(y, x).textures != as_it_is(*enlarged).textures
    half = PerceptualDistance(str(backbone), layers, batch_ratio=0.5)
    assert half(y, x)[:2] == as_it_is(y[:2], x[:2])[:2] != as_it_is(y, x)[:2]
    assert PerceptualDistance(str(backbone), layers, batch_ratio=0.01)(y, x)[:2] == as_it_is(y[:1], x[:1])[:2]


def test_a_comparison_holds_the_maps_that_were_compared(backbone, monkeypatch):
    monkeypatch.setattr(perceptual, "random_place", lambda: (4, 0))
    distance, x = PerceptualDistance(str(backbone), ["conv_stem", "layer.1"], batch_ratio=0.5), pixels(4)
    with torch.autocast("cpu", torch.bfloat16):
        compared = distance(x.flip(3).requires_grad_(), x)
    for found, pictures, learns in ((compared.outputs, x.flip(3), True), (compared.targets, x, False)):
        for maps, expected in zip(found, distance.features(pictures[:2], (4, 0)), strict=True):
            torch.testing.assert_close(maps, expected)
            assert maps.requires_grad is learns


def test_places_move_the_picture_on_a_larger_canvas(backbone):
    """What the network sees at one place it sees at another, moved; and pictures are compared at one and the same."""
    distance, x = PerceptualDistance(str(backbone), ["conv_stem"]), pixels(1)
    (canvas,), (moved,) = distance.features(x, (0, 0)), distance.features(x, (2, 4))
    assert canvas.shape[2:] == moved.shape[2:] == (18, 18)  # of a canvas of 36 x 36
    torch.testing.assert_close(moved[..., 4:16, 3:16], canvas[..., 2:14, 2:15])
    assert {random_place() for _ in range(500)} == {(i, j) for i in range(REACH + 1) for j in range(REACH + 1)}
    assert all(distance(x, x).places == 0 for _ in range(5))


def test_folded_batch_norms_compute_the_same(backbone):
    network = AutoModel.from_pretrained(backbone).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(generator=torch.Generator().manual_seed(0))
            module.running_var.uniform_(0.5, 2.0, generator=torch.Generator().manual_seed(1))
    x = pixels(2)
    expected = network(x).last_hidden_state
    found = fold_batch_norms(network)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in found.modules())
    torch.testing.assert_close(found(x).last_hidden_state, expected)


def test_a_layer_within_a_folded_one_is_still_seen_as_it_was(backbone):
    """What a convolution says before its batch norm, and the norm itself, may be compared too."""
    names = ["conv_stem.first_conv.convolution", "conv_stem.first_conv.normalization"]
    network, x = AutoModel.from_pretrained(backbone).eval(), pixels(2)
    seen: list[torch.Tensor] = []
    for name in names:
        network.get_submodule(name).register_forward_hook(lambda module, inputs, output: seen.append(output))
    mean, std = (torch.tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
    with torch.no_grad():
        network((x - mean) / std)
    for found, expected in zip(PerceptualDistance(str(backbone), names).features(x), seen, strict=True):
        torch.testing.assert_close(found, expected)


def test_details_are_what_the_mean_of_the_square_leaves():
    """Also in half precision under autocast; a flat picture and a slope of grey have none inside."""
    x = pixels(2)
    with torch.autocast("cpu", torch.bfloat16):
        found = details(x)
    expected = x - nn.functional.avg_pool2d(x, 3, 1, 1)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1])
    slope = torch.linspace(0, 1, 32).expand(1, 3, 32, 32)
    assert details(slope)[..., 1:-1].abs().max() < 1e-6
    assert details(torch.full_like(x, 0.7)).abs().max() < 1e-6


def test_the_local_deviation_is_that_of_each_cell():
    maps = torch.randn(2, 3, 16, 24, generator=torch.Generator().manual_seed(0))
    found = local_deviation(maps)
    cells = maps.unfold(2, 2, 2).unfold(3, 3, 3)  # 8 x 8 cells of 2 x 3
    torch.testing.assert_close(found, cells.flatten(4).std(-1, unbiased=False), rtol=1e-2, atol=1e-3)
    assert local_deviation(torch.randn(1, 1, 5, 5)).shape == (1, 1, 2, 2)


def test_texture_asks_for_as_much_detail_and_not_for_the_same(backbone):
    """Other noise of the same strength has the right texture, and the mean has not, which is nearer place by place."""
    distance = PerceptualDistance(str(backbone), ["conv_stem"])
    generator = torch.Generator().manual_seed(0)
    x, other = (0.5 + 0.1 * torch.randn(4, 3, 32, 32, generator=generator) for _ in range(2))
    noise, mean = distance(other, x), distance(torch.full_like(x, 0.5), x)
    assert mean.places < noise.places and noise.textures < 0.5 * mean.textures


def test_the_running_fit_is_of_the_last_latents():
    fit = RunningFit(3, size=50)
    latents = (
        torch.randn(130, 3, generator=torch.Generator().manual_seed(1)) @ torch.diag(torch.tensor([1.0, 2, 3])) + 5
    )
    for batch in latents.split(7):
        fit.update(batch)
    last = latents[-50:]
    torch.testing.assert_close(fit.queue.sort(0).values, last.sort(0).values)
    mean, factor = fit.gaussian()
    torch.testing.assert_close(mean, last.mean(0))
    torch.testing.assert_close(factor @ factor.T, torch.cov(last.T), rtol=1e-2, atol=1e-2)


def maps_of(seed: int, count: int = 8, shift: float = 0.0) -> list[torch.Tensor]:
    """Maps of two depths, with channels of very different size."""
    generator = torch.Generator().manual_seed(seed)
    large = 50 + 20 * torch.randn(count, 4, 6, 6, generator=generator)
    return [large, 0.1 * (shift + torch.randn(count, 3, 2, 2, generator=generator))]


def test_the_critics_loss_is_the_hinge():
    """Two judges of one place each; what lies beyond a margin of 1 counts no more."""
    real, fake = [torch.tensor([[3.0], [0.5]]), torch.tensor([[0.0]])], [torch.tensor([[-2.0]]), torch.tensor([[1.0]])]
    assert told_apart(real, fake).item() == pytest.approx(((0 + 0.5) / 2 + 0 + 1 + 2) / 2)
    assert taken_for_real(fake).item() == pytest.approx(0.5)


def test_the_critic_sees_maps_standardised_by_all_real_ones():
    critic = Critic([4, 3], 8)
    batches = [maps_of(seed, shift=seed) for seed in range(5)]
    for batch in batches:
        critic.update(batch)
    for i, standard in enumerate(critic.standards):
        seen = torch.cat([batch[i] for batch in batches])
        found = standard(seen).transpose(0, 1).flatten(1)
        torch.testing.assert_close(found.mean(1), torch.zeros(seen.shape[1]), rtol=0, atol=1e-3)
        variance = seen.transpose(0, 1).flatten(1).var(1, correction=0)
        torch.testing.assert_close(found.var(1, correction=0), variance / (variance + 1e-3), rtol=1e-3, atol=1e-3)
    before = copy.deepcopy(critic.standards.state_dict())
    critic(maps_of(9, shift=30.0))
    for name, value in critic.standards.state_dict().items():
        assert torch.equal(value, before[name]), f"{name} is of real pictures, and others changed it"
    Critic([4, 3], 8).update([maps[:1, :, :1, :1] for maps in maps_of(0)])  # one place of one picture


def test_the_critic_judges_every_place_and_learns_what_is_not_real():
    torch.manual_seed(0)
    critic = Critic([4, 3], 8)
    assert [tuple(logits.shape) for logits in critic(maps_of(0))] == [(8, 36), (8, 4)]
    optimizer = torch.optim.Adam(critic.parameters(), lr=1e-2, betas=(0.0, 0.99))
    losses = []
    for step in range(150):
        real, fake = maps_of(2 * step), maps_of(2 * step + 1, shift=3.0)
        critic.update(real)
        losses.append(told_apart(critic(real), critic(fake)))
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    real, fake = critic(maps_of(1001)), critic(maps_of(1002, shift=3.0))
    assert real[1].mean() > fake[1].mean() + 1.0  # the second depth differs, the first does not
    assert abs(real[0].mean() - fake[0].mean()) < 0.3
    assert losses[-1] < losses[0]
    for module in critic.modules():
        if isinstance(module, nn.Conv2d):
            largest = torch.linalg.svdvals(module.weight.detach().flatten(1))[0]
            assert largest.item() == pytest.approx(1.0, abs=0.05)


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
