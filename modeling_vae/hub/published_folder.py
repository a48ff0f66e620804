"""From a trained model to its published folder, complete on disk before anything is pushed."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image

from modeling_vae.model.face_alignment import FaceAlignment
from modeling_vae.model.image_processing_image_vae import VAEImageProcessor
from modeling_vae.model.modeling_image_vae import VAEModel
from modeling_vae.model.tensor_files import weights_sha256
from modeling_vae.pipeline import VAEPipeline
from modeling_vae.training.alignment import HELD_OUT, MOST_PICTURES, FittedAlignment, fit_alignment
from modeling_vae.training.alignment import STEPS as ALIGNMENT_STEPS
from modeling_vae.training.directions import fit_directions
from modeling_vae.training.prior import fit_prior
from modeling_vae.training.recipe import FILE_NAME, Recipe
from modeling_vae.training.reconstruction_errors import measure_errors

from .card import CARD_NAME, write_card
from .media import write_media

if TYPE_CHECKING:
    from modeling_vae.data import PictureData
    from modeling_vae.evaluation.features import FeatureNetwork

BATCH = 256
NEAREST = 64
"""Samples whose nearest training picture is looked for."""
EDITED = 200
"""Pictures that are edited for each attribute: a run shall end soon; `python -m modeling_vae evaluate` takes more."""


def write_published_folder(
    model: VAEModel,
    recipe: Recipe,
    data: PictureData,
    folder: Path,
    *,
    original: Recipe,
    run: dict[str, Any],
    network: FeatureNetwork | None = None,
    film: Sequence[Image.Image] = (),
) -> VAEPipeline:
    """Fit directions and prior, evaluate, draw, and write all of it: the folder is there whole, or as it was before.

    It is missing but for a moment, between two renames; where a run was killed then, the next one puts it back.

    Args:
        model: the running average of a finished run, float32 on the CPU.
        recipe: that it was trained by.
        data: its pictures.
        folder: to write; an older one is replaced.
        original: the recipe file without overrides, whose names take the place of local paths.
        run: about the run: steps, seconds, machine, data report; goes into evaluation.json.
        network: to measure Fréchet and kernel distances with; none are measured without.
        film: frames of the film of the training.
    """
    from modeling_vae.evaluation.evaluate import evaluate
    from modeling_vae.evaluation.report import write_report
    from modeling_vae.probing.probes import learn_probe

    old = _aside(folder)
    if not folder.exists() and old.exists():
        old.rename(folder)
    unfinished = folder.with_name(folder.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    pipe, fits = fit_pipeline(model, recipe, data, steps=int(run.get("steps", ALIGNMENT_STEPS)))
    pipe.save_pretrained(unfinished)
    recipe.published(original).write(unfinished / FILE_NAME)
    report = evaluate(
        pipe,
        data.validation,
        data.train,
        network=network,
        probe=learn_probe(data.train, recipe.attributes, leave_out=recipe.publish.leave_out),
        nearest=NEAREST,
        edited=EDITED,
    )
    report |= {"run": run, **fits}
    write_report(report, unfinished)
    write_media(pipe, unfinished / "media", film, report.get("attributes", {}).get("each"))
    if (folder / CARD_NAME).is_file():  # what people wrote into it stays
        shutil.copyfile(folder / CARD_NAME, unfinished / CARD_NAME)
    write_card(unfinished, pipe, recipe.described(original), report)
    _replace(unfinished, folder)
    return VAEPipeline.from_pretrained(folder)


def fit_pipeline(
    model: VAEModel, recipe: Recipe, data: PictureData, *, steps: int
) -> tuple[VAEPipeline, dict[str, Any]]:
    """Everything that a pipeline has beside the trained weights, fitted to the pictures.

    Args:
        model: see `write_published_folder`; its weights are rounded to what is stored.
        recipe: that it was trained by.
        data: its pictures.
        steps: of the run, which the training of the alignment does not exceed.

    Returns:
        The pipeline, and what evaluation.json says about the fits.
    """
    from modeling_vae.data import labelled_batches

    storage = round_weights(model)
    sha256, mirrored = weights_sha256(model.state_dict()), recipe.data.augment.horizontal_flip
    fitted = fit_directions(
        model,
        labelled_batches(data.train, BATCH),
        labelled_batches(data.validation, BATCH),
        dict(recipe.attributes),
        weights_sha256=sha256,
        leave_out=recipe.publish.leave_out,
    )
    prior = fit_prior(
        model,
        labelled_batches(data.train, BATCH),
        labelled_batches(data.validation, BATCH),
        weights_sha256=sha256,
        mirrored=mirrored,
        most_gaussians=recipe.publish.most_gaussians,
    )
    aligned = FittedAlignment(None, {"refused": "the pictures are resized as a whole, not cropped"})
    if recipe.data.crop == "center":
        aligned = fit_alignment(
            labelled_batches(data.train, BATCH, MOST_PICTURES),
            labelled_batches(data.validation, BATCH, HELD_OUT),
            mirrored=mirrored,
            steps=steps,
            autocast=bool(recipe.training.get("bf16")),
        )
    pipe = VAEPipeline(
        model,
        processor_of(model, recipe, aligned.alignment),
        fitted.directions,
        prior,
        aligned.alignment,
        measure_errors(model, labelled_batches(data.validation, BATCH), sha256),
        sha256=sha256,
        storage_dtype=storage,
    )
    directions = {"shrinkage": fitted.shrinkage, "refused": fitted.refused}
    gaussians = {"gaussians": len(prior.weights)}
    return pipe, {"directions": directions, "prior": gaussians, "alignment": aligned.report}


def processor_of(model: VAEModel, recipe: Recipe, alignment: FaceAlignment | None = None) -> VAEImageProcessor:
    """The processor of the pictures that a recipe trains a model on; with an alignment, it wants faces."""
    height, width = model.config.height_and_width
    return VAEImageProcessor(
        size={"height": height, "width": width},
        num_channels=model.config.num_channels,
        crop="face" if alignment is not None else recipe.data.crop,
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


def _aside(folder: Path) -> Path:
    return folder.with_name(folder.name + ".old")


def _replace(new: Path, folder: Path) -> None:
    """Put `new` in the place of `folder`; none can be renamed onto another, so the old one steps aside first."""
    old = _aside(folder)
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
