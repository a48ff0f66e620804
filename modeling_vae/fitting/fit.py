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
from modeling_vae.model.priors import MixturePrior
from modeling_vae.model.tensor_files import weights_sha256
from modeling_vae.parts import Parts
from modeling_vae.photos.alignment import FaceAlignment
from modeling_vae.progress import batches
from modeling_vae.recipes.recipe import Recipe

from .fit_alignment import HELD_OUT, MOST_PICTURES, FittedAlignment, fit_alignment
from .fit_directions import fit_directions
from .fit_errors import measure_errors
from .fit_prior import fit_prior
from .fit_seen import fit_seen, learn_judge

BATCH = 256


def fit(model: VAEModel, recipe: Recipe, data: PictureData, *, steps: int) -> tuple[Parts, dict[str, Any]]:
    """Everything that a pipeline has beside the trained weights, fitted to the pictures.

    Args:
        model: the running average of a finished run, float32 on the CPU; its weights are rounded to what is stored.
        recipe: that it was trained by.
        data: its pictures.
        steps: of the run, which the training of the alignment does not exceed.

    Returns:
        The parts, and what evaluation.json says about the fits.
    """

    storage = round_weights(model)
    sha256, mirrored = weights_sha256(model.state_dict()), recipe.data.augment.horizontal_flip
    fitted = fit_directions(
        model,
        _pictures(data.train, "Reading the training pictures' latents, for the attributes' directions"),
        _pictures(data.validation, "Reading the held-out pictures' latents, for the directions' figures"),
        recipe.columns,
        weights_sha256=sha256,
        leave_out=recipe.publish.leave_out,
    )
    prior = fit_prior(
        model,
        _pictures(data.train, "Reading the training pictures' latents, for the prior"),
        _pictures(data.validation, "Reading the held-out pictures' latents, to choose the prior"),
        weights_sha256=sha256,
        mirrored=mirrored,
        most_gaussians=recipe.publish.most_gaussians,
    )
    aligned = FittedAlignment(None, {"refused": "the pictures are resized as a whole, not cropped"})
    if recipe.data.crop not in ("none", "pad"):
        aligned = fit_alignment(
            labelled_batches(data.train, BATCH, MOST_PICTURES),
            labelled_batches(data.validation, BATCH, HELD_OUT),
            mirrored=mirrored,
            steps=steps,
            autocast=bool(recipe.training.get("bf16")) or recipe.training.get("precision") == "bf16",
        )
    directions, said = _seen(model, fitted.directions, prior, recipe, data)
    parts = Parts(
        model=model,
        processor=processor_of(model, recipe, aligned.alignment),
        directions=directions,
        prior=prior,
        alignment=aligned.alignment,
        errors=measure_errors(
            model, _pictures(data.validation, "Measuring the usual error of reconstructions"), sha256
        ),
        sha256=sha256,
        storage_dtype=storage,
    )
    return parts, {
        "directions": {"shrinkage": fitted.shrinkage, "refused": fitted.refused, **said},
        "prior": {"gaussians": len(prior.weights)},
        "alignment": aligned.report,
    }


def _seen(
    model: VAEModel, directions: AttributeDirections, prior: MixturePrior, recipe: Recipe, data: PictureData
) -> tuple[AttributeDirections, dict[str, Any]]:
    """The directions with what their edits show, where a judge of pictures can learn to see any."""
    judge = learn_judge(data, recipe.columns, recipe.publish.leave_out) if len(directions) else None
    if judge is None:
        return directions, {}
    return fit_seen(model, directions, prior, data, recipe.columns, judge)


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


def _pictures(split: Any, purpose: str) -> Iterator[tuple[Tensor, dict[str, Any]]]:
    """All pictures of a split with their labels, in batches, announced."""
    total = -(-len(split) // BATCH) if isinstance(split, Sized) else None
    return batches(labelled_batches(split, BATCH), purpose, total)
