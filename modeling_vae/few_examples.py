"""A direction from few examples: what ten pictures with and ten without say, and what is known before.

The difference of the means of n_1 and n_0 latents is d + noise of covariance c S, c = 1/n_1 + 1/n_0. Where S is the
identity, 20 pictures in 256 dimensions make a noise of length 7, and an attribute is 1 to 3 long. So d is taken for a
draw of N(0, t P), where P knows where attributes lie: half of it is spread over the published directions, half over
all dimensions by the root of their variance. The scale t is the likeliest one, and what is kept is d's mean given
the difference, t P (t P + c)^-1 (empirical Bayes, Efron and Morris 1973). P = 1 would make it the plain difference,
P = S the ridge Fisher direction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from modeling_vae.model.attribute_directions import AttributeDirections, Direction

FEWEST = 5
"""Examples on either side below which a direction is a guess."""
MOST_PAIRS = 1000
"""Pairs that are left out, one after the other, for the figure; of more, so many."""
SCALES = torch.logspace(-2, 3, 26, dtype=torch.float64)


@dataclass(frozen=True)
class Taught:
    """A direction that few examples gave.

    Args:
        directions: that one, in the metric of the model's own; `held_out` is its figure.
        moves: what a strength of 1 also adds to the readings of the published attributes, by name, the most first.
    """

    directions: AttributeDirections
    moves: Mapping[str, float]

    @property
    def direction(self) -> Direction:
        """What is known of it."""
        (direction,) = self.directions.directions.values()
        return direction

    @property
    def held_out(self) -> float:
        """Of pairs that were left out of the teaching, the share in which the example with it reads higher.

        That is an estimate of the AUC without the bias of leaving out one at a time (Airola et al. 2011).
        """
        return self.direction.held_out or 0.0


def teach(known: AttributeDirections, name: str, having: Tensor, lacking: Tensor) -> Taught:
    """A direction from latents of examples.

    Args:
        known: the published directions, whose mean and covariance it is measured in.
        name: of the new direction.
        having, lacking: latents of pictures with it [P, D] and without [N, D], five at least of each.

    Raises:
        ValueError: too few examples, a name that is taken, or examples that are all the same.
    """
    if name in known.directions:
        raise ValueError(f"the model has a direction {name!r} already: give another name.")
    for word, latents in (("with", having), ("without", lacking)):
        if latents.ndim != 2 or latents.shape[1] != len(known.mean):
            raise ValueError(f"examples {word} it have shape {tuple(latents.shape)}: give [N, {len(known.mean)}].")
        if len(latents) < FEWEST:
            raise ValueError(f"{len(latents)} examples {word} it came: give {FEWEST} at least, better 20.")
    estimate = _Estimate(known)
    positives, negatives = (estimate.whitened(latents) for latents in (having, lacking))
    count = len(positives), len(negatives)
    difference = estimate.difference((positives.mean(0) - negatives.mean(0))[None], *count)[0]
    if not difference.norm() > 1e-6:
        raise ValueError("the examples with it and those without have the same mean: choose ones that differ.")
    stored = estimate.unwhitened(difference)
    direction = Direction(name, "boolean", *count, float(stored.norm()), estimate.held_out(positives, negatives))
    taught = AttributeDirections(
        [direction], stored[None], known.mean, known.covariance, weights_sha256=known.weights_sha256
    )
    correlations = known.joined(taught).correlations()[-1, :-1].tolist()
    moves = dict(sorted(zip(known.names, correlations, strict=True), key=lambda move: -abs(move[1])))
    return Taught(taught, moves)


class _Estimate:
    """The mean of d given differences of means, in the coordinates in which S is the identity and P is diagonal."""

    def __init__(self, known: AttributeDirections) -> None:
        variances, axes = torch.linalg.eigh(known.covariance)
        spread = variances.sqrt() / variances.sqrt().sum()
        prior = torch.diag(spread)
        if len(known):
            units = known.differences @ axes / variances.sqrt()
            units = units / units.norm(dim=1, keepdim=True)
            prior = (prior + units.T @ units / len(units)) / 2
        self.prior, turn = torch.linalg.eigh(prior)
        self.prior = self.prior.clamp_min(1e-12)
        self._mean = known.mean
        self._to = axes / variances.sqrt() @ turn  # [D, D]
        self._back = (turn.T * variances.sqrt()) @ axes.T

    def whitened(self, latents: Tensor) -> Tensor:
        result: Tensor = (latents.detach().cpu().double() - self._mean) @ self._to
        return result

    def unwhitened(self, difference: Tensor) -> Tensor:
        result: Tensor = difference @ self._back
        return result

    def difference(self, means: Tensor, positives: int, negatives: int) -> Tensor:
        """The mean of d given each of the differences of means [B, D] of so many examples: [B, D]."""
        noise = 1 / positives + 1 / negatives
        variances: Tensor = SCALES[:, None] * self.prior + noise  # [T, D]
        likelihood = -0.5 * (variances.log().sum(1) + means.square() @ (1 / variances).T)  # [B, T]
        scales = SCALES[likelihood.argmax(1)][:, None] * self.prior
        result: Tensor = means * scales / (scales + noise)
        return result

    def held_out(self, positives: Tensor, negatives: Tensor) -> float:
        """Of pairs with one of each kind, the share that a direction taught without the pair puts in order."""
        count, others = len(positives), len(negatives)
        pairs = torch.arange(count * others)
        if len(pairs) > MOST_PAIRS:
            pairs = torch.randint(len(pairs), (MOST_PAIRS,), generator=torch.Generator().manual_seed(0))
        one, other = positives[pairs // others], negatives[pairs % others]
        means = (positives.sum(0) - one) / (count - 1) - (negatives.sum(0) - other) / (others - 1)
        taught = self.difference(means, count - 1, others - 1)
        margin = ((one - other) * taught).sum(1)
        return float(((margin > 0).double() + (margin == 0).double() / 2).mean())
