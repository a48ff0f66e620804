"""The nearest training picture of each picture: does a model copy what it was trained on?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from modeling_vae.processes import gathered, share

QUANTILE = 0.05


@dataclass(frozen=True)
class Nearest:
    """For each of Q pictures the nearest of a set.

    Args:
        distance: float64 [Q], root mean square difference over the values compared.
        index: int64 [Q], its place in the set.
    """

    distance: Tensor
    index: Tensor


def nearest_pictures(
    queries: Tensor, batches: Iterable[Tensor], describe: Callable[[Tensor], Tensor] | None = None
) -> Nearest:
    """Goes once through the set; memory does not grow with it.

    Args:
        queries: pixel_values [Q, C, H, W], at least one picture.
        batches: the set, pixel_values [n, C, H, W] at a time; at least one picture.
        describe: what is compared: pixel_values -> [n, F], for instance a `FeatureNetwork`; the pixels by default.
    """

    def vectors(pixel_values: Tensor) -> Tensor:
        values = pixel_values if describe is None else describe(pixel_values)
        # In float64 a copy stays at distance 0 although squares are expanded into products.
        return values.flatten(1).to("cpu", torch.float64)

    wanted = vectors(queries)
    squared_norm = wanted.square().sum(dim=1)
    smallest = torch.full((len(wanted),), torch.inf, dtype=torch.float64)
    index = torch.full((len(wanted),), -1)
    seen, (first, step) = 0, share()
    for number, pixel_values in enumerate(batches):
        if number % step == first:
            there = vectors(pixel_values)
            squared = squared_norm[:, None] + there.square().sum(dim=1) - 2.0 * wanted @ there.T
            closest = squared.min(dim=1)
            nearer = closest.values < smallest
            smallest = torch.where(nearer, closest.values, smallest)
            index = torch.where(nearer, closest.indices + seen, index)
        seen += len(pixel_values)
    if seen == 0:
        raise ValueError("There are no pictures to look for the nearest among.")
    every, indices = (torch.stack(column) for column in zip(*gathered((smallest, index)), strict=True))
    nearest = every.amin(dim=0)
    index = torch.where(every == nearest, indices, seen).amin(dim=0)  # of equals the first
    return Nearest((nearest.clamp_min(0.0) / wanted.shape[1]).sqrt(), index)


def share_of_copies(samples: Nearest, unseen: Nearest) -> float:
    """The share of samples that lie closer to a training picture than all but 5 % of unseen real pictures do.

    About 0.05 where samples are no nearer to the training pictures than new pictures of the same kind; 1 where
    everything is copied. In pixels, soft pictures are nearer to everything; features judge them more justly.
    """
    return float((samples.distance < torch.quantile(unseen.distance, QUANTILE)).double().mean())
