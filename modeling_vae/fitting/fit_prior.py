"""The prior of a trained model: a mixture of Gaussians fitted to draws from its training pictures' posteriors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from modeling_vae.model.latent_moments import LatentMoments
from modeling_vae.model.modeling_image_vae import VAEModel
from modeling_vae.model.priors import MixturePrior
from modeling_vae.passes import posteriors

from .mixture import fit_mixture
from .random_rows import RandomRows

Batches = Iterable[tuple[Tensor, Any]]
"""pixel_values [N, C, H, W], with labels that are not looked at."""

MOST = 30_000
"""Latents that a mixture is fitted to, drawn at random; one Gaussian is fitted to all of them."""


@torch.inference_mode()
def fit_prior(
    model: VAEModel,
    training: Batches,
    held_out: Batches,
    *,
    weights_sha256: str,
    mirrored: bool = False,
    most_gaussians: int = 64,
) -> MixturePrior:
    """As many Gaussians as held-out pictures ask for: one, where there are few pictures.

    Args:
        model: whose latents these are.
        training, held_out: pictures.
        weights_sha256: of the model's weights.
        mirrored: the model was trained on mirrored pictures too, so that they count here as well.
        most_gaussians: each takes D^2 / 2 numbers of the published folder.
    """
    generator = torch.Generator().manual_seed(0)
    width = model.config.latent_dim
    moments = LatentMoments.empty(width, {})
    draws = RandomRows(MOST, torch.Generator().manual_seed(1))
    for posterior in posteriors(model, _with_mirrored(training, mirrored)):
        moments.update(posterior.mean, posterior.logvar, {})
        draws.add(posterior.sample(generator))
    gaussian = MixturePrior.from_moments(moments, weights_sha256)
    if moments.count < 2 * width:
        return gaussian
    unseen = [posterior.sample(generator) for posterior in posteriors(model, _with_mirrored(held_out, False))]
    # in float64, as a nearly certain encoder leaves variances that float32 cannot tell from 0 beside the others
    mixture = fit_mixture(draws.chosen().double(), torch.cat(unseen).double(), most_gaussians)
    if len(mixture.weights) == 1:
        return gaussian
    return MixturePrior(mixture.weights, mixture.means, mixture.factors, weights_sha256)


def _with_mirrored(batches: Batches, mirrored: bool) -> Iterator[Tensor]:
    for pixel_values, _ in batches:
        yield pixel_values
        if mirrored:
            yield pixel_values.flip(3)
