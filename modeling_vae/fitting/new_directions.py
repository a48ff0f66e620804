"""Directions of columns that a finished model has not seen: its weights stay, and so do the directions that it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modeling_vae.data import PictureData, labelled_batches
from modeling_vae.model.attribute_directions import AttributeDirections
from modeling_vae.model.latent_moments import LatentMoments
from modeling_vae.model.modeling_image_vae import VAEModel
from modeling_vae.progress import batches

from .fit_directions import fit_directions, measured
from .latent_passes import latent_moments, read_held_out

BATCH = 256


@dataclass(frozen=True)
class NewDirections:
    """What was found.

    Args:
        directions: of the new columns alone, with figures of held-out pictures.
        refused: names without a direction, and why.
    """

    directions: AttributeDirections
    refused: Mapping[str, str]


def read_moments(
    model: VAEModel, data: PictureData, columns: dict[str, str], share: tuple[int, int] = (0, 1)
) -> LatentMoments:
    """The sums over the training pictures, or over a share of them, see `labelled_batches`."""
    pictures = labelled_batches(data.train, BATCH, share=share)
    return latent_moments(model, batches(pictures, "Reading latents of the pictures to learn from"), columns)


def new_directions(
    model: VAEModel, known: AttributeDirections | None, moments: LatentMoments, data: PictureData, sha256: str
) -> NewDirections:
    """Directions of the columns that moments are of, measured on held-out pictures.

    Where the model has directions, mean and covariance of these stay, for they are of the pictures that it was
    trained on: a few hundred of somebody's own say little of how latents lie.

    Args:
        model: whose latents they are of.
        known: directions that it has.
        moments: of the pictures that are learnt from.
        data: its held-out pictures, with the columns, are measured on.
        sha256: of the model's weights.
    """
    pictures = batches(labelled_batches(data.validation, BATCH), "Reading latents of the pictures to measure on")
    held_out = read_held_out(model, pictures, moments.kinds)
    fitted = fit_directions(moments, held_out, weights_sha256=sha256)
    found = fitted.directions
    if known is None or not len(known) or not len(found):
        return NewDirections(found, fitted.refused)
    moved = AttributeDirections(
        found.directions.values(), found.differences, known.mean, known.covariance, found.groups, sha256
    )
    return NewDirections(measured(moved, held_out), fitted.refused)


def added(known: AttributeDirections | None, new: AttributeDirections) -> AttributeDirections:
    """The known directions and new ones, which take the place of those of the same name."""
    if known is None or not len(known):
        return new
    columns = {direction.column for direction in new.directions.values()}
    kept = [name for name, direction in known.directions.items() if direction.column not in columns]
    rows = [known.names.index(name) for name in kept]
    groups = {name: mean for name, mean in known.groups.items() if _column(name) not in columns}
    old = AttributeDirections(
        [known.directions[name] for name in kept],
        known.differences[rows],
        known.mean,
        known.covariance,
        groups,
        known.weights_sha256,
    )
    return old.joined(new)


def _column(group: str) -> str:
    return group.partition(":")[0]
