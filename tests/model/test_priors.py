"""The fitted prior."""

import pytest
import torch
from tiny import labelled_latents, moments_of

from modeling_vae import MixturePrior
from modeling_vae.model.priors import log_densities

LATENTS, LABELS = labelled_latents()


@pytest.fixture
def prior() -> MixturePrior:
    return MixturePrior.from_moments(moments_of(LATENTS, LABELS), "ab" * 32)


def test_it_has_the_moments_of_the_aggregate_posterior(prior):
    torch.testing.assert_close(prior.mean, LATENTS.mean(0), rtol=1e-5, atol=1e-6)
    variance = torch.exp(torch.tensor(-4.0)) * torch.eye(8)
    torch.testing.assert_close(
        prior.covariance, torch.cov(LATENTS.T, correction=0) + variance, rtol=2e-3, atol=2e-3, check_dtype=False
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


def test_truncation_shrinks_the_distance_from_the_own_gaussian_in_its_metric(mixture):
    whole, half, none = (mixture.sample(200, seed=1, truncation=t).double() for t in (1.0, 0.5, 0.0))
    own = torch.cdist(none, mixture.means).argmin(1)
    assert torch.allclose(none, mixture.means[own], atol=1e-6)
    assert own.unique().numel() == len(mixture.means)
    components = torch.distributions.MultivariateNormal(mixture.means[own], scale_tril=mixture.factors[own])
    at_centre = components.log_prob(mixture.means[own])
    distances = [(at_centre - components.log_prob(z)).mul(2).sqrt() for z in (whole, half)]  # Mahalanobis
    torch.testing.assert_close(distances[1], 0.5 * distances[0], rtol=1e-3, atol=1e-4)


@pytest.fixture
def mixture() -> MixturePrior:
    generator = torch.Generator().manual_seed(0)
    factors = torch.eye(3) + 0.3 * torch.randn(3, 3, 3, generator=generator).tril(-1)
    return MixturePrior(torch.tensor([1.0, 3.0, 4.0]), 4 * torch.randn(3, 3, generator=generator), factors)


def test_the_likelihood_of_a_mixture_is_that_of_torch(mixture):
    components = torch.distributions.MultivariateNormal(mixture.means, scale_tril=mixture.factors)
    expected = torch.distributions.MixtureSameFamily(torch.distributions.Categorical(mixture.weights), components)
    latents = 3 * torch.randn(50, 3, generator=torch.Generator().manual_seed(1)).double()
    densities = log_densities(latents, mixture.weights, mixture.means, mixture.factors)
    torch.testing.assert_close(densities.logsumexp(1), expected.log_prob(latents))
    torch.testing.assert_close(mixture.mean, expected.mean)
    torch.testing.assert_close(mixture.covariance.diagonal(), expected.variance)


def test_samples_of_a_mixture_come_from_its_components_as_often_as_their_weights(mixture):
    samples = mixture.sample(20000, seed=1)
    torch.testing.assert_close(samples.double().mean(0), mixture.mean, atol=0.1, rtol=0)
    torch.testing.assert_close(torch.cov(samples.T.double()), mixture.covariance, atol=0.3, rtol=0.03)
    nearest = torch.cdist(samples.double(), mixture.means).argmin(1)
    shares = torch.bincount(nearest, minlength=3) / 20000
    torch.testing.assert_close(shares.double(), torch.tensor([1.0, 3, 4]).double() / 8, atol=0.03, rtol=0)
    assert torch.equal(mixture.sample(3, seed=7), mixture.sample(50, seed=7)[:3])


def test_a_round_trip_gives_the_same_samples(prior, mixture, tmp_path):
    for i, each in enumerate((prior, mixture)):
        each.save_pretrained(tmp_path / str(i))
        loaded = MixturePrior.from_pretrained(tmp_path / str(i))
        assert torch.equal(loaded.sample(5, seed=2), each.sample(5, seed=2))
    loaded = MixturePrior.from_pretrained(tmp_path / "0")
    assert loaded.weights_sha256 == "ab" * 32
    with pytest.raises(ValueError, match="prior belongs to weights abab"):
        loaded.check_weights("cd" * 32)


def test_the_widest_latent_makes_a_round_trip(tmp_path):
    wide = MixturePrior(torch.ones(1), torch.zeros(1, 1024), torch.eye(1024)[None], "ab" * 32)
    wide.save_pretrained(tmp_path)
    assert torch.equal(MixturePrior.from_pretrained(tmp_path).factors, wide.factors)


def test_a_covariance_that_is_singular_is_refused():
    with pytest.raises(ValueError, match="full rank"):
        MixturePrior(torch.ones(1), torch.zeros(1, 2), torch.zeros(1, 2, 2))
    with pytest.raises(ValueError, match="positive weights"):
        MixturePrior(torch.tensor([1.0, 0.0]), torch.zeros(2, 2), torch.eye(2).expand(2, 2, 2))
