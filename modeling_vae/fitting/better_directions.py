"""Another direction where edits along the mean difference of the labelled pictures do not show.

Where few pictures are labelled their mean difference is noisy. The judge's scores say something of every training
picture: what goes with them, cov(z, score), is the mean difference of a labelling that is finer and has no gaps.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from modeling_vae.model.attribute_directions import AttributeDirections
from modeling_vae.passes import encode_all
from modeling_vae.processes import each

from .seen_edits import Trial, sentence

logger = logging.getLogger(__name__)

LOOKED_AT = 8192
"""Training pictures at most that the judge scores."""


@torch.no_grad()
def better_directions(trial: Trial, training: Iterable[tuple[Tensor, Any]]) -> tuple[AttributeDirections, list[str]]:
    """The directions of a trial, with the judge's own for those attributes that show by these alone.

    Args:
        trial: whose directions have curves.
        training: pixel_values [N, C, H, W], with anything.

    Returns:
        The directions, and the names of those that were replaced. Their held-out figures and calibrations are not
        known yet.
    """
    unseen = [name for name in trial.names if trial.directions.directions[name].drawable is False]
    if not unseen:
        return trial.directions, []
    pairs = each(lambda batch: (encode_all(trial.model, batch[0]), trial.probe(batch[0])), training)
    latents, scores = (torch.cat(column).double() for column in zip(*pairs, strict=True))
    judged = scored_differences(latents, scores)
    columns = [attribute.name for attribute in trial.probe.attributes]
    others = [with_difference(trial.directions, name, judged[columns.index(name)]) for name in unseen]
    curves = each(lambda pair: trial.of_directions(pair[0]).curve(pair[1]), zip(others, unseen, strict=True))
    found, replaced = trial.directions, []
    for name, other, curve in zip(unseen, others, curves, strict=True):
        logger.info("by the judge's scores, %s", sentence(name, curve))
        direction = replace(other.directions[name], seen=curve)
        if direction.shows is not None:
            known = found.directions | {name: direction}
            found = with_difference(found, name, judged[columns.index(name)]).with_directions(known.values())
            replaced.append(name)
    return found, replaced


def scored_differences(latents: Tensor, scores: Tensor) -> Tensor:
    """The difference of means that scores [N, A] stand for, in latents [N, D]: [A, D].

    It is cov(z, y) / var(y) for each score y of deviation 1: how far latents are apart that score one deviation apart.
    """
    centred = (scores - scores.mean(0)) / scores.std(0, correction=0).clamp_min(1e-12)
    return centred.T @ (latents - latents.mean(0)) / len(latents)


def with_difference(directions: AttributeDirections, name: str, difference: Tensor) -> AttributeDirections:
    """The same directions, but one by another difference [D]; what was measured of it is no longer known."""
    row, differences = directions.names.index(name), directions.differences.clone()
    differences[row] = difference
    unknown = replace(directions.directions[name], norm=float(difference.norm()), held_out=None, slope=None)
    unknown = replace(unknown, intercept=None, seen=None)
    known = directions.directions | {name: unknown}
    parts = directions.mean, directions.covariance, directions.groups, directions.weights_sha256
    return AttributeDirections(known.values(), differences, *parts)
