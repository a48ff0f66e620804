"""How common attributes are in the pictures of a run, which says how much each answer counts."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from modeling_vae.processes import of_all_processes

from .running_mean import take_in

RAREST = 0.02
"""Share of the pictures below which an attribute, or its absence, counts no more for being rarer still."""


class RunningShares(nn.Module):
    """How common A attributes are in the pictures of a run, and how much each answer therefore counts.

    With p the probability of an attribute in a picture, and s its mean over the latest pictures:

        weight  (p / s + (1 - p) / (1 - s)) / 2

    so that the pictures that have an attribute count together as much as those that lack it, and 1 on average.
    Otherwise what is rare is cheap to lose: of forty faces with one double chin, who misses it?

    Args:
        attributes: A.
    """

    shares: Tensor
    seen: Tensor

    def __init__(self, attributes: int) -> None:
        super().__init__()
        self.register_buffer("shares", torch.zeros(attributes))
        self.register_buffer("seen", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def update(self, answers: Tensor) -> None:
        """Take in the probabilities [N, A] of what is in N pictures."""
        answers = of_all_processes(answers)
        take_in(self.shares, self.seen, answers.mean(0), len(answers))

    def balance(self, answers: Tensor) -> Tensor:
        """The weights [N, A] of probabilities [N, A]; shares within [0.02, 0.98], or taken for the nearer of these."""
        shares = self.shares.clamp(RAREST, 1 - RAREST)
        return (answers / shares + (1 - answers) / (1 - shares)) / 2
