"""Where noise moves on its way to the latents: the network of a flow."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FREQUENCIES = 16
FASTEST = 50.0
"""Radians of a sine over the whole way, for the finest difference between two times."""

SHAPES: dict[str, tuple[int | str, ...]] = {
    "lift.weight": ("W", "D"),
    "lift.bias": ("W",),
    "time": ("B", 3, "W", 2 * FREQUENCIES),
    "up": ("B", "H", "W"),
    "up_bias": ("B", "H"),
    "down": ("B", "W", "H"),
    "down_bias": ("B", "W"),
    "drop.weight": ("D", "W"),
    "drop.bias": ("D",),
}
"""Of all that a velocity is made of, see `tensor_files.Shapes`."""
TOLD: dict[str, tuple[int | str, ...]] = {"labels": ("B", 3, "W", "C")}
"""Of what one has besides that is told labels."""


class Velocity(nn.Module):
    """Which way latents move that are on their way from noise, and how fast: residual blocks that are told things.

    Between noise n and a whitened latent w, x(a) = cos(a) n + sin(a) w, whose velocity is cos(a) w - sin(a) n
    (Salimans and Ho 2022; Albergo and Vanden-Eijnden 2023). The network learns its mean given x, a, and what is known
    of the picture. Of latents that are Gaussian that is zero, which is where it begins: what it learns is what is not
    Gaussian.

    Args:
        dimensions: D.
        labels: C, numbers of a code of labels, see `LabelCode`.
        width: W, of the blocks' sum; the blocks are twice as wide inside.
        blocks: B, each modulated by the time and the labels (Peebles and Xie 2023).
    """

    def __init__(self, dimensions: int, labels: int = 0, width: int = 192, blocks: int = 3) -> None:
        super().__init__()
        inside = 2 * width
        self.lift, self.drop = nn.Linear(dimensions, width), nn.Linear(width, dimensions)
        self.time = nn.Parameter(torch.zeros(blocks, 3, width, 2 * FREQUENCIES))
        self.labels = nn.Parameter(torch.zeros(blocks, 3, width, labels))
        self.up, self.up_bias = _uniform(blocks, inside, width), nn.Parameter(torch.zeros(blocks, inside))
        self.down, self.down_bias = _uniform(blocks, width, inside), nn.Parameter(torch.zeros(blocks, width))
        nn.init.zeros_(self.drop.weight)
        nn.init.zeros_(self.drop.bias)

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Velocity:
        """The one with these weights, of the `SHAPES`, and where it is told labels of `TOLD`."""
        blocks, inside, width = tensors["up"].shape
        if inside != 2 * width:
            raise ValueError(f"up has the shape {[*tensors['up'].shape]}, where {2 * width} rows are due.")
        labels = tensors.get("labels", torch.zeros(blocks, 3, width, 0))
        velocity = cls(tensors["lift.weight"].shape[1], labels.shape[3], width, blocks)
        velocity.load_state_dict({**tensors, "labels": labels})
        return velocity

    def forward(self, x: Tensor, angle: Tensor, codes: Tensor | None = None) -> Tensor:
        """Positions [N, D] at angles [N] from 0 to pi / 2 -> velocities [N, D].

        Args:
            codes: [N, C] of what is known of the pictures; nothing where none are given.
        """
        codes = x.new_zeros(len(x), self.labels.shape[3]) if codes is None else codes
        rates = torch.exp(torch.linspace(0, math.log(FASTEST), FREQUENCIES, dtype=x.dtype, device=x.device))
        turns = angle[:, None] * (2 / math.pi) * rates
        time = torch.cat([turns.sin(), turns.cos()], dim=1)
        result = self.lift(x)
        for times, labels, up, up_bias, down, down_bias in zip(
            self.time, self.labels, self.up, self.up_bias, self.down, self.down_bias, strict=True
        ):
            shift, scale, gate = time @ times.mT + codes @ labels.mT
            inner = F.layer_norm(result, result.shape[1:]) * (1 + scale) + shift
            result = result + (1 + gate) * F.linear(F.silu(F.linear(inner, up, up_bias)), down, down_bias)
        moved: Tensor = self.drop(result)
        return moved


def _uniform(blocks: int, rows: int, columns: int) -> nn.Parameter:
    """As `nn.Linear` begins."""
    bound = columns**-0.5
    return nn.Parameter(torch.empty(blocks, rows, columns).uniform_(-bound, bound))
