"""Directions from the sums over training pictures, measured on held-out ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from modeling_vae.model.attribute_directions import AttributeDirections, Direction
from modeling_vae.model.latent_moments import LatentMoments, group_value
from modeling_vae.ranking import auc

from .latent_passes import HeldOut

SHRINKAGES = (0.0, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5)
TOLERATED_LOSS = 0.002
"""Mean held-out AUC that less shrinkage may cost."""


@dataclass(frozen=True)
class FittedDirections:
    """Directions, the reasons why attributes have none, and how far the covariance was shrunk."""

    directions: AttributeDirections
    refused: dict[str, str]
    shrinkage: float


def fit_directions(
    moments: LatentMoments,
    held_out: HeldOut,
    *,
    weights_sha256: str,
    leave_out: Sequence[str] = (),
) -> FittedDirections:
    """Directions with held-out figures and calibration, from the sums over the training pictures.

    The covariance is shrunk as little as the held-out figures ask for: the least of `SHRINKAGES` whose mean figure
    comes within 0.002 of the best. One number is thus chosen on the held-out pictures, and their figures flatter by
    very little.
    """
    candidates = []
    for shrinkage in SHRINKAGES:
        directions, refused = AttributeDirections.from_moments(
            moments, shrinkage=shrinkage, leave_out=leave_out, weights_sha256=weights_sha256
        )
        directions = measured(directions, held_out)
        figures = [d.held_out for d in directions.directions.values() if d.held_out is not None]
        mean = sum(figures) / len(figures) if figures else 0.0
        candidates.append((mean, shrinkage, directions, refused))
    best = max(mean for mean, *_ in candidates)
    _, shrinkage, directions, refused = next(c for c in candidates if c[0] >= best - TOLERATED_LOSS)
    return FittedDirections(directions, refused, shrinkage)


def measured(directions: AttributeDirections, held_out: HeldOut) -> AttributeDirections:
    """The same directions with their held-out figures and calibrations made anew."""
    scores = directions.values(held_out.posterior.mean.double()).numpy().T
    pairs = zip(directions.directions.values(), scores, strict=True)
    return directions.with_directions([_measure(direction, column, held_out.labels) for direction, column in pairs])


def calibrate(scores: np.ndarray, positive: np.ndarray, steps: int = 50) -> tuple[float, float]:
    """(slope, intercept) of P(positive) = sigmoid(slope * score + intercept), by Newton's method (Platt 1999).

    Platt's targets, drawn in from 0 and 1 by the counts, keep the slope finite where the scores separate fully.
    """
    positives, negatives = positive.sum(), (~positive).sum()
    target = np.where(positive, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    inputs = np.stack([scores, np.ones_like(scores)], axis=1)
    weights = np.zeros(2)
    for _ in range(steps):
        probability = 1 / (1 + np.exp(-np.clip(inputs @ weights, -500, 500)))
        gradient = inputs.T @ (probability - target)
        hessian = (inputs * (probability * (1 - probability))[:, None]).T @ inputs + 1e-6 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        # far from the optimum a full Newton step may overshoot
        weights -= step / max(1.0, np.linalg.norm(step) / 2)
        if np.abs(step).max() < 1e-10:
            break
    return float(weights[0]), float(weights[1])


def _measure(direction: Direction, scores: np.ndarray, labels: dict[str, list[Any]]) -> Direction:
    """The direction with its figure on held-out pictures, and for yes-or-no attributes its calibration."""
    column = direction.column
    value = direction.name.removeprefix(f"{column}:") if direction.kind == "category" else "true"
    known = np.array([label is not None for label in labels[column]], dtype=bool)
    scores = scores[known]
    truth = [label for label in labels[column] if label is not None]
    if direction.kind == "numeric":
        target = np.array(truth, dtype=np.float64)
        if len(target) < 3 or target.std() == 0 or scores.std() == 0:
            return direction
        return replace(direction, held_out=float(np.corrcoef(scores, target)[0, 1] ** 2))
    positive = np.array([group_value(label) == value for label in truth], dtype=bool)
    if not positive.any() or positive.all():
        return direction
    slope, intercept = calibrate(scores, positive)
    return replace(
        direction, held_out=auc(torch.from_numpy(scores), torch.from_numpy(positive)), slope=slope, intercept=intercept
    )
