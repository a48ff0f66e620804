"""The sums that attribute directions and priors are made of: one pass over the pictures, nothing else kept."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from .gaussian import Gaussian

KINDS = ("boolean", "category", "numeric")


@dataclass
class GroupSums:
    """Of the latents of one value of an attribute: how many, and their sum [D]."""

    count: int
    total: Tensor

    def merge(self, other: GroupSums) -> GroupSums:
        return GroupSums(self.count + other.count, self.total + other.total)

    @property
    def mean(self) -> Tensor:
        """[D]"""
        return self.total / self.count


@dataclass
class NumericSums:
    """Of a numeric attribute y, over the pictures that have it: how many, sums of y, y^2, z [D] and y z [D]."""

    count: int
    y: float
    yy: float
    z: Tensor
    yz: Tensor

    def merge(self, other: NumericSums) -> NumericSums:
        return NumericSums(
            self.count + other.count, self.y + other.y, self.yy + other.yy, self.z + other.z, self.yz + other.yz
        )

    @property
    def deviation(self) -> float:
        """Standard deviation of y."""
        return math.sqrt(max(self.yy / self.count - (self.y / self.count) ** 2, 0.0))

    @property
    def covariance(self) -> Tensor:
        """cov(z, y), [D]"""
        return self.yz / self.count - self.z / self.count * (self.y / self.count)


@dataclass
class LatentMoments:
    """Sums over latents, in float64: memory is D^2, whatever the number of pictures.

    `merge` adds two of them, exactly up to rounding and in any order, so that shards can be done anywhere.

    Args:
        kinds: column -> "boolean", "category" or "numeric".
        count: pictures.
        total: sum of z, [D].
        products: sum of z z^T, [D, D].
        variances: sum of the posteriors' variances, [D].
        groups: "column:value" -> sums; of a boolean column the values are "true" and "false".
        numeric: column -> sums.
    """

    kinds: dict[str, str]
    count: int
    total: Tensor
    products: Tensor
    variances: Tensor
    groups: dict[str, GroupSums] = field(default_factory=dict)
    numeric: dict[str, NumericSums] = field(default_factory=dict)

    @classmethod
    def empty(cls, latent_dim: int, kinds: dict[str, str]) -> LatentMoments:
        for column, kind in kinds.items():
            if kind not in KINDS:
                raise ValueError(f"attributes.{column}={kind!r} is not possible: give one of {', '.join(KINDS)}.")
        zeros = torch.zeros(latent_dim, dtype=torch.float64)
        return cls(dict(kinds), 0, zeros, zeros.outer(zeros), zeros.clone())

    def update(self, mean: Tensor, logvar: Tensor, labels: Mapping[str, Sequence[Any]]) -> None:
        """Take in one batch: mean and logvar [N, D] of its posteriors, and N values (or None) for each column."""
        latents = mean.detach().to("cpu", torch.float64)
        self.count += len(latents)
        self.total = self.total + latents.sum(0)
        self.products = self.products + latents.T @ latents
        self.variances = self.variances + logvar.detach().to("cpu", torch.float64).exp().sum(0)
        for column, kind in self.kinds.items():
            values = labels[column]
            if kind == "numeric":
                known = [row for row, value in enumerate(values) if value is not None]
                y = torch.tensor([float(values[row]) for row in known], dtype=torch.float64)
                z = latents[known]
                if known:
                    sums = NumericSums(len(known), y.sum().item(), y.square().sum().item(), z.sum(0), y @ z)
                    self._add_numeric(column, sums)
                continue
            rows_of: dict[Any, list[int]] = {}
            for row, value in enumerate(values):
                rows_of.setdefault(value, []).append(row)
            rows_of.pop(None, None)
            for value in sorted(rows_of, key=group_value):
                rows = rows_of[value]
                self._add_group(f"{column}:{group_value(value)}", GroupSums(len(rows), latents[rows].sum(0)))

    def merge(self, other: LatentMoments) -> LatentMoments:
        """The moments of both sets of pictures together; they must be of the same columns and width."""
        if self.kinds != other.kinds or self.total.shape != other.total.shape:
            raise ValueError("moments of different attributes or latent widths cannot be merged.")
        merged = LatentMoments(
            dict(self.kinds), self.count + other.count, self.total + other.total,
            self.products + other.products, self.variances + other.variances, dict(self.groups), dict(self.numeric),
        )  # fmt: skip
        for name, group in other.groups.items():
            merged._add_group(name, group)
        for column, sums in other.numeric.items():
            merged._add_numeric(column, sums)
        return merged

    @property
    def mean(self) -> Tensor:
        """m, the mean of the posterior means, [D]."""
        return self.total / self.count

    @property
    def covariance(self) -> Tensor:
        """S, the covariance of the posterior means, [D, D] (divided by n)."""
        mean = self.mean
        return self.products / self.count - torch.outer(mean, mean)

    @property
    def posterior_variance(self) -> Tensor:
        """The mean of the posteriors' variances, [D]."""
        return self.variances / self.count

    @property
    def aggregate(self) -> Gaussian:
        """The Gaussian nearest to the aggregate posterior: N(m, S + E[posterior variance])."""
        return Gaussian(self.mean, self.covariance + torch.diag(self.posterior_variance))

    def values_of(self, column: str) -> list[str]:
        """The values of a boolean or category column that were seen, sorted."""
        return sorted(name.split(":", 1)[1] for name in self.groups if name.split(":", 1)[0] == column)

    def _add_group(self, name: str, sums: GroupSums) -> None:
        self.groups[name] = self.groups[name].merge(sums) if name in self.groups else sums

    def _add_numeric(self, column: str, sums: NumericSums) -> None:
        self.numeric[column] = self.numeric[column].merge(sums) if column in self.numeric else sums


def group_value(value: Any) -> str:
    """What a value is called in a group's name: "true" and "false" for booleans, else the text itself."""
    return str(value).lower() if isinstance(value, bool) else str(value)
