"""The terms of the ELBO against torch.distributions in float64."""

import math

import pytest
import torch
from torch.distributions import Bernoulli, Laplace, Normal, kl_divergence

from modeling_vae.model import elbo

SHAPE = (3, 2, 4, 5)


@pytest.fixture
def pictures():
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(SHAPE, generator=generator, dtype=torch.float64) * 0.98 + 0.01 for _ in range(2)]


def test_bernoulli(pictures):
    reconstruction, x = pictures
    expected = -Bernoulli(probs=reconstruction, validate_args=False).log_prob(x).sum((1, 2, 3))
    torch.testing.assert_close(elbo.reconstruction_nll(reconstruction, x, "bernoulli"), expected)


@pytest.mark.parametrize("variance", [0.01, 1.0, 7.0])
def test_fixed_variance(pictures, variance):
    reconstruction, x = pictures
    gaussian = -Normal(reconstruction, math.sqrt(variance)).log_prob(x).sum((1, 2, 3))
    torch.testing.assert_close(elbo.reconstruction_nll(reconstruction, x, "gaussian", variance), gaussian)
    laplace = Laplace(reconstruction, math.sqrt(variance / 2))  # a Laplace distribution of scale b has variance 2 b^2
    assert laplace.variance.unique().item() == pytest.approx(variance)
    nll = elbo.reconstruction_nll(reconstruction, x, "laplace", variance)
    torch.testing.assert_close(nll, -laplace.log_prob(x).sum((1, 2, 3)))


@pytest.mark.parametrize("likelihood", ["gaussian", "laplace"])
def test_the_optimal_variance_is_optimal(pictures, likelihood):
    """No other variance gives the batch a greater likelihood."""
    best = elbo.optimal_variance(*pictures, likelihood)
    least = elbo.reconstruction_nll(*pictures, likelihood, "optimal").mean()
    torch.testing.assert_close(elbo.reconstruction_nll(*pictures, likelihood, best).mean(), least)
    for factor in (0.5, 0.99, 1.01, 2.0):
        assert elbo.reconstruction_nll(*pictures, likelihood, factor * best).mean() > least


def test_a_perfect_reconstruction_has_a_finite_likelihood(pictures):
    x = pictures[1]
    for likelihood in ("gaussian", "laplace"):
        assert elbo.reconstruction_nll(x, x, likelihood, "optimal").isfinite().all()


def test_kl():
    generator = torch.Generator().manual_seed(1)
    mean, logvar = torch.randn(2, 5, 7, generator=generator, dtype=torch.float64)
    posterior = Normal(mean, (0.5 * logvar).exp())
    prior = Normal(torch.zeros_like(mean), torch.ones_like(mean))
    torch.testing.assert_close(elbo.kl_divergence(mean, logvar), kl_divergence(posterior, prior))
    assert elbo.kl_divergence(torch.zeros(2, 3), torch.zeros(2, 3)).eq(0).all()


def test_free_bits_count_the_mean_of_each_dimension():
    kl = torch.tensor([[0.0, 3.0], [1.0, 5.0]])
    assert elbo.free_bits(kl, 0.0) == kl.sum(1).mean() == 4.5
    assert elbo.free_bits(kl, 1.0) == 1.0 + 4.0  # the first dimension's mean, 0.5, counts for 1
    assert elbo.free_bits(kl, 10.0) == 20.0


def test_free_bits_leave_a_cheap_dimension_alone():
    kl = torch.tensor([[0.1, 3.0]], requires_grad=True)
    elbo.free_bits(kl, 1.0).backward()
    assert kl.grad.tolist() == [[0.0, 1.0]]


def test_half_precision_is_summed_in_float32(pictures):
    low = [picture.to(torch.bfloat16) for picture in pictures]
    nll = elbo.reconstruction_nll(*low, "gaussian", 0.1)
    assert nll.dtype == torch.float32
    torch.testing.assert_close(nll, elbo.reconstruction_nll(*(x.float() for x in low), "gaussian", 0.1))


def test_an_unknown_likelihood_is_refused(pictures):
    with pytest.raises(ValueError, match="likelihood='poisson'.*'bernoulli'"):
        elbo.reconstruction_nll(*pictures, "poisson", 1.0)
