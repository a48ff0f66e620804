"""What a picture shows, read off its latent."""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, nn

SHAPES: dict[str, tuple[int | str, ...]] = {
    "read.up.weight": ("R", "D"),
    "read.up.bias": ("R",),
    "read.down.weight": ("C", "R"),
    "read.down.bias": ("C",),
}
"""Of all that a reader is made of, see `tensor_files.Shapes`."""


class LabelReader(nn.Module):
    """One hidden layer: whitened latents [N, D] -> logits [N, C], of which a softmax is taken over each column.

    Directions say how much of one attribute a latent has, on a line; which of a column's values it is, such as one of
    ten characters, no lines tell.

    Args:
        dimensions: D.
        labels: C, see `LabelCode`.
        width: of the hidden layer.
    """

    def __init__(self, dimensions: int, labels: int, width: int = 128) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(dimensions, width), nn.Linear(width, labels)

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> LabelReader:
        """The one with these weights, of the `SHAPES`."""
        width, dimensions = tensors["read.up.weight"].shape
        reader = cls(dimensions, len(tensors["read.down.bias"]), width)
        reader.load_state_dict({name.removeprefix("read."): tensors[name] for name in SHAPES})
        return reader

    def forward(self, latents: Tensor) -> Tensor:
        logits: Tensor = self.down(F.silu(self.up(latents)))
        return logits
