"""Mean latents of groups of pictures, and of those that several groups have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .latents import sample_noise
from .scalars import names_of

AROUND, SPREAD = 16, 0.8
"""Pairs of latents around a mean, and how far they lie from it, in shares of the data's deviation."""
SMALLEST_INDEPENDENCE = 1e-3
"""Share of a readout (squared) that the other readouts of a request must leave unexplained."""


@dataclass(frozen=True)
class GroupMeans:
    """Means of groups in one model's latent space, float64.

    Args:
        groups: "column:value" -> [D].
        mean: of all pictures, [D].
        factor: the lower Cholesky factor of the covariance over all pictures, [D, D].
    """

    groups: Mapping[str, Tensor]
    mean: Tensor
    factor: Tensor

    def mean_of(self, group: str) -> Tensor:
        """The mean latent of the pictures of a group, [D].

        Args:
            group: "column:value"; a boolean column alone means true. Several of them joined by "&", such as
                "No_Beard:false & Male", are what all have: of such pictures no mean was taken, so it is the latent
                nearest to the mean of all, in the metric of the data, that has the values of each group's own mean.

        Raises:
            ValueError: there is no such group, or several say the same.
        """
        (group,) = names_of([group])
        names = [group] if group in self.groups else [part.strip() for part in group.split("&")]
        means = torch.stack([self._one(name) for name in names])
        if len(names) == 1:
            return means[0]
        whitened = torch.linalg.solve_triangular(self.factor, (means - self.mean).T, upper=False).T
        lengths = whitened.norm(dim=1, keepdim=True)
        units = whitened / lengths.clamp_min(1e-12)
        gram = units @ units.T
        refuse_dependent(names, gram)
        result: Tensor = self.mean + self.factor @ units.T @ torch.linalg.solve(gram, lengths[:, 0])
        return result

    def around(self, group: str) -> Tensor:
        """Latents like those of a group, [32, D] float32, always the same: in pairs with the group's mean between."""
        noise = sample_noise(AROUND, len(self.mean), 0).double() @ self.factor.T
        return (self.mean_of(group) + SPREAD * torch.cat([noise, -noise])).float()

    def _one(self, group: str) -> Tensor:
        name = group if group in self.groups else f"{group}:true"
        if name not in self.groups:
            raise ValueError(f"{group!r} is not a group of this model; known are {', '.join(sorted(self.groups))}.")
        return self.groups[name]


def refuse_dependent(names: Sequence[str], gram: Tensor) -> None:
    """Raise a ValueError where some of the readouts with these correlations [n, n] say what the others do."""
    smallest, vector = (t[..., 0] for t in torch.linalg.eigh(gram))
    if smallest < SMALLEST_INDEPENDENCE:
        shares = vector.abs() / vector.abs().max()
        same = [name for name, share in zip(names, shares.tolist(), strict=True) if share > 0.2]
        raise ValueError(
            f"{', '.join(same)} say the same thing in this model, so they cannot be set or held independently: "
            "leave one of them out."
        )
