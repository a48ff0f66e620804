"""How well scores tell two kinds apart."""

from __future__ import annotations

import torch
from torch import Tensor


def weighted_auc(scores: Tensor, positive: Tensor, counts: Tensor) -> Tensor:
    """Area under the ROC curve, the chance that a positive scores above a negative, ties counting half: [R].

    NaN where only one of the two kinds is drawn.

    Args:
        scores: [N].
        positive: bool [N].
        counts: [R, N], how often each is drawn in R resamples.
    """
    levels, level = torch.unique(scores, return_inverse=True)  # sorted
    sums = counts.new_zeros(len(counts), len(levels))
    above = sums.index_add(1, level[positive], counts[:, positive])
    below = sums.index_add(1, level[~positive], counts[:, ~positive])
    lower = below.cumsum(dim=1) - below / 2
    return (above * lower).sum(dim=1) / (above.sum(dim=1) * below.sum(dim=1))


def auc(scores: Tensor, positive: Tensor) -> float:
    """`weighted_auc` of the set itself: scores [N], positive bool [N]."""
    return float(weighted_auc(scores, positive, torch.ones(1, len(scores), dtype=torch.float64)))
