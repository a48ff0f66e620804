"""The prior of a trained model: a mixture of Gaussians fitted to draws from its training pictures' posteriors."""

from __future__ import annotations

import torch

from modeling_vae.model.priors import MixturePrior

from .latent_passes import HeldOut, TrainingLatents
from .mixture import fit_mixture

SEED = 2**32
"""Of the draws from held-out pictures' posteriors: none of those that draw from the training pictures'."""


@torch.inference_mode()
def fit_prior(
    training: TrainingLatents, held_out: HeldOut, *, weights_sha256: str, most_gaussians: int = 64
) -> MixturePrior:
    """As many Gaussians as held-out pictures ask for: one, where there are few pictures.

    One is fitted to all posteriors, several to the draws.

    Args:
        training, held_out: of one model.
        weights_sha256: of its weights.
        most_gaussians: each takes D^2 / 2 numbers of the published folder.
    """
    moments = training.everything
    gaussian = MixturePrior.from_moments(moments, weights_sha256)
    if moments.count < 2 * len(moments.total):
        return gaussian
    unseen = held_out.posterior.sample(torch.Generator().manual_seed(SEED))
    # in float64, as a nearly certain encoder leaves variances that float32 cannot tell from 0 beside the others
    mixture = fit_mixture(training.draws.chosen().double(), unseen.double(), most_gaussians)
    if len(mixture.weights) == 1:
        return gaussian
    return MixturePrior(mixture.weights, mixture.means, mixture.factors, weights_sha256)
