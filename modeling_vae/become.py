"""Another value of a column, in a face that has one: by the flow where the prior knows it, else in a straight line."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from .model.attribute_directions import AttributeDirections
from .model.priors import FlowPrior
from .model.scalars import names_of


def become_latents(
    directions: AttributeDirections,
    prior: FlowPrior | None,
    latent: Tensor,
    target: str,
    shares: Tensor,
    hold: str | Iterable[str] = (),
) -> Tensor:
    """The latents of a face on its way to what it becomes: [S, D] float32.

    By the flow the face stays a likely one, and what it shows besides stays as it is (`FlowPrior.become`); numbers, of
    which the flow is not told, and what is held are then set back to the last digit. The straight way is
    `AttributeDirections.strengths_to_become`.

    Args:
        directions, prior: of one model.
        latent: of the face, [1, D].
        target: "column:value", or a boolean column; where the prior knows them, several joined by "&".
        shares: [S] of the way, 0 for the face as it is, 1 for all of the change.
        hold: names of attributes whose values stay.

    Raises:
        ValueError: there is no such value, or no such attribute to hold, or it cannot be held.
    """
    if prior is None or not prior.labels.knows(target):
        move = directions.delta(directions.strengths_to_become(latent, target), hold)
        return (latent.double().cpu() + shares.double()[:, None] * move).float()
    moved = prior.become(latent, target, shares)
    numbers = (name for name, direction in directions.directions.items() if direction.kind == "numeric")
    held = list(dict.fromkeys([*names_of(hold), *numbers]))
    if not held:
        return moved
    strayed = (directions.values(latent) - directions.values(moved))[:, [directions.place(name) for name in held]]
    back = [directions.delta(dict(zip(held, strengths, strict=True))) for strengths in strayed.tolist()]
    return (moved.double() + torch.stack(back)).float()
