"""What learns from the pictures and knows of no model: the alignment, and the probes that judge what is drawn."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from modeling_vae.data import PictureData, labelled_batches
from modeling_vae.probing.probes import Probe, learn_probe
from modeling_vae.processes import done_by_all
from modeling_vae.recipes.recipe import Recipe

from .fit_alignment import HELD_OUT, MOST_PICTURES, FittedAlignment, fit_alignment
from .fit_seen import learn_judge

logger = logging.getLogger(__name__)

BATCH = 256


@dataclass(frozen=True)
class Learnt:
    """What was learnt.

    Args:
        aligned: what levels faces in photos.
        judge: sees what edits show, see `learn_judge`; None where there is nothing to learn.
        probe: judges attributes in the evaluation, and has not seen what the judge chose.
    """

    aligned: FittedAlignment
    judge: Probe | None
    probe: Probe | None


def learn(recipe: Recipe, data: PictureData, *, steps: int) -> Learnt:
    """All of it, each by one of the processes.

    Args:
        recipe: that the model was trained by.
        data: its pictures.
        steps: of the run, which the training of the alignment does not exceed.
    """
    logger.info("Training what knows of no model: a judge of edits, the alignment, a probe for the figures.")
    columns, leave_out = recipe.columns, recipe.publish.leave_out
    judge, aligned, probe = done_by_all(
        lambda: learn_judge(data, columns, leave_out),
        lambda: _aligned(recipe, data, steps),  # takes as long as both others
        lambda: learn_probe(data.train, columns, leave_out=leave_out),
    )
    return Learnt(aligned, judge, probe)


def _aligned(recipe: Recipe, data: PictureData, steps: int) -> FittedAlignment:
    if recipe.data.crop in ("none", "pad"):
        return FittedAlignment(None, {"refused": "the pictures are resized as a whole, not cropped"})
    return fit_alignment(
        labelled_batches(data.train, BATCH, MOST_PICTURES),
        labelled_batches(data.validation, BATCH, HELD_OUT),
        mirrored=recipe.data.augment.horizontal_flip,
        steps=steps,
        autocast=bool(recipe.training.get("bf16")) or recipe.training.get("precision") == "bf16",
    )
