"""What a model's directions show in pictures: measured by a judge, and mended where they show nothing."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from modeling_vae.data import PictureData, labelled_batches
from modeling_vae.model.attribute_directions import AttributeDirections
from modeling_vae.model.modeling_image_vae import VAEModel
from modeling_vae.model.priors import FlowPrior
from modeling_vae.probing.probes import Probe, learn_probe

from .becoming import with_distances, with_guidance
from .better_directions import LOOKED_AT, better_directions
from .fit_directions import measured
from .latent_passes import read_held_out
from .seen_edits import STARTS, TRIED, Trial, starts, with_curves

logger = logging.getLogger(__name__)

BATCH = 64
JUDGE = 1
"""Seed of the judge: another one than the figures of an evaluation are made with, so that these stay impartial."""


def learn_judge(data: PictureData, attributes: dict[str, str], leave_out: Sequence[str] = ()) -> Probe | None:
    """The judge; None where there is nothing to learn."""
    return learn_probe(data.train, attributes, leave_out=leave_out, seed=JUDGE)


def fit_seen(
    model: VAEModel,
    directions: AttributeDirections,
    prior: FlowPrior,
    data: PictureData,
    attributes: dict[str, str],
    judge: Probe,
    tried: int = TRIED,
) -> tuple[AttributeDirections, FlowPrior, dict[str, Any]]:
    """Directions with what their edits show; both with how far faces go to become something; evaluation.json's words.

    Args:
        model, directions, prior: of one model.
        data: its pictures.
        attributes: column -> kind.
        judge: see `learn_judge`.
        tried: pictures that each strength is tried on at most.
    """
    latents = starts(model, labelled_batches(data.validation, BATCH, STARTS), prior)
    trial = Trial.of(model, directions, judge, latents, tried)
    trial = trial.of_directions(with_curves(trial))
    found, replaced = better_directions(trial, labelled_batches(data.train, BATCH, LOOKED_AT))
    if replaced:
        found = measured(found, read_held_out(model, labelled_batches(data.validation, BATCH), attributes))
    trial = trial.of_directions(with_distances(trial.of_directions(found), prior.labels))
    return trial.directions, with_guidance(trial, prior), {"judge": judge.protocol, "by_the_judges_scores": replaced}
