"""The attribute term: what probes see in a picture, they shall see in its reconstruction."""

from __future__ import annotations

from torch import Tensor

from .attribute_distance import AttributeDistance
from .batch import Batch, Term
from .running_shares import RunningShares


class AttributeTerm(Term):
    """Of the divergence, with those who have an attribute counting together as much as those who lack it.

    Args:
        weight: of the mean over attributes, in nats.
        distance: what it looks through.
    """

    def __init__(self, weight: float, distance: AttributeDistance) -> None:
        super().__init__(weight)
        self.distance, self.shares = distance, RunningShares(len(distance.columns))

    def forward(self, batch: Batch) -> Tensor:
        distances, seen = self.distance(batch.reconstruction, batch.pixel_values)
        self.shares.update(seen)
        batch.probes, batch.seen = self.distance, seen
        balanced = (self.shares.balance(seen) * distances).mean()
        batch.note(attributes=balanced)
        result: Tensor = self.weight * balanced
        return result
