"""What edits show: each direction is tried at a few strengths, and a judge of pictures says in how many it is seen.

The judge is a probe, which learnt from the pixels of real pictures and knows of no model. It also tells where pictures
fall apart: its features of an edited picture lie farther from those of drawn pictures, by Mahalanobis's distance, than
those of 99 in 100 drawn ones do (after Lee, Lee, Lee and Shin 2018).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from modeling_vae.model.attribute_directions import AttributeDirections
from modeling_vae.model.direction import USUAL_REACH
from modeling_vae.model.modeling_image_vae import VAEModel
from modeling_vae.model.priors import FlowPrior
from modeling_vae.model.seen_curve import MOST, WHOLE, SeenCurve
from modeling_vae.passes import decoded, encode_all
from modeling_vae.probing.probes import Probe
from modeling_vae.processes import each
from modeling_vae.progress import in_turn

from .fit_directions import calibrate

logger = logging.getLogger(__name__)

STRENGTHS = (1.0, 2.0, 3.0, 4.5, 6.0, 8.0)
"""To either side, in standard deviations."""
TRIED, FEWEST = 64, 12
"""Pictures that each strength is tried on at most, and below which nothing is said."""
STARTS = 256
"""Held-out pictures, and as many random ones, that edits start from."""
ENOUGH = 0.95
"""Share of changed pictures at which no stronger edit is tried."""
USUAL = 0.99
"""Share of drawn pictures that count as whole."""
SHRINKAGE = 0.1
"""Of the covariance of features, towards a multiple of the identity."""


@dataclass(frozen=True)
class Seen:
    """N pictures in the eyes of a judge that knows A attributes.

    Args:
        scores: [N, A], above 0 where it sees one.
        features: float64 [N, F].
        latents: of the pictures, encoded again, [N, D].
    """

    scores: Tensor
    features: Tensor
    latents: Tensor


def look_at(model: VAEModel, probe: Probe, latents: Tensor) -> Seen:
    """What a probe sees in the pictures of latents [N, D]."""
    columns: list[list[Tensor]] = [[], [], []]
    for pictures in decoded(model, latents):
        scores, features = probe.look(pictures)
        for column, values in zip(columns, (scores, features.double(), encode_all(model, pictures)), strict=True):
            column.append(values)
    return Seen(*(torch.cat(column) for column in columns))


class Usual:
    """How far features usually lie from their mean.

    Args:
        features: of drawn pictures that nobody edited, float64 [N, F].
    """

    def __init__(self, features: Tensor) -> None:
        self.mean = features.mean(0)
        spread = torch.cov(features.T, correction=0)
        ridge = spread.diagonal().mean().clamp_min(1e-12) * torch.eye(len(spread), dtype=spread.dtype)
        self.factor = torch.linalg.cholesky((1 - SHRINKAGE) * spread + SHRINKAGE * ridge)
        self.limit = torch.quantile(self._distances(features), USUAL)

    def whole(self, features: Tensor) -> Tensor:
        """Whether pictures are no farther than 99 in 100 usual ones: bool [N]."""
        result: Tensor = self._distances(features) <= self.limit
        return result

    def _distances(self, features: Tensor) -> Tensor:
        whitened = torch.linalg.solve_triangular(self.factor, (features - self.mean).T, upper=False)
        result: Tensor = whitened.norm(dim=0)
        return result


@dataclass(frozen=True)
class Trial:
    """What edits are tried on.

    Args:
        model, directions: what is judged.
        probe: of pictures like the model's.
        latents: of pictures that edits start from, [N, D].
        before: what is seen in these pictures.
        usual: how far their features lie from their mean.
        tried: pictures that each strength is tried on at most.
    """

    model: VAEModel
    directions: AttributeDirections
    probe: Probe
    latents: Tensor
    before: Seen
    usual: Usual
    tried: int = TRIED

    @classmethod
    def of(
        cls, model: VAEModel, directions: AttributeDirections, probe: Probe, latents: Tensor, tried: int = TRIED
    ) -> Trial:
        """Look at the pictures of the latents."""
        before = look_at(model, probe, latents)
        return cls(model, directions, probe, latents, before, Usual(before.features), tried)

    def of_directions(self, directions: AttributeDirections) -> Trial:
        """The same trial of other directions."""
        return replace(self, directions=directions)

    @property
    def names(self) -> list[str]:
        """Of the directions that the judge knows."""
        known = {attribute.name for attribute in self.probe.attributes}
        return [name for name in self.directions.names if name in known]

    def lacking(self, column: int, seed: int = 0) -> Tensor:
        """Latents in whose pictures an attribute of the judge is not seen, at random: [n, D], at most `tried`."""
        order = torch.randperm(len(self.latents), generator=torch.Generator().manual_seed(seed))
        return self.latents[order[self.before.scores[order, column] <= 0][: self.tried]]

    def curve(self, name: str, seed: int = 0) -> SeenCurve:
        """Try edits of one attribute, each strength on the same pictures, drawn at random of those that it can change.

        Stronger ones are not tried where nearly all pictures have changed, or most have fallen apart.
        """
        column, row = [a.name for a in self.probe.attributes].index(name), self.directions.names.index(name)
        order = torch.randperm(len(self.latents), generator=torch.Generator().manual_seed(seed))
        has = self.before.scores[order, column] > 0
        values, seen = [self.directions.values(self.before.latents)[:, row]], [self.before.scores[:, column] > 0]
        points: list[tuple[float, float | None, float]] = []
        starts = {1: order[~has][: self.tried], -1: order[has][: self.tried]}
        for sign, rows in starts.items():
            for size in STRENGTHS if len(rows) else ():
                edited = self.directions.edit(self.latents[rows], {name: sign * size})
                after = look_at(self.model, self.probe, edited)
                shown = after.scores[:, column] > 0
                changed = float((shown == (sign > 0)).float().mean())
                whole = float(self.usual.whole(after.features).float().mean())
                points.append((sign * size, round(changed, 4) if len(rows) >= FEWEST else None, round(whole, 4)))
                values.append(self.directions.values(after.latents)[:, row])
                seen.append(shown)
                if whole < WHOLE or (size >= USUAL_REACH and changed >= ENOUGH):
                    break
        strengths, changes, wholes = zip(*sorted(points), strict=True)
        slope, intercept = calibrate(torch.cat(values).numpy(), torch.cat(seen).numpy())
        return SeenCurve(strengths, changes, wholes, len(starts[1]), len(starts[-1]), slope, intercept)


def starts(model: VAEModel, held_out: Iterable[tuple[Tensor, Any]], prior: FlowPrior, seed: int = 0) -> Tensor:
    """Latents that edits are tried from: of at most 256 held-out pictures, and as many random ones."""
    latents = [encode_all(model, pixel_values) for pixel_values, _ in held_out]
    return torch.cat([*latents, prior.sample(STARTS, seed)])


@torch.no_grad()
def with_curves(trial: Trial) -> AttributeDirections:
    """The directions of a trial, each that the judge knows with the curve of what its edits show."""
    names = trial.names
    found = each(trial.curve, in_turn(names, "Looking at what edits of attributes show"))
    curves = dict(zip(names, found, strict=True))
    for name, curve in curves.items():
        logger.info("%s", sentence(name, curve))
    return trial.directions.with_directions(
        replace(direction, seen=curves.get(name)) for name, direction in trial.directions.directions.items()
    )


def sentence(name: str, curve: SeenCurve) -> str:
    """What the edits of an attribute show, in words."""
    words = []
    for verb, sign in (("shows", 1), ("is lost", -1)):
        found = curve.strength_of(MOST, sign)
        words.append(f"{verb} at {found:+.1f}" if found is not None else f"{verb} nowhere up to {curve.reach(sign):g}")
    return f"edits of {name}: it {' and '.join(words)}"
