"""The edit term: what an edit says of a latent, its picture shall show, and the encoder shall read it there again.

Directions of attributes come after the training, but whether a picture can follow them is decided in it: a decoder
that never saw latents so far out along a direction shows half of what was asked, or something else as well. So the
readouts of `modeling_vae.model.attribute_directions` are computed all along, from running moments, and samples are
moved along them before they are decoded.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

MOST_MEMORY = 0.995
"""Share of the running moments that each batch keeps: they look back over some 200 batches."""
RIDGE = 0.01
"""Share of the mean variance that every dimension of the latent is taken to vary at least."""
LEAST_WITHIN = 0.05
"""Variance within the classes below which a readout's answer would be a step."""


class RunningReadouts(nn.Module):
    """Fisher's readouts of A attributes of which only probabilities are known, from running moments.

    With m and S the mean and covariance of the latents z, and c_a the covariance of z with the probability p_a:

        readout      r_a = S^-1 c_a / sqrt(c_a^T S^-1 c_a)    value_a(z) = r_a . (z - m), of deviation 1
        answer       sigmoid(slope_a value_a + intercept_a)   the posterior of two Gaussians of equal variance (LDA)

    Args:
        latent_dim: D.
        attributes: A.
    """

    moments: Tensor
    updates: Tensor

    def __init__(self, latent_dim: int, attributes: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        width = latent_dim + attributes + 1
        self.register_buffer("moments", torch.zeros(width, width))
        self.register_buffer("updates", torch.zeros(()))

    @torch.no_grad()
    def update(self, latents: Tensor, answers: Tensor) -> None:
        """Take in latents [N, D] and the probabilities [N, A] of their pictures' attributes."""
        rows = torch.cat([latents.float(), answers.float(), latents.new_ones(len(latents), 1).float()], dim=1)
        memory = (self.updates / (self.updates + 1)).clamp_max(MOST_MEMORY)
        with torch.autocast(rows.device.type, enabled=False):
            self.moments.mul_(memory).add_((1 - memory) * rows.T @ rows / len(rows))
        self.updates.add_(1)

    @torch.no_grad()
    def fit(self) -> Readouts:
        """The readouts as of now; there must have been an update."""
        d, mean = self.latent_dim, self.moments[-1, :-1]
        covariance = self.moments[:-1, :-1] - torch.outer(mean, mean)
        own, cross = covariance[:d, :d], covariance[:d, d:]
        own = own + (RIDGE * own.diagonal().mean() + 1e-8) * torch.eye(d, device=own.device)
        solved = torch.cholesky_solve(cross, torch.linalg.cholesky(own))  # [D, A], S^-1 c_a
        separation = (cross * solved).sum(0).clamp_min(1e-12).sqrt()
        share = mean[d:].clamp(1e-3, 1 - 1e-3)
        # the classes' means lie at separation / share and -separation / (1 - share)
        between = separation.square() / (share * (1 - share))
        slope = separation / (share * (1 - share)) / (1 - between).clamp_min(LEAST_WITHIN)
        middle = separation * (1 / share - 1 / (1 - share)) / 2
        return Readouts(
            mean[:d], (solved / separation).T, (cross / separation).T, slope, share.logit() - slope * middle
        )


@dataclass(frozen=True)
class Readouts:
    """Readouts at one moment of a run.

    Args:
        mean: m, [D].
        rows: r_a, [A, D].
        moves: S r_a, [A, D]: what one standard deviation of an attribute adds to z.
        slope, intercept: [A], see `RunningReadouts`.
    """

    mean: Tensor
    rows: Tensor
    moves: Tensor
    slope: Tensor
    intercept: Tensor

    def values(self, latents: Tensor) -> Tensor:
        """value_a(z) of latents [N, D]: [N, A]."""
        return (latents.float() - self.mean) @ self.rows.T

    def answers(self, latents: Tensor) -> Tensor:
        """The probabilities [N, A] of attributes of latents [N, D]."""
        return torch.sigmoid(self.slope * self.values(latents) + self.intercept)

    def edit(self, latents: Tensor, most: float) -> Tensor:
        """Latents [N, D], each moved by one attribute, drawn at random, as is a strength between -most and most.

        Every other one is moved the shortest way; the rest so that no other attribute's value changes.
        """
        attributes, device = len(self.moves), latents.device
        correlations = self.rows @ self.moves.T + RIDGE * torch.eye(attributes, device=device)
        held = torch.linalg.solve(correlations, self.moves)  # [A, D]
        chosen = torch.randint(attributes, (len(latents),), device=device)
        strength = most * (2 * torch.rand(len(latents), 1, device=device) - 1)
        alone = torch.arange(len(latents), device=device)[:, None] % 2 == 0
        return latents + strength * torch.where(alone, self.moves[chosen], held[chosen])
