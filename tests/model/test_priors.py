"""The fitted prior: a Gaussian, and the flow that carries it."""

from __future__ import annotations

import math

import pytest
import torch
from tiny import labelled_latents, moments_of

from modeling_vae import FlowPrior
from modeling_vae.model.latents import slerp
from modeling_vae.model.tensor_files import read_tensors, write_tensors
from modeling_vae.model.velocity import Velocity

LATENTS, LABELS = labelled_latents()


def gaussian() -> FlowPrior:
    return FlowPrior.from_moments(moments_of(LATENTS, LABELS), "ab" * 32)


def flowing(velocity: Velocity | None = None) -> FlowPrior:
    """With a flow whose every weight is random."""
    plain, generator = gaussian(), torch.Generator().manual_seed(0)
    velocity = velocity or Velocity(8, width=16, blocks=2)
    for weight in velocity.parameters():
        weight.data = 0.15 * torch.randn(weight.shape, generator=generator)
    return FlowPrior(plain.mean, plain.factor, velocity, "ab" * 32)


@pytest.fixture(params=[gaussian, flowing], ids=["gaussian", "flow"])
def prior(request) -> FlowPrior:
    return request.param()


class Planted(Velocity):
    """A velocity in closed form: dx/da = `rate` x + `drift`."""

    def __init__(self, dimensions: int, rate: float, drift: float) -> None:
        super().__init__(dimensions, 2, 1)
        self.rate, self.drift = rate, drift

    def forward(self, x, angle):
        return self.rate * x + self.drift


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
    torch.testing.assert_close(ordinary[0], prior.latents_of(torch.zeros(1, 8))[0].float())
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


def test_truncation_of_a_gaussian_is_linear():
    prior = gaussian()
    whole, half = prior.sample(10, seed=1), prior.sample(10, seed=1, truncation=0.5)
    torch.testing.assert_close(half - prior.mean.float(), 0.5 * (whole - prior.mean.float()), rtol=1e-4, atol=1e-5)
    assert torch.allclose(prior.sample(2, seed=1, truncation=0.0), prior.mean.float())


def test_a_round_trip_gives_the_same_samples(prior, tmp_path):
    prior.save_pretrained(tmp_path)
    loaded = FlowPrior.from_pretrained(tmp_path)
    assert torch.equal(loaded.sample(5, seed=2), prior.sample(5, seed=2))
    assert loaded.weights_sha256 == "ab" * 32
    with pytest.raises(ValueError, match="prior belongs to weights abab"):
        loaded.check_weights("cd" * 32)


def test_the_widest_latent_makes_a_round_trip(tmp_path):
    wide = FlowPrior(torch.zeros(1024), torch.eye(1024), None, "ab" * 32)
    wide.save_pretrained(tmp_path)
    assert torch.equal(FlowPrior.from_pretrained(tmp_path).factor, wide.factor)


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
