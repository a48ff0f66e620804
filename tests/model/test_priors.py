"""The fitted prior."""

import pytest
import torch
from tiny import labelled_latents, moments_of

from modeling_vae import GaussianPrior

LATENTS, LABELS = labelled_latents()


@pytest.fixture
def prior() -> GaussianPrior:
    return GaussianPrior.from_moments(moments_of(LATENTS, LABELS), "ab" * 32)


def test_it_has_the_moments_of_the_aggregate_posterior(prior):
    torch.testing.assert_close(prior.mean, LATENTS.mean(0), rtol=1e-5, atol=1e-6)
    variance = torch.exp(torch.tensor(-4.0)) * torch.eye(8)
    torch.testing.assert_close(
        prior.covariance, torch.cov(LATENTS.T, correction=0) + variance, rtol=1e-4, atol=1e-4, check_dtype=False
    )


def test_samples_have_its_moments(prior):
    samples = prior.sample(20000, seed=1).double()
    spread = prior.covariance.diagonal().sqrt()
    assert ((samples.mean(0) - prior.mean).abs() / spread).max() < 0.03
    correlation = torch.cov(samples.T) / torch.outer(spread, spread)
    assert (correlation - prior.covariance / torch.outer(spread, spread)).abs().max() < 0.04


def test_a_sample_is_the_same_however_many_are_asked_for(prior):
    assert torch.equal(prior.sample(3, seed=7), prior.sample(50, seed=7)[:3])
    assert not torch.equal(prior.sample(3, seed=7), prior.sample(3, seed=8))


def test_truncation_draws_towards_the_mean(prior):
    whole, half = prior.sample(10, seed=1), prior.sample(10, seed=1, truncation=0.5)
    torch.testing.assert_close(half - prior.mean.float(), 0.5 * (whole - prior.mean.float()), rtol=1e-4, atol=1e-5)
    assert torch.allclose(prior.sample(2, seed=1, truncation=0.0), prior.mean.float())


def test_likelihood_and_distance(prior):
    gaussian = torch.distributions.MultivariateNormal(prior.mean, prior.covariance)
    torch.testing.assert_close(prior.negative_log_likelihood(LATENTS), -gaussian.log_prob(LATENTS))
    assert prior.distance(prior.mean[None]).item() == 0
    assert prior.distance(prior.sample(2000, seed=3)).square().mean().item() == pytest.approx(1, abs=0.05)


def test_a_round_trip_gives_the_same_samples(prior, tmp_path):
    prior.save_pretrained(tmp_path)
    loaded = GaussianPrior.from_pretrained(tmp_path)
    assert torch.equal(loaded.sample(5, seed=2), prior.sample(5, seed=2))
    assert loaded.weights_sha256 == "ab" * 32
    with pytest.raises(ValueError, match="prior belongs to weights abab"):
        loaded.check_weights("cd" * 32)


def test_a_singular_covariance_is_refused():
    with pytest.raises(ValueError, match="not positive definite"):
        GaussianPrior(torch.zeros(2), torch.ones(2, 2) - torch.eye(2))
