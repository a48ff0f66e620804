"""The prior fitted to a model's latents: as many Gaussians as held-out latents ask for."""

import pytest
import torch
from tiny import tiny_model, two_kinds

from modeling_vae.fitting.fit_prior import fit_prior
from modeling_vae.fitting.latent_passes import read_held_out, read_training
from modeling_vae.fitting.mixture import fit_mixture
from modeling_vae.model.modeling_image_vae import VAEModel
from modeling_vae.model.priors import MixturePrior, log_densities


def clusters(count: int, seed: int) -> torch.Tensor:
    """Two clouds in 4 dimensions, the second twice as often, with covariances that differ."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(count, 4, generator=generator)
    second = torch.arange(count) % 3 > 0
    stretched = noise * torch.tensor([1.0, 2.0, 1.0, 0.5])
    return torch.where(second[:, None], 6 + stretched, noise)


def fitted_to(
    model: VAEModel, training, held_out, sha256: str = "", mirrored: bool = False, **options
) -> MixturePrior:
    found = read_training(model, training, {}, mirrored=mirrored)
    return fit_prior(found, read_held_out(model, held_out, {}), weights_sha256=sha256, **options)


def test_groups_that_are_empty_at_first_are_left_out():
    """Half of the latents are one and the same: several centres begin there, and all but one have no latents."""
    latents = torch.randn(3000, 4, generator=torch.Generator().manual_seed(0)).double()
    latents[::2] = 5.0
    mixture = fit_mixture(latents, latents[:600])
    assert len(mixture.weights) >= 2
    assert mixture.means.isfinite().all() and mixture.factors.isfinite().all()


def test_two_clouds_are_found_again():
    mixture = fit_mixture(clusters(3000, 0), clusters(600, 1))
    assert len(mixture.weights) == 2
    order = mixture.means[:, 0].argsort()
    torch.testing.assert_close(mixture.weights[order], torch.tensor([1 / 3, 2 / 3]), atol=0.01, rtol=0)
    expected = torch.tensor([[0.0], [6.0]]).expand(2, 4)
    torch.testing.assert_close(mixture.means[order], expected, atol=0.15, rtol=0)
    deviations = mixture.factors[order].square().sum(2).sqrt()
    torch.testing.assert_close(deviations[1], torch.tensor([1.0, 2.0, 1.0, 0.5]), atol=0.1, rtol=0)


def test_there_are_no_more_gaussians_than_are_allowed():
    grid = 10 * torch.cartesian_prod(torch.arange(4.0), torch.arange(4.0))  # 16 clouds
    noise = torch.randn(4000, 2, generator=torch.Generator().manual_seed(0))
    latents = grid[torch.arange(4000) % 16] + noise
    assert [len(fit_mixture(latents, latents[:800], most).weights) for most in (1, 4, 7)] == [1, 4, 4]
    assert len(fit_mixture(latents, latents[:800]).weights) >= 16


def test_one_cloud_stays_one_gaussian():
    generator = torch.Generator().manual_seed(0)
    mixture = fit_mixture(torch.randn(3000, 4, generator=generator), torch.randn(600, 4, generator=generator))
    assert len(mixture.weights) == 1


def test_pictures_of_two_kinds_get_two_gaussians_and_samples_between_none():
    model = tiny_model()
    torch.nn.init.constant_(model.to_posterior.bias[8:], -10.0)  # all but certain
    prior = fitted_to(model, two_kinds(1200, 1), two_kinds(300, 2), "ab" * 32, mirrored=True)
    assert len(prior.weights) >= 2 and prior.weights_sha256 == "ab" * 32
    limited = fitted_to(model, two_kinds(1200, 1), two_kinds(300, 2), most_gaussians=1)
    assert len(limited.weights) == 1
    one = fitted_to(model, two_kinds(12, 1), two_kinds(12, 2))
    assert len(one.weights) == 1
    with torch.no_grad():
        unseen = torch.cat([model.encode(pixels).mean for pixels, _ in two_kinds(300, 3)])
    likelihoods = [
        log_densities(unseen.double(), found.weights, found.means, found.factors).logsumexp(1).mean()
        for found in (prior, one)
    ]
    assert likelihoods[0] > likelihoods[1] + 1


def test_an_encoder_that_is_all_but_certain_and_uses_few_dimensions_gets_a_prior():
    model = tiny_model()
    with torch.no_grad():
        model.to_posterior.weight[2:] = 0
        model.to_posterior.bias[8:] = -20.0
    prior = fitted_to(model, two_kinds(640, 1), two_kinds(128, 2))
    assert prior.sample(4, seed=0).isfinite().all()


def test_few_pictures_get_one_gaussian():
    prior = fitted_to(tiny_model(), two_kinds(12, 1), two_kinds(4, 2))
    assert len(prior.weights) == 1 and prior.sample(2, seed=0).shape == (2, 8)
    with pytest.raises(ValueError, match="weights"):
        prior.check_weights("cd" * 32)
