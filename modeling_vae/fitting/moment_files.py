"""Partial sums of a pass over pictures as files, so that the pass is shared out: to processes, machines or nights."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from modeling_vae.model.latent_moments import GroupSums, LatentMoments, NumericSums
from modeling_vae.model.tensor_files import read_part, refuse_other_weights, usable, write_tensors

FORMAT = "latent-moments/1"
SHAPES = {
    "total": ("D",),
    "products": ("D", "D"),
    "variances": ("D",),
    "group_totals": ("G", "D"),
    "numeric_latents": ("M", "D"),
    "numeric_products": ("M", "D"),
}
"""D is the width of latents, G the number of groups, M that of numeric columns."""


@dataclass(frozen=True)
class MomentShard:
    """The sums over one share of the pictures.

    Args:
        moments: of these pictures.
        share: (i, n): the i-th of n shares, i from 0 to n - 1.
        weights_sha256: of the model whose latents they are.
    """

    moments: LatentMoments
    share: tuple[int, int]
    weights_sha256: str

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the sums, in float64, whole or not at all.

        Raises:
            OSError: the file cannot be written.
        """
        moments = self.moments
        groups, numeric = sorted(moments.groups.items()), sorted(moments.numeric.items())
        width = len(moments.total)
        tensors = {
            "total": moments.total,
            "products": moments.products,
            "variances": moments.variances,
            "group_totals": _stacked([sums.total for _, sums in groups], width),
            "numeric_latents": _stacked([sums.z for _, sums in numeric], width),
            "numeric_products": _stacked([sums.yz for _, sums in numeric], width),
        }
        description = {
            "format": FORMAT,
            "weights_sha256": self.weights_sha256,
            "share": list(self.share),
            "kinds": moments.kinds,
            "count": moments.count,
            "groups": {name: sums.count for name, sums in groups},
            "numeric": {column: [sums.count, sums.y, sums.yy] for column, sums in numeric},
        }
        write_tensors(path, tensors, description)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> MomentShard:
        """What `save` wrote.

        Raises:
            ValueError: the file is damaged, or holds something else.
        """
        tensors, said = read_part(path, FORMAT, SHAPES)
        with usable(path):
            try:
                groups, numeric, (i, n) = said["groups"], said["numeric"], said["share"]
                sums = zip(groups.items(), tensors["group_totals"], strict=True)
                more = zip(numeric.items(), tensors["numeric_latents"], tensors["numeric_products"], strict=True)
                moments = LatentMoments(
                    dict(said["kinds"]), int(said["count"]), tensors["total"], tensors["products"],
                    tensors["variances"], {name: GroupSums(int(count), total) for (name, count), total in sums},
                    {column: NumericSums(int(c), float(y), float(yy), z, yz) for (column, (c, y, yy)), z, yz in more},
                )  # fmt: skip
            except (KeyError, TypeError, AttributeError) as error:
                raise ValueError(f"its description is not what belongs there ({error!r})") from error
            return cls(moments, (int(i), int(n)), said["weights_sha256"])


def merged(paths: Iterable[Path], weights_sha256: str) -> LatentMoments:
    """The sums over all pictures, from the files of all shares in any order.

    The shares are added in the order of their numbers, so that the result is the same to the bit.

    Raises:
        ValueError: a share is missing or there twice, or the files are of another model or of different columns.
    """
    found: dict[int, MomentShard] = {}
    for path in paths:
        shard = MomentShard.read(path)
        refuse_other_weights(f"{path} belongs", shard.weights_sha256, weights_sha256)
        i, n = shard.share
        first = next(iter(found.values()), shard)
        if n != first.share[1] or shard.moments.kinds != first.moments.kinds:
            raise ValueError(
                f"{path} is share {i + 1} of {n} over {_columns(shard)}, and the files before it are shares of "
                f"{first.share[1]} over {_columns(first)}: merge what one --shard I/N with the same columns made."
            )
        if i in found:
            raise ValueError(f"{path} is share {i + 1} of {n}, which another file is too: give each share once.")
        found[i] = shard
    total = next(iter(found.values())).share[1] if found else 0
    if missing := [str(i + 1) for i in range(total) if i not in found]:
        raise ValueError(
            f"of {total} shares there is no file of {', '.join(missing)}: make them by --shard I/{total}."
        )
    if not found:
        raise ValueError("there is nothing to merge: give the files that --shard I/N made.")
    shards: Any = (found[i].moments for i in sorted(found))
    whole: LatentMoments = next(shards)
    for moments in shards:
        whole = whole.merge(moments)
    return whole


def _columns(shard: MomentShard) -> str:
    return ", ".join(f"{column}:{kind}" for column, kind in shard.moments.kinds.items()) or "no columns"


def _stacked(rows: list[Tensor], width: int) -> Tensor:
    return torch.stack(rows) if rows else torch.zeros(0, width, dtype=torch.float64)
