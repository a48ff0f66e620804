"""What a model has beside its trained weights: directions, prior, alignment and usual errors, fitted to pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from typing import Any

import torch
from torch import Tensor

from modeling_vae.data import PictureData, labelled_batches
from modeling_vae.model.attribute_directions import AttributeDirections
from modeling_vae.model.image_processing_image_vae import VAEImageProcessor
from modeling_vae.model.modeling_image_vae import VAEModel
from modeling_vae.model.tensor_files import weights_sha256
from modeling_vae.parts import Parts
from modeling_vae.photos.alignment import FaceAlignment
from modeling_vae.processes import done_by_all, share
from modeling_vae.progress import batches
from modeling_vae.recipes.recipe import Recipe

from .fit_directions import fit_directions
from .fit_errors import measure_errors
from .fit_prior import fit_prior
from .fit_seen import fit_seen
from .latent_passes import read_held_out, read_training
from .learn import Learnt

BATCH = 256


def fit(model: VAEModel, recipe: Recipe, data: PictureData, learnt: Learnt) -> tuple[Parts, dict[str, Any]]:
    """Everything that a pipeline has beside the trained weights, fitted to the pictures.

    Args:
        model: the running average of a finished run, float32 on the CPU; its weights are rounded to what is stored.
        recipe: that it was trained by.
        data: its pictures.
        learnt: from the same pictures.

    Returns:
        The parts, and what evaluation.json says about the fits.
    """
    storage = round_weights(model)
    sha256 = weights_sha256(model.state_dict())
    training = read_training(
        model,
        _pictures(data.train, "Reading the training pictures' latents", share()),
        recipe.columns,
        mirrored=recipe.data.augment.horizontal_flip,
        share=share(),
    )
    held_out = read_held_out(
        model, _pictures(data.validation, "Reading the held-out pictures' latents"), recipe.columns
    )
    leave_out = recipe.publish.leave_out
    prior, fitted = done_by_all(
        lambda: fit_prior(training, held_out, weights_sha256=sha256, leave_out=leave_out),
        lambda: fit_directions(training.moments, held_out, weights_sha256=sha256, leave_out=leave_out),
    )
    directions: AttributeDirections = fitted.directions
    said: dict[str, Any] = {}
    if len(directions) and learnt.judge is not None:
        directions, prior, said = fit_seen(model, directions, prior, data, recipe.columns, learnt.judge)
    pictures = _pictures(data.validation, "Measuring the usual error of reconstructions")
    parts = Parts(
        model=model,
        processor=processor_of(model, recipe, learnt.aligned.alignment),
        directions=directions,
        prior=prior,
        alignment=learnt.aligned.alignment,
        errors=measure_errors(model, pictures, sha256),
        sha256=sha256,
        storage_dtype=storage,
    )
    return parts, {
        "directions": {"shrinkage": fitted.shrinkage, "refused": fitted.refused, **said},
        "prior": {"flow": prior.velocity is not None},
        "alignment": learnt.aligned.report,
    }


def processor_of(model: VAEModel, recipe: Recipe, alignment: FaceAlignment | None = None) -> VAEImageProcessor:
    """The processor of the pictures that a recipe trains a model on; with an alignment, it wants faces."""
    height, width = model.config.height_and_width
    crop = recipe.data.crop if isinstance(recipe.data.crop, str) else "center"
    return VAEImageProcessor(
        size={"height": height, "width": width},
        num_channels=model.config.num_channels,
        crop="face" if alignment is not None else crop,
    )


def round_weights(model: VAEModel) -> torch.dtype:
    """Give the weights the values that they will have when they are read back, and return what they are stored as.

    That is half precision (they are loaded as float32 all the same, as the configuration says), or float32 where a
    weight is too large for it.
    """
    weights = [w for w in [*model.parameters(), *model.buffers()] if w.is_floating_point()]
    if not all(weight.half().isfinite().all() for weight in weights):
        return torch.float32
    for weight in weights:
        weight.data = weight.data.half().to(weight.dtype)
    return torch.float16


def _pictures(split: Any, purpose: str, share: tuple[int, int] = (0, 1)) -> Iterator[tuple[Tensor, dict[str, Any]]]:
    """The pictures of a split, or of a share of it, with their labels, in batches, announced."""
    total = -(-len(split) // (BATCH * share[1])) if isinstance(split, Sized) else None
    return batches(labelled_batches(split, BATCH, share=share), purpose, total)
