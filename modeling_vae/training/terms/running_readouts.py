"""Readouts of attributes that follow a run, and latents moved along them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from modeling_vae.processes import of_all_processes

from .running_mean import take_in

ENOUGH = 10
"""Pictures for each dimension of the latent before there are readouts: of fewer, any attribute could be told."""
RIDGE = 0.01
"""Share of the mean variance that is added to every dimension's own."""
DEPENDENCE = 0.01
"""Added to the readouts' variances where others are held, lest two that say the same ask for endless moves."""
LEAST_WITHIN = 0.05
"""Variance within the classes below which a readout's answer would be a step."""


class RunningReadouts(nn.Module):
    """Fisher's readouts of A attributes of which only probabilities are known, from running moments.

    With m and S the mean and covariance of the latents z, and c_a the covariance of z with the probability p_a:

        readout      r_a = S^-1 c_a / sqrt(c_a^T S^-1 c_a)    value_a(z) = r_a . (z - m), of deviation 1
        answer       sigmoid(slope_a value_a + intercept_a)   the posterior of two Gaussians of equal variance (LDA)

    Args:
        latent_dim: D.
        columns: the column of each attribute, A of them; values of one column exclude each other.
    """

    moments: Tensor
    seen: Tensor

    def __init__(self, latent_dim: int, columns: Sequence[str]) -> None:
        super().__init__()
        self.latent_dim, self.columns = latent_dim, list(columns)
        width = latent_dim + len(self.columns) + 1
        self.register_buffer("moments", torch.zeros(width, width))
        self.register_buffer("seen", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def update(self, latents: Tensor, answers: Tensor) -> None:
        """Take in latents [N, D], drawn from the posterior, and the probabilities [N, A] of what is in their pictures.

        Drawn, since it is draws that are edited: a dimension that says nothing then varies by 1 and explains nothing.
        """
        rows = torch.cat([latents.float(), answers.float(), latents.new_ones(len(latents), 1).float()], dim=1)
        rows = of_all_processes(rows)
        with torch.autocast(rows.device.type, enabled=False):
            take_in(self.moments, self.seen, rows.T @ rows / len(rows), len(rows))

    @torch.no_grad()
    def fit(self) -> Readouts | None:
        """The readouts as of now; None as long as too few pictures were seen."""
        if self.seen < ENOUGH * self.latent_dim:
            return None
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
        rows, moves = (solved / separation).T, (cross / separation).T
        return Readouts(mean[:d], rows, moves, slope, share.logit() - slope * middle, self.columns)


@dataclass(frozen=True)
class Readouts:
    """Readouts at one moment of a run. All of it is to be used outside autocast.

    Args:
        mean: m, [D].
        rows: r_a, [A, D].
        moves: S r_a, [A, D]: what one standard deviation of an attribute adds to z.
        slope, intercept: [A], see `RunningReadouts`.
        columns: of the attributes, A of them.
    """

    mean: Tensor
    rows: Tensor
    moves: Tensor
    slope: Tensor
    intercept: Tensor
    columns: list[str]

    def values(self, latents: Tensor) -> Tensor:
        """value_a(z) of latents [N, D]: [N, A]."""
        return (latents.float() - self.mean) @ self.rows.T

    def answers(self, latents: Tensor) -> Tensor:
        """The probabilities [N, A] of attributes of latents [N, D]."""
        return torch.sigmoid(self.slope * self.values(latents) + self.intercept)

    def edit(self, latents: Tensor, most: float) -> Edited:
        """Latents [N, D], each moved by one attribute, drawn at random, as is a strength between -most and most.

        Half of them, drawn too, are moved the shortest way; the rest so that no value of another column changes.
        """
        count, device = len(latents), latents.device
        chosen = torch.randint(len(self.moves), (count,))
        held = (torch.rand(count) < 0.5).tolist()
        pairs = zip(chosen.tolist(), held, strict=True)
        moves = torch.stack([self.held_move(a) if h else self.moves[a] for a, h in pairs])
        strengths = most * (2 * torch.rand(count, 1, device=device) - 1)
        return Edited(self, latents + strengths * moves, chosen.to(device))

    def held_move(self, attribute: int) -> Tensor:
        """What one standard deviation of an attribute adds to z where all other columns are held, [D]."""
        own = self.columns[attribute]
        rows = [attribute, *(i for i, column in enumerate(self.columns) if column != own)]
        gram = self.rows[rows] @ self.moves[rows].T + DEPENDENCE * torch.eye(len(rows), device=self.rows.device)
        wanted = torch.zeros(len(rows), device=self.rows.device)
        wanted[0] = 1.0
        result: Tensor = self.moves[rows].T @ torch.linalg.solve(gram, wanted)
        return result


@dataclass(frozen=True)
class Edited:
    """Latents that were moved.

    Args:
        readouts: that they were moved along.
        latents: as they are now, [N, D].
        chosen: the attribute that each was moved by, [N].
    """

    readouts: Readouts
    latents: Tensor
    chosen: Tensor

    @property
    def values(self) -> Tensor:
        """What the readouts say of them, [N, A]."""
        return self.readouts.values(self.latents)

    @property
    def answers(self) -> Tensor:
        """The probabilities of attributes in them, [N, A]."""
        return self.readouts.answers(self.latents)

    def mean(self, errors: Tensor) -> Tensor:
        """The mean of errors [N, A], half of it about the attributes asked for and half about all: a scalar.

        An edit shall do what it says, and nothing else. Were all alike, what it says would be one of A.
        """
        return (errors.gather(1, self.chosen[:, None]).mean() + errors.mean()) / 2
