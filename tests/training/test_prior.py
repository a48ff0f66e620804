"""The prior fitted to a model's latents: a flow where held-out latents gain by it."""

import math

import pytest
import torch
from tiny import tiny_model, two_kinds

from modeling_vae.fitting import fit_prior as fitting
from modeling_vae.fitting.fit_prior import as_varied, fit_prior, learn_reader, learn_velocity, velocity_error
from modeling_vae.fitting.latent_passes import read_held_out, read_training
from modeling_vae.model.label_code import LabelCode
from modeling_vae.model.modeling_image_vae import VAEModel
from modeling_vae.model.priors import FlowPrior
from modeling_vae.model.velocity import Velocity


def clouds(count: int, seed: int) -> torch.Tensor:
    """Two clouds far apart, of mean 0 and variance 1 together, beside a plain dimension: [count, 2]."""
    generator = torch.Generator().manual_seed(seed)
    side = (2 * torch.randint(2, (count,), generator=generator) - 1).float()
    first = 0.98 * side + math.sqrt(1 - 0.98**2) * torch.randn(count, generator=generator)
    return torch.stack([first, torch.randn(count, generator=generator)], dim=1)


def fitted_to(model: VAEModel, training, held_out, sha256: str = "") -> FlowPrior:
    found = read_training(model, training, {})
    return fit_prior(found, read_held_out(model, held_out, {}), weights_sha256=sha256)


def test_the_error_of_no_velocity_is_one_whatever_the_latents_are():
    """E[(cos(a) w - sin(a) n)^2] is the variance of both, which is 1."""
    for latents in (clouds(5000, 0), torch.randn(5000, 3, generator=torch.Generator().manual_seed(1))):
        assert velocity_error(Velocity(latents.shape[1]), latents) == pytest.approx(1, abs=0.02)


CODE = LabelCode(["side:left", "side:right"], torch.eye(2))


def sides(latents: torch.Tensor) -> torch.Tensor:
    """The codes of the clouds that latents are of."""
    return torch.stack([latents[:, 0] < 0, latents[:, 0] >= 0], dim=1).float()


@pytest.fixture(scope="module")
def learnt() -> Velocity:
    """Told which cloud each latent is of."""
    latents = clouds(500, 0)
    return learn_velocity(latents, CODE, sides(latents))


def test_two_clouds_are_found_again_and_nothing_between(learnt):
    prior = FlowPrior(torch.zeros(2), torch.eye(2), learnt, labels=CODE)
    samples = prior.sample(2000, seed=1)
    first = samples[:, 0].abs()
    assert (first < 0.4).float().mean() < 0.03, "a Gaussian has three in ten there"
    assert first.mean() == pytest.approx(0.98, abs=0.06) and first.std() == pytest.approx(0.2, abs=0.08)
    assert (samples[:, 0] > 0).float().mean() == pytest.approx(0.5, abs=0.06)
    assert samples[:, 1].std() == pytest.approx(1, abs=0.08)
    assert velocity_error(learnt, clouds(2000, 1)) < 0.97


def test_a_latent_becomes_one_of_the_other_cloud_and_else_stays_as_it_is(learnt):
    latents = clouds(400, 2)
    reader = learn_reader(latents, CODE, sides(latents))
    prior = FlowPrior(torch.zeros(2), torch.eye(2), learnt, "", CODE, reader)
    unseen = clouds(100, 3)
    assert torch.equal(prior.shown(unseen).float(), sides(unseen))
    moved = torch.cat([prior.become(one, "side:right", torch.ones(1)) for one in unseen.split(1)])
    assert (moved[:, 0] > 0.4).all() and moved[:, 0].mean() == pytest.approx(1, abs=0.15)
    assert (moved[:, 1] - unseen[:, 1]).abs().mean() < 0.2
    there = prior.sample(400, seed=1, like="side:left")
    assert (there[:, 0] < -0.4).float().mean() > 0.98
    assert velocity_error(learnt, unseen, sides(unseen)) < 0.9 * velocity_error(learnt, unseen)


def test_samples_vary_as_latents_do():
    """A velocity that is off leaves samples too near to each other or too far, and off their mean."""
    factor, velocity = torch.tensor([[2.0, 0.0], [1.0, 1.0]]), Velocity(2, width=4, blocks=1)
    with torch.no_grad():
        for name, weight in velocity.named_parameters():
            weight.fill_(0.3 if name == "drop.bias" else 0.0)
        velocity.lift.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, 0.0]]))
        velocity.drop.weight.copy_(0.3 * velocity.lift.weight.T)
    flow = FlowPrior(torch.tensor([3.0, -1.0]), factor, velocity)

    def moments(prior: FlowPrior) -> tuple[float, float]:
        """How far mean and deviations are from what they are to be, in the whitened space."""
        centred = (prior.sample(4000, seed=1).double() - flow.mean).T
        white = torch.linalg.solve_triangular(factor.double(), centred, upper=False)
        return float(white.mean(1).abs().max()), float((white.std(1) - 1).abs().max())

    # x' = 0.3 (x + 1): the deviation becomes e^(0.3 pi / 2) = 1.6, the mean 0.6
    assert max(moments(as_varied(flow))) < 0.06 < 0.5 < min(moments(flow))


def test_it_is_learnt_the_same_each_time_and_touches_nothing_global(monkeypatch):
    monkeypatch.setattr(fitting, "MOST_STEPS", 20)
    state = torch.random.get_rng_state()
    first, again = (learn_velocity(clouds(1000, 0)) for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))


def labelled(count: int, seed: int):
    """Batches of `two_kinds`, with a label of which kind they are, and one that says nothing of them."""
    for number, (pixels, _) in enumerate(two_kinds(count, seed)):
        coins = torch.rand(len(pixels), generator=torch.Generator().manual_seed(number)) > 0.5
        yield pixels, {"bright": (pixels.mean((1, 2, 3)) > 0.5).tolist(), "coin": coins.tolist()}


@pytest.fixture()
def certain(monkeypatch) -> VAEModel:
    monkeypatch.setattr(fitting, "EPOCHS", 80)
    monkeypatch.setattr(fitting, "FEWEST", 500)
    model = tiny_model()
    torch.nn.init.constant_(model.to_posterior.bias[8:], -10.0)
    return model


def test_labels_that_tell_something_are_told(certain):
    kinds = {"bright": "boolean", "coin": "boolean"}
    training = read_training(certain, labelled(600, 1), kinds)
    held_out = read_held_out(certain, labelled(300, 2), kinds)
    prior = fit_prior(training, held_out, weights_sha256="ab" * 32, leave_out=["coin"])
    assert prior.labels.names == ["bright:false", "bright:true"] and prior.weights_sha256 == "ab" * 32
    with torch.no_grad():
        latents = torch.cat([certain.encode(pixels).mean for pixels, _ in labelled(300, 3)])
    bright = torch.tensor([label for _, labels in labelled(300, 3) for label in labels["bright"]])
    assert torch.equal(prior.shown(latents)[:, 1] == 1, bright)
    assert (prior.shown(prior.sample(100, 0, like="bright"))[:, 1] == 1).float().mean() > 0.95
    one = latents[~bright][:1]
    assert prior.shown(prior.become(one, "bright", torch.ones(1)))[0, 1] == 1


def test_pictures_of_two_kinds_get_a_flow_and_samples_between_none(certain):
    """Told a label that says nothing of them, it is learnt without."""
    kinds = {"coin": "boolean"}
    training = read_training(certain, labelled(600, 1), kinds)
    prior = fit_prior(training, read_held_out(certain, labelled(300, 2), kinds), weights_sha256="")
    assert prior.velocity is not None and len(prior.labels) == 0
    with torch.no_grad():
        real = torch.cat([certain.encode(pixels).mean for pixels, _ in two_kinds(300, 3)]).double()
    plain = FlowPrior(prior.mean, prior.factor)

    def nearest(latents: torch.Tensor) -> float:
        """How far they lie from real ones, in the metric of all."""
        white = [torch.linalg.solve_triangular(prior.factor, z.double().T, upper=False).T for z in (latents, real)]
        return torch.cdist(*white).min(1).values.mean().item()

    assert nearest(prior.sample(300, seed=1)) < 0.97 * nearest(plain.sample(300, seed=1))


def test_latents_that_are_gaussian_get_none(monkeypatch):
    """What a network learns of them is noise, and held-out ones gain nothing."""
    monkeypatch.setattr(fitting, "EPOCHS", 30)
    training, unseen = (torch.randn(n, 8, generator=torch.Generator().manual_seed(n)) for n in (1000, 500))
    assert velocity_error(learn_velocity(training), unseen) > 0.99


def test_an_encoder_that_is_all_but_certain_and_uses_few_dimensions_gets_a_prior():
    model = tiny_model()
    with torch.no_grad():
        model.to_posterior.weight[2:] = 0
        model.to_posterior.bias[8:] = -20.0
    prior = fitted_to(model, two_kinds(640, 1), two_kinds(128, 2))
    assert prior.sample(4, seed=0).isfinite().all()


def test_few_pictures_get_the_gaussian():
    prior = fitted_to(tiny_model(), two_kinds(12, 1), two_kinds(4, 2))
    assert prior.velocity is None and prior.sample(2, seed=0).shape == (2, 8)
    with pytest.raises(ValueError, match="weights"):
        prior.check_weights("cd" * 32)
