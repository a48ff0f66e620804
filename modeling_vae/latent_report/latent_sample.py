"""The latents that a report is about: those of many pictures, with their labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from modeling_vae.data import PictureData, labelled_batches
from modeling_vae.model.latents import sample_noise
from modeling_vae.model.modeling_image_vae import VAEModel
from modeling_vae.passes import posteriors
from modeling_vae.progress import batches

MOST = 20_000
BATCH = 128


@dataclass(frozen=True)
class LatentSample:
    """Posteriors of N pictures, and what is known of these.

    Args:
        means, logvars: [N, D], float32.
        labels: column -> N values, None where nobody said.
    """

    means: Tensor
    logvars: Tensor
    labels: Mapping[str, Sequence[Any]]

    @classmethod
    def of(cls, model: VAEModel, data: PictureData, columns: Sequence[str], most: int = MOST) -> LatentSample:
        """The held-out pictures of a data set and, as far as there is room, training pictures.

        Raises:
            ValueError: there are fewer than 2.
        """
        held_out = labelled_batches(data.validation, BATCH, most)
        means: list[Tensor] = []
        logvars: list[Tensor] = []
        labels: dict[str, list[Any]] = {column: [] for column in columns}
        room = most
        both = chain(held_out, labelled_batches(data.train, BATCH, most))
        for pixel_values, of_batch in batches(both, "Reading latents, for the report on them"):
            pixel_values = pixel_values[:room]
            for posterior in posteriors(model, [pixel_values]):
                means.append(posterior.mean)
                logvars.append(posterior.logvar)
            for column, values in labels.items():
                values += of_batch[column][: len(pixel_values)]
            room -= len(pixel_values)
            if not room:
                break
        if most - room < 2:
            raise ValueError(f"A report on latents needs 2 pictures or more: there is {most - room}.")
        return cls(torch.cat(means), torch.cat(logvars), labels)

    def draw(self, seed: int = 0) -> Tensor:
        """One latent of each picture's posterior, [N, D] float64: together they are the aggregate posterior."""
        noise = sample_noise(len(self.means), self.means.shape[1], seed).double()
        result: Tensor = self.means.double() + noise * (self.logvars.double() / 2).exp()
        return result
