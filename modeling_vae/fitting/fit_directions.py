"""Directions from the pictures: one streaming pass over the training pictures, one over held-out ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from modeling_vae.model.attribute_directions import AttributeDirections, Direction
from modeling_vae.model.latent_moments import LatentMoments, group_value
from modeling_vae.model.modeling_image_vae import VAEModel
from modeling_vae.passes import encode_all, posteriors
from modeling_vae.ranking import auc

Batches = Iterable[tuple[Tensor, Mapping[str, Sequence[Any]]]]
"""pixel_values [N, C, H, W] with N label values (or None) for each column."""

SHRINKAGES = (0.0, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5)
TOLERATED_LOSS = 0.002
"""Mean held-out AUC that less shrinkage may cost."""


@dataclass(frozen=True)
class FittedDirections:
    """Directions, the reasons why attributes have none, and how far the covariance was shrunk."""

    directions: AttributeDirections
    refused: dict[str, str]
    shrinkage: float


@torch.inference_mode()
def latent_moments(model: VAEModel, batches: Batches, attributes: dict[str, str]) -> LatentMoments:
    """The sums over all pictures, in one pass; memory does not grow with their number."""
    moments = LatentMoments.empty(model.config.latent_dim, attributes)
    for pixel_values, labels in batches:
        for posterior in posteriors(model, [pixel_values]):
            moments.update(posterior.mean, posterior.logvar, labels)
    return moments


def fit_directions(
    model: VAEModel,
    training: Batches,
    held_out: Batches,
    attributes: dict[str, str],
    *,
    weights_sha256: str,
    leave_out: Sequence[str] = (),
) -> FittedDirections:
    """Directions from one pass over the training pictures and one over held-out ones, see `directions_of`."""
    moments = latent_moments(model, training, attributes)
    return directions_of(model, moments, held_out, weights_sha256=weights_sha256, leave_out=leave_out)


def directions_of(
    model: VAEModel,
    moments: LatentMoments,
    held_out: Batches,
    *,
    weights_sha256: str,
    leave_out: Sequence[str] = (),
) -> FittedDirections:
    """Directions with held-out figures and calibration, from the sums over the training pictures.

    The covariance is shrunk as little as the held-out figures ask for: the least of `SHRINKAGES` whose mean figure
    comes within 0.002 of the best. One number is thus chosen on the held-out pictures, and their figures flatter by
    very little.
    """
    latents, labels = _held_out_latents(model, held_out, moments.kinds)
    candidates = []
    for shrinkage in SHRINKAGES:
        directions, refused = AttributeDirections.from_moments(
            moments, shrinkage=shrinkage, leave_out=leave_out, weights_sha256=weights_sha256
        )
        directions = _with_figures(directions, latents, labels)
        figures = [d.held_out for d in directions.directions.values() if d.held_out is not None]
        mean = sum(figures) / len(figures) if figures else 0.0
        candidates.append((mean, shrinkage, directions, refused))
    best = max(mean for mean, *_ in candidates)
    _, shrinkage, directions, refused = next(c for c in candidates if c[0] >= best - TOLERATED_LOSS)
    return FittedDirections(directions, refused, shrinkage)


def measured(
    model: VAEModel, directions: AttributeDirections, held_out: Batches, attributes: dict[str, str]
) -> AttributeDirections:
    """The same directions with their held-out figures and calibrations made anew."""
    return _with_figures(directions, *_held_out_latents(model, held_out, attributes))


def _with_figures(
    directions: AttributeDirections, latents: Tensor, labels: dict[str, list[Any]]
) -> AttributeDirections:
    found = [_measure(direction, scores, labels) for direction, scores in _scores(directions, latents)]
    return directions.with_directions(found)


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


@torch.inference_mode()
def _held_out_latents(
    model: VAEModel, batches: Batches, attributes: dict[str, str]
) -> tuple[Tensor, dict[str, list[Any]]]:
    """Latents and labels of the held-out pictures that have any label: what is kept is small."""
    latents: list[Tensor] = []
    kept: dict[str, list[Any]] = {column: [] for column in attributes}
    for pixel_values, labels in batches:
        rows = [i for i in range(len(pixel_values)) if any(labels[column][i] is not None for column in attributes)]
        if rows:
            latents.append(encode_all(model, pixel_values[rows], len(rows)).double())
            for column in attributes:
                kept[column] += [labels[column][i] for i in rows]
    empty = torch.zeros(0, model.config.latent_dim, dtype=torch.float64)
    return torch.cat(latents) if latents else empty, kept


def _scores(directions: AttributeDirections, latents: Tensor) -> list[tuple[Direction, np.ndarray]]:
    values = directions.values(latents).numpy()
    return list(zip(directions.directions.values(), values.T, strict=True))


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
