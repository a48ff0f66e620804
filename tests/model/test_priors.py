"""The fitted prior: a Gaussian, and the flow that carries it."""

from __future__ import annotations

import math

import pytest
import torch
from tiny import labelled_latents, moments_of
from torch.nn.functional import pad

from modeling_vae import FlowPrior
from modeling_vae.model.label_code import LabelCode
from modeling_vae.model.label_reader import LabelReader
from modeling_vae.model.latents import sample_noise, slerp
from modeling_vae.model.tensor_files import read_tensors, write_tensors
from modeling_vae.model.velocity import Velocity

LATENTS, LABELS = labelled_latents()


def gaussian() -> FlowPrior:
    return FlowPrior.from_moments(moments_of(LATENTS, LABELS), "ab" * 32)


def flowing() -> FlowPrior:
    """With a flow whose every weight is random."""
    plain = gaussian()
    return FlowPrior(plain.mean, plain.factor, at_random(Velocity(8, width=16, blocks=2)), "ab" * 32)


def at_random(velocity: Velocity) -> Velocity:
    generator = torch.Generator().manual_seed(0)
    for weight in velocity.parameters():
        weight.data = 0.15 * torch.randn(weight.shape, generator=generator)
    return velocity


def told() -> FlowPrior:
    """With one that is told labels, of which hat and crown never go together."""
    code = LabelCode(
        ["coat:black", "coat:white", "crown:false", "crown:true", "hat:false", "hat:true"], torch.ones(6, 6)
    )
    code.together[3, 5] = code.together[5, 3] = 0
    plain = gaussian()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        reader = LabelReader(8, 6, width=4)
    velocity = at_random(Velocity(8, 6, width=16, blocks=2))
    return FlowPrior(plain.mean, plain.factor, velocity, "ab" * 32, code, reader)


@pytest.fixture(params=[gaussian, flowing, told], ids=["gaussian", "flow", "told"])
def prior(request) -> FlowPrior:
    return request.param()


class Planted(Velocity):
    """A velocity in closed form: dx/da = `rate` x + `drift`."""

    def __init__(self, dimensions: int, rate: float, drift: float) -> None:
        super().__init__(dimensions, width=2, blocks=1)
        self.rate, self.drift = rate, drift

    def forward(self, x, angle, codes=None):
        return self.rate * x + self.drift


class Pushed(Velocity):
    """dx/da = what labels push: label c along dimension c."""

    def forward(self, x, angle, codes=None):
        return torch.zeros_like(x) if codes is None else pad(codes, (0, x.shape[1] - codes.shape[1]))


def test_the_gaussian_has_the_moments_of_the_aggregate_posterior():
    prior = gaussian()
    torch.testing.assert_close(prior.mean, LATENTS.mean(0), rtol=1e-5, atol=1e-6)
    variance = torch.exp(torch.tensor(-4.0)) * torch.eye(8)
    torch.testing.assert_close(
        prior.covariance, torch.cov(LATENTS.T, correction=0) + variance, rtol=2e-3, atol=2e-3, check_dtype=False
    )


def test_its_samples_have_its_moments():
    prior = gaussian()
    samples = prior.sample(20000, seed=1).double()
    spread = prior.covariance.diagonal().sqrt()
    assert ((samples.mean(0) - prior.mean).abs() / spread).max() < 0.03
    correlation = torch.cov(samples.T) / torch.outer(spread, spread)
    assert (correlation - prior.covariance / torch.outer(spread, spread)).abs().max() < 0.04


def test_a_new_velocity_moves_nothing():
    """Of latents that are Gaussian the mean velocity is zero, and learning begins there."""
    plain = gaussian()
    new = FlowPrior(plain.mean, plain.factor, Velocity(8), "ab" * 32)
    assert torch.equal(new.sample(5, seed=1), plain.sample(5, seed=1))


@pytest.mark.parametrize(("rate", "drift"), [(0.5, 0.0), (-0.7, 0.3), (0.0, 1.0)])
def test_noise_follows_the_velocity_for_a_quarter_turn(rate, drift):
    """x' = r x + d from a = 0 to pi / 2 has the solution e^(r a) x + d (e^(r a) - 1) / r."""
    plain = gaussian()
    prior = FlowPrior(plain.mean, plain.factor, Planted(8, rate, drift))
    noise = torch.randn(4, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    angle = math.pi / 2
    grown = math.exp(rate * angle)
    added = drift * (grown - 1) / rate if rate else drift * angle
    moved = grown * noise + added
    torch.testing.assert_close(prior.latents_of(noise), prior.mean + moved @ prior.factor.T, rtol=1e-3, atol=5e-3)
    torch.testing.assert_close(prior.noise_of(prior.latents_of(noise)), noise, rtol=1e-3, atol=5e-3)


def test_a_sample_is_the_same_however_many_are_asked_for(prior):
    assert torch.equal(prior.sample(3, seed=7), prior.sample(50, seed=7)[:3])
    assert not torch.equal(prior.sample(3, seed=7), prior.sample(3, seed=8))
    assert prior.sample(0, seed=7).shape == (0, 8)


def test_truncation_draws_towards_what_no_noise_becomes(prior):
    ordinary = prior.sample(2, seed=1, truncation=0.0)
    assert torch.equal(ordinary[0], ordinary[1])
    draft = prior.latents_of(torch.zeros(1, 8))
    torch.testing.assert_close(ordinary[:1], prior.latents_of(torch.zeros(1, 8), prior.shown(draft)).float())
    distances = [(prior.sample(50, seed=1, truncation=t) - ordinary[0]).norm(dim=1).mean() for t in (0.3, 0.6, 1.0)]
    assert distances == sorted(distances)


@pytest.mark.parametrize("closed", [False, True])
def test_a_path_meets_its_keyframes(prior, closed):
    keyframes = 2 * LATENTS[:3].float()  # unlikely ones too
    path = prior.path(keyframes, 7 if not closed else 9, closed=closed)
    torch.testing.assert_close(path[[0, 3, 6]], keyframes, rtol=1e-5, atol=1e-5)


def test_between_keyframes_a_path_goes_round_the_origin_of_the_noise(prior):
    keyframes = LATENTS[:2].float()
    path, noise = prior.path(keyframes, 5, easing="linear"), prior.noise_of(keyframes)
    expected = prior.latents_of(torch.stack([slerp(noise[0], noise[1], t / 4) for t in range(5)]))
    torch.testing.assert_close(path, expected.float(), rtol=1e-2, atol=1e-2)


def test_what_is_asked_for_bends_the_way():
    """Latents that are pushed by what they show lose that push, and get that of what they become, bent as it asks."""
    prior = told()
    labels = prior.labels.guided({"hat:true": 1.5, "coat:white": 2.5})
    pushed = FlowPrior(prior.mean, prior.factor, Pushed(8, 6, 16, 1), "ab" * 32, labels, prior.reader)
    latent, quarter = LATENTS[:1].float(), math.pi / 2
    now = pushed.shown(latent)
    wanted = prior.labels.instead(now[0], "hat & coat:white")
    whole = pad(2.5 * wanted - now[0], (0, 2))
    made = pushed.become(latent, "hat & coat:white", torch.tensor([0.0, 1.0]))
    assert torch.equal(made[0], latent[0])
    torch.testing.assert_close(made[1].double(), latent[0].double() + prior.factor @ (quarter * whole))
    noise, hat = sample_noise(4, 8, 1).double(), 1.5 * torch.eye(6)[5].expand(4, 6)
    draft = prior.mean + (noise + quarter * pad(hat, (0, 2))) @ prior.factor.T
    asked = torch.stack([prior.labels.instead(code, "hat") for code in pushed.shown(draft)])
    expected = prior.mean + (noise + quarter * 1.5 * pad(asked, (0, 2))) @ prior.factor.T
    torch.testing.assert_close(pushed.sample(4, seed=1, like="hat"), expected.float(), rtol=1e-4, atol=1e-4)


def test_what_becomes_is_the_same_from_any_batch_and_goes_there_steadily():
    prior, latent = told(), LATENTS[:1].float()
    film = prior.become(latent, "hat", torch.linspace(0, 1, 5))
    for share, frame in zip(torch.linspace(0, 1, 5), film, strict=True):
        torch.testing.assert_close(prior.become(latent, "hat", share[None])[0], frame)
    steps = (film[1:] - film[:-1]).norm(dim=1)
    assert torch.equal(film[0], latent[0]) and steps.max() < 3 * steps.min()


def test_what_no_flow_was_told_is_not_drawn(prior):
    with pytest.raises(ValueError, match="'wings' is no value that this model's flow was told"):
        prior.sample(1, seed=0, like="wings")


def test_truncation_of_a_gaussian_is_linear():
    prior = gaussian()
    whole, half = prior.sample(10, seed=1), prior.sample(10, seed=1, truncation=0.5)
    torch.testing.assert_close(half - prior.mean.float(), 0.5 * (whole - prior.mean.float()), rtol=1e-4, atol=1e-5)
    assert torch.allclose(prior.sample(2, seed=1, truncation=0.0), prior.mean.float())


def test_a_round_trip_gives_the_same_samples(prior, tmp_path):
    guided = {"hat:true": 2.5} if "hat:true" in prior.labels.names else {}
    prior = prior.with_labels(prior.labels.guided(guided))
    prior.save_pretrained(tmp_path)
    loaded = FlowPrior.from_pretrained(tmp_path)
    assert torch.equal(loaded.sample(5, seed=2), prior.sample(5, seed=2))
    assert loaded.labels.names == prior.labels.names and torch.equal(loaded.labels.together, prior.labels.together)
    assert torch.equal(loaded.labels.guidance, prior.labels.guidance)
    assert torch.equal(loaded.shown(LATENTS), prior.shown(LATENTS))
    if prior.labels.names:
        whole = torch.ones(1)
        assert torch.equal(loaded.become(LATENTS[:1], "hat", whole), prior.become(LATENTS[:1], "hat", whole))
    assert loaded.weights_sha256 == "ab" * 32
    with pytest.raises(ValueError, match="prior belongs to weights abab"):
        loaded.check_weights("cd" * 32)


def test_the_widest_latent_makes_a_round_trip(tmp_path):
    wide = FlowPrior(torch.zeros(1024), torch.eye(1024), None, "ab" * 32)
    wide.save_pretrained(tmp_path)
    assert torch.equal(FlowPrior.from_pretrained(tmp_path).factor, wide.factor)


def test_labels_without_names_are_refused(tmp_path):
    told().save_pretrained(tmp_path)
    tensors, description = read_tensors(tmp_path / "prior.safetensors")
    write_tensors(tmp_path / "prior.safetensors", tensors, description | {"labels": ["hat:true"]})
    with pytest.raises(ValueError, match=r"not possible: labels has 1 names, and together 6 rows"):
        FlowPrior.from_pretrained(tmp_path)
    with pytest.raises(ValueError, match="told 6 numbers of labels, and 0 have names"):
        FlowPrior(torch.zeros(8), torch.eye(8), Velocity(8, 6))


def test_a_covariance_that_is_singular_is_refused():
    with pytest.raises(ValueError, match="full rank"):
        FlowPrior(torch.zeros(2), torch.zeros(2, 2))


@pytest.mark.parametrize(
    ("name", "changed", "words"),
    [
        ("up", lambda up: up[:, :-1], "up_bias has the shape"),
        ("up_bias", None, "lacks up_bias"),
        ("drop.weight", lambda drop: drop.T, "drop.weight has the shape"),
        ("time", lambda time: time[..., :-1], "time has the shape"),
        ("factor", lambda factor: factor[:-1], "factor has the shape"),
        ("mean", lambda mean: mean * math.nan, "not finite"),
    ],
)
def test_a_file_of_other_shapes_is_refused(tmp_path, name, changed, words):
    flowing().save_pretrained(tmp_path)
    file = tmp_path / "prior.safetensors"
    tensors, description = read_tensors(file)
    tensor = tensors.pop(name)
    write_tensors(file, tensors if changed is None else tensors | {name: changed(tensor)}, description)
    with pytest.raises(ValueError, match=words):
        FlowPrior.from_pretrained(tmp_path)


def test_blocks_that_are_not_twice_as_wide_inside_are_refused(tmp_path):
    flowing().save_pretrained(tmp_path)
    file = tmp_path / "prior.safetensors"
    tensors, description = read_tensors(file)
    for name in ("up", "up_bias"):
        tensors[name] = tensors[name][:, :-1]
    tensors["down"] = tensors["down"][..., :-1]
    write_tensors(file, tensors, description)
    with pytest.raises(ValueError, match="where 32 rows are due"):
        FlowPrior.from_pretrained(tmp_path)
