"""A mean that follows a run: of all rows at first, and later of the latest ones."""

from __future__ import annotations

from torch import Tensor

MEMORY = 12_800
"""Pictures that a running mean looks back over."""


def take_in(mean: Tensor, seen: Tensor, batch_mean: Tensor, count: int) -> None:
    """Move a running mean towards that of a batch of `count` pictures, in place; `seen` counts the pictures, []."""
    seen.add_(count)
    mean.lerp_(batch_mean, (count / seen).clamp(count / MEMORY, 1.0))
