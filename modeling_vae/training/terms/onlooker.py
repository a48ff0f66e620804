"""What the networks have in common that look on in training and never learn."""

from __future__ import annotations

from typing import Any, Self

from torch import nn


class Onlooker(nn.Module):
    """A module that stays in evaluation mode, and of which checkpoints hold nothing, as it never changes."""

    def train(self, mode: bool = True) -> Self:
        return super().train(False)  # the statistics of a trained network stay as they are

    def state_dict(self, *args: Any, destination: Any = None, **kwargs: Any) -> Any:
        """Nothing: whoever builds a run builds it again."""
        return {} if destination is None else destination
