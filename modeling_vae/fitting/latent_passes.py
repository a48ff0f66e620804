"""The passes that directions and priors are fitted to: one over the training pictures, one over held-out ones.

Several processes share them out. Sums over the training pictures differ by that in the order of their addition alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from modeling_vae.model.label_code import names_said
from modeling_vae.model.latent_moments import LatentMoments
from modeling_vae.model.modeling_image_vae import VAEModel
from modeling_vae.model.posterior import DiagonalGaussian
from modeling_vae.passes import posterior_of
from modeling_vae.processes import each, gathered

from .random_rows import RandomRows

Batches = Iterable[tuple[Tensor, Mapping[str, Sequence[Any]]]]
"""pixel_values [N, C, H, W] with N label values (or None) for each column."""

MOST = 30_000
"""Draws that are kept of the training pictures' posteriors."""


@dataclass
class TrainingLatents:
    """What is taken from the training pictures' posteriors.

    Args:
        moments: sums over the pictures, with their labels.
        everything: sums over the pictures and, where the model was trained on these too, their mirror images.
        draws: latents drawn from all these posteriors, a random choice where there are many, with what their labels
            say, see `names_said`; of mirror images, which may face the other way, nobody said anything.
    """

    moments: LatentMoments
    everything: LatentMoments
    draws: RandomRows

    def merge(self, other: TrainingLatents) -> TrainingLatents:
        """Of both sets of pictures together."""
        everything = self.everything.merge(other.everything)
        return TrainingLatents(self.moments.merge(other.moments), everything, self.draws.merge(other.draws))


@dataclass(frozen=True)
class HeldOut:
    """Posteriors of N held-out pictures, and N labels for each column."""

    posterior: DiagonalGaussian
    labels: dict[str, list[Any]]


@torch.inference_mode()
def latent_moments(model: VAEModel, batches: Batches, attributes: dict[str, str]) -> LatentMoments:
    """The sums over all pictures, in one pass; memory does not grow with their number."""
    moments = LatentMoments.empty(model.config.latent_dim, attributes)
    for pixel_values, labels in batches:
        posterior = posterior_of(model, pixel_values)
        moments.update(posterior.mean, posterior.logvar, labels)
    return moments


@torch.inference_mode()
def read_training(
    model: VAEModel,
    batches: Batches,
    attributes: dict[str, str],
    *,
    mirrored: bool = False,
    share: tuple[int, int] = (0, 1),
) -> TrainingLatents:
    """What the batches of all processes give together; memory does not grow with their number.

    Args:
        model: whose latents these are.
        batches: those of this process's share.
        attributes: column -> kind.
        mirrored: the model was trained on mirrored pictures too.
        share: see `labelled_batches`. What is drawn for a batch depends on its number among those of all shares.
    """
    empty = LatentMoments.empty(model.config.latent_dim, {})
    found = TrainingLatents(LatentMoments.empty(model.config.latent_dim, attributes), empty, RandomRows(MOST))
    for number, (pixel_values, labels) in zip(itertools.count(*share), batches, strict=False):
        generator = torch.Generator().manual_seed(number)
        views = [pixel_values, pixel_values.flip(3)] if mirrored else [pixel_values]
        posteriors = [posterior_of(model, pictures) for pictures in views]
        found.moments.update(posteriors[0].mean, posteriors[0].logvar, labels)
        said: list[tuple[str, ...]] = names_said(labels, attributes, len(pixel_values))
        untold: list[tuple[str, ...]] = [()] * len(said)
        for posterior, notes in zip(posteriors, (said, untold), strict=False):
            found.everything.update(posterior.mean, posterior.logvar, {})
            found.draws.add(posterior.sample(generator), generator, notes)
    return reduce(TrainingLatents.merge, gathered(found))


def read_held_out(model: VAEModel, batches: Batches, attributes: dict[str, str]) -> HeldOut:
    """The posteriors of all pictures, which all processes are given the same of."""

    def read(batch: tuple[Tensor, Mapping[str, Sequence[Any]]]) -> tuple[DiagonalGaussian, dict[str, list[Any]]]:
        return posterior_of(model, batch[0]), {column: list(batch[1][column]) for column in attributes}

    found = each(read, batches)
    empty = torch.zeros(0, model.config.latent_dim)
    means, logvars = (
        torch.cat([empty, *(getattr(posterior, name) for posterior, _ in found)]) for name in ("mean", "logvar")
    )
    labels = {column: [value for _, batch in found for value in batch[column]] for column in attributes}
    return HeldOut(DiagonalGaussian(means, logvars), labels)
