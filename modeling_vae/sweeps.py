"""What a sweep adds to a latent from frame to frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from .model.attribute_directions import AttributeDirections
from .model.latents import ease
from .model.scalars import is_pair, names_of, whole_number


def sweep_moves(
    directions: AttributeDirections,
    strengths: Mapping[str, tuple[float, float]],
    frames: int,
    hold: str | Iterable[str],
    easing: str,
) -> Tensor:
    """The moves [frames, D], float64, by which attributes go from one strength to another; see `VAEPipeline.sweep`.

    Raises:
        ValueError: impossible frames, strengths, names or easing.
    """
    count = frame_count(frames)
    if not isinstance(strengths, Mapping):
        raise ValueError(f"strengths is {strengths!r}: give names with two strengths, such as {{name: (-2, 2)}}.")
    for name, pair in strengths.items():
        if not is_pair(pair):
            raise ValueError(f"the strengths of {name} are {pair!r}: give two, such as (-2, 2).")
    held = names_of(hold)
    ends = [directions.delta({name: pair[end] for name, pair in strengths.items()}, held) for end in (0, 1)]
    time = ease(torch.linspace(0, 1, count, dtype=torch.float64), easing)[:, None]
    return (1 - time) * ends[0] + time * ends[1]


def frame_count(frames: int) -> int:
    """The number of frames of a film; raise a ValueError where it is none."""
    count = whole_number(frames)
    if count is None or count < 1:
        raise ValueError(f"frames={frames!r} is not possible: give a whole number of at least 1.")
    return count
