"""The edit term: what an edit says of a latent, its picture shall show, and the encoder shall read it there again.

Directions of attributes come after the training, but whether a picture can follow them is decided in it: a decoder
that never saw latents so far out along a direction shows half of what was asked, or something else as well. So the
readouts of `modeling_vae.model.attribute_directions` are computed all along, from running moments, and samples are
moved along them before they are decoded.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from modeling_vae.recipes.objective_recipe import Edits

from .batch import Batch, Term
from .running_readouts import Edited, RunningReadouts


class EditTerm(Term):
    """Of how far what probes see, and what the encoder reads, in edited samples is from what their latents say.

    Args:
        recipe: weights, strength and start.
        latent_dim: D.
        columns: the column of each attribute, A of them.
    """

    def __init__(self, recipe: Edits, latent_dim: int, columns: Sequence[str]) -> None:
        super().__init__(recipe.weight, recipe.start_ratio)
        self.reencoding_weight, self.strength = recipe.reencoding_weight, recipe.strength
        self.readouts = RunningReadouts(latent_dim, columns)

    def observe(self, batch: Batch) -> None:
        """Take the pictures' latents, and what probes saw in them, into the readouts."""
        if batch.seen is not None:
            self.readouts.update(batch.latents, batch.seen)

    def move(self, latents: Tensor) -> Edited | None:
        """Latents [n, D] moved along the readouts as of now; None as long as there are none. Outside autocast."""
        readouts = self.readouts.fit()
        return readouts.edit(latents, self.strength) if readouts is not None else None

    def forward(self, batch: Batch) -> Tensor:
        edited, samples = batch.edited, batch.samples
        if edited is None or samples is None or batch.probes is None:
            return batch.pixel_values.new_zeros(())
        encoded = batch.model.encode(samples).mean
        with torch.autocast(samples.device.type, enabled=False):
            wanted = edited.answers
            reencoding = edited.mean((edited.readouts.values(encoded) - edited.values).square())
        edits = edited.mean(batch.probes.asked(samples, wanted))  # the probes compute as autocast says
        batch.note(edits=edits, reencoding=reencoding)
        return self.weight * edits + self.reencoding_weight * reencoding
