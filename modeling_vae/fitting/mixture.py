"""A mixture of Gaussians fitted to latents by expectation maximisation, as large as held-out latents ask for."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import torch
from torch import Tensor

from modeling_vae.model.priors import log_densities

logger = logging.getLogger(__name__)

ITERATIONS = 15
AXES = 16
"""Leading principal axes in which the components are sought at first."""


@dataclass(frozen=True)
class Mixture:
    """K Gaussians in D dimensions.

    Args:
        weights: [K], sum 1.
        means: [K, D].
        factors: [K, D, D], lower Cholesky factors of their covariances.
    """

    weights: Tensor
    means: Tensor
    factors: Tensor

    def log_likelihood(self, latents: Tensor) -> float:
        """Mean log density of latents [N, D], nats."""
        return float(self.log_densities(latents).logsumexp(1).mean())

    def log_densities(self, latents: Tensor) -> Tensor:
        """See `priors.log_densities`: [N, K]."""
        return log_densities(latents, self.weights, self.means, self.factors)


def fit_mixture(latents: Tensor, held_out: Tensor, most: int = 64, seed: int = 0) -> Mixture:
    """The mixture of 1, 2, 4, ... Gaussians beyond which held-out latents become no likelier.

    Args:
        latents: [N, D], float32 or float64; more than D of them.
        held_out: [M, D].
        most: no more Gaussians than these.
        seed: of where the components start.
    """
    mean, covariance = latents.mean(0), torch.cov(latents.T, correction=0)
    best = Mixture(torch.ones(1).to(latents), mean[None], torch.linalg.cholesky(covariance)[None])
    reached = best.log_likelihood(held_out)
    logger.info("One Gaussian: %.1f nats on held-out latents.", reached)
    count = 2
    while count <= min(most, len(latents) // latents.shape[1]):
        mixture = _expectation_maximisation(latents, _groups(latents, covariance, count, seed))
        likelihood = mixture.log_likelihood(held_out)
        logger.info("%d Gaussians: %.1f nats.", count, likelihood)
        if likelihood <= reached:
            break
        best, reached, count = mixture, likelihood, 2 * count
    return best


def _expectation_maximisation(latents: Tensor, shares: Tensor) -> Mixture:
    """From the share of each latent that each component has at first, [N, K]."""
    for _ in range(ITERATIONS):
        mixture = _maximised(latents, shares)
        shares = mixture.log_densities(latents).softmax(1)
    return mixture


def _maximised(latents: Tensor, shares: Tensor) -> Mixture:
    """Weights, means and covariances of the components' shares.

    A component alone has too few latents for D^2 / 2 numbers. So each covariance is drawn towards the mean of all,
    which counts for twice as many latents as there are dimensions, as under an inverse Wishart prior.
    """
    shares = shares[:, shares.sum(0) > 0]  # k-means may leave a group empty
    counts, strength = shares.sum(0), 2 * latents.shape[1]
    weights, means = counts / counts.sum(), shares.T @ latents / counts[:, None]
    scatters = []
    for share, mean in zip(shares.T, means, strict=True):
        centred = latents - mean
        scatters.append((centred * share[:, None]).T @ centred)
    scatter = torch.stack(scatters)
    pooled = scatter.sum(0) / counts.sum()
    covariances = (scatter + strength * pooled) / (counts + strength)[:, None, None]
    return Mixture(weights, means, torch.linalg.cholesky(covariances))


def _groups(latents: Tensor, covariance: Tensor, count: int, seed: int) -> Tensor:
    """k-means along the leading principal axes: one-hot [N, K]."""
    axes = torch.linalg.eigh(covariance).eigenvectors[:, -AXES:]
    points = latents @ axes
    order = torch.randperm(len(points), generator=torch.Generator().manual_seed(seed))
    centres = points[order[:count]]
    for _ in range(20):
        nearest = torch.cdist(points, centres).argmin(1)
        groups = torch.nn.functional.one_hot(nearest, count).to(points)
        sums, sizes = groups.T @ points, groups.sum(0)[:, None]
        centres = torch.where(sizes > 0, sums / sizes.clamp_min(1), centres)
    return groups
