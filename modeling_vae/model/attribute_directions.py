"""Attribute directions: what the latent space says about attributes, and how to change just what was asked.

With m and S the mean and covariance of the posterior means, and d_a the difference of the means with and without
attribute a:

    readout   r_a = S^-1 d_a / sqrt(d_a^T S^-1 d_a)    value_a(z) = r_a . (z - m), of deviation 1 (Fisher 1936)
    edit      delta = S R^T (R S R^T)^-1 t             the smallest move in the metric of the data with R delta = t

where the rows of R are the readouts of edited and held attributes, and t holds their strengths and zeros.
"""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .direction import Direction as Direction
from .direction import directions_of, group_names
from .group_means import SMALLEST_INDEPENDENCE, GroupMeans, refuse_dependent
from .latent_moments import LatentMoments
from .scalars import names_of, real_number
from .tensor_files import find_file, read_part, refuse_other_weights, usable, write_tensors

FILE_NAME = "directions.safetensors"
FORMAT = "attribute-directions/1"
FEWEST = 20
"""Pictures on either side below which a direction is noise."""
BEYOND = 1.5
"""How far a face is taken that becomes one of a group where nobody has measured it, see `Direction.becomes`."""
RIDGE = 1e-5
"""Of the largest variance, added to each: rounding a covariance of 1,024 dimensions to float32 takes less."""


@dataclass(frozen=True)
class Reading:
    """An attribute read off a latent: in standard deviations over the data, and as a probability where calibrated."""

    value: float
    probability: float | None


class AttributeDirections:
    """The directions of one model's latent space.

    Args:
        directions: what is known of each, A of them.
        differences: d_a, [A, D].
        mean: m, [D].
        covariance: S, [D, D], positive definite.
        groups: "column:value" -> mean latent [D], also for values that have no direction.
        weights_sha256: of the weights of the model that made them, see `weights_sha256`.

    Everything is stored in float32 and computed in float64, on the CPU.
    """

    def __init__(
        self,
        directions: Iterable[Direction],
        differences: Tensor,
        mean: Tensor,
        covariance: Tensor,
        groups: Mapping[str, Tensor] | None = None,
        weights_sha256: str = "",
    ) -> None:
        self.directions = {direction.name: direction for direction in directions}
        # rounded as they are stored, so that an edit is the same before and after
        self.differences, self.mean, self.covariance = (t.float().double() for t in (differences, mean, covariance))
        self.groups = {name: latent.float().double() for name, latent in (groups or {}).items()}
        self.weights_sha256 = weights_sha256
        factor, info = torch.linalg.cholesky_ex(self.covariance)
        if info.item():
            raise ValueError("the directions' covariance is not positive definite: shrink it, or use more data.")
        self._means = GroupMeans(self.groups, self.mean, factor)
        # L^-1 d_a has the length sqrt(d_a^T S^-1 d_a)
        whitened = torch.linalg.solve_triangular(factor, self.differences.T, upper=False).T
        separations = whitened.norm(dim=1, keepdim=True)
        if len(whitened) and not separations.min() > 0:
            raise ValueError("a direction has no length: its pictures with and without have the same mean.")
        self._units = whitened / separations  # [A, D], rows of length 1 in the whitened space
        self._moves = self._units @ factor.T  # [A, D], S r_a: what one standard deviation of a alone adds to z
        self.readouts = torch.linalg.solve_triangular(factor.T, self._units.T, upper=True).T  # [A, D], r_a

    @property
    def names(self) -> list[str]:
        return list(self.directions)

    def __len__(self) -> int:
        return len(self.directions)

    @classmethod
    def from_moments(
        cls,
        moments: LatentMoments,
        *,
        shrinkage: float = 0.0,
        leave_out: str | Iterable[str] = (),
        weights_sha256: str = "",
    ) -> tuple[AttributeDirections, dict[str, str]]:
        """Directions from the sums over the training pictures, and why others were refused (name -> reason).

        Args:
            moments: see `LatentMoments`.
            shrinkage: 0 to 1, how far S is drawn towards a multiple of the identity (Ledoit and Wolf 2004).
            leave_out: names that are not wanted.
        """
        if not 0 <= shrinkage <= 1:
            raise ValueError(f"shrinkage={shrinkage!r} is not possible: give a share from 0 to 1.")
        if moments.count < 2:
            raise ValueError(f"directions need pictures: {moments.count} came.")
        spread, unwanted = moments.covariance, names_of(leave_out)
        variances = spread.diagonal()
        # dimensions that no picture uses are not to be divided by, nor is what rounding to float32 makes of them
        ridge = RIDGE * variances.max().clamp_min(1e-12)
        eye = torch.eye(len(spread), dtype=spread.dtype)
        covariance = (1 - shrinkage) * spread + (shrinkage * variances.mean() + ridge) * eye
        found, differences, refused = [], [], {}
        for name, kind, positives, negatives, difference in _differences(moments):
            too_few = min(positives, negatives) if kind != "numeric" else positives
            if name in unwanted:
                refused[name] = "left out by the recipe"
            elif too_few < FEWEST:
                refused[name] = f"{positives} pictures with and {negatives} without, {FEWEST} of each are needed"
            elif difference is None or not difference.norm() > 0:
                refused[name] = "all its pictures have the same value"
            else:
                found.append(Direction(name, kind, positives, negatives, difference.norm().item()))
                differences.append(difference)
        stacked = torch.stack(differences) if differences else torch.zeros(0, len(spread), dtype=torch.float64)
        groups = {name: group.mean for name, group in moments.groups.items()}
        return cls(found, stacked, moments.mean, covariance, groups, weights_sha256), refused

    def values(self, latents: Tensor) -> Tensor:
        """value_a(z) of latents [N, D]: [N, A], in standard deviations over the data."""
        result: Tensor = (_on_cpu(latents, len(self.mean)) - self.mean) @ self.readouts.T
        return result

    @property
    def offered(self) -> list[str]:
        """All names in the order in which to offer them.

        First those that show in pictures, the sooner the weaker an edit is that shows them, and one that loses them;
        then those that nobody has tried, and last those that the model cannot draw, both as they come.
        """
        tiers, known = {True: 0, None: 1, False: 2}, self.directions

        def place(name: str) -> tuple[int, float]:
            direction = known[name]
            return tiers[direction.drawable], max(direction.shows or 0.0, -(direction.loses or 0.0))

        return sorted(known, key=place)

    def read(self, latents: Tensor, drawn: bool = False) -> list[dict[str, Reading]]:
        """Each latent's readings, by name: latents [N, D] -> N dictionaries.

        Args:
            latents: of pictures.
            drawn: the pictures are the model's own, encoded again: their probabilities are those that a judge sees the
                attribute in such a picture, where that was measured.
        """
        return [
            {
                direction.name: Reading(value, _probability(direction, value, drawn))
                for direction, value in zip(self.directions.values(), row, strict=True)
            }
            for row in self.values(latents).tolist()
        ]

    def edit(self, latents: Tensor, strengths: Mapping[str, float], hold: str | Iterable[str] = ()) -> Tensor:
        """Latents [N, D] moved so that each named value changes by its strength, and held values do not change at all.

        Args:
            latents: [N, D].
            strengths: name -> standard deviations, finite.
            hold: names whose values stay, or the one name; ones that are edited too are edited.

        Raises:
            ValueError: an unknown name (the known ones are listed), a strength that is not finite, or names that say
                the same thing so that not all can be had at once.
        """
        return latents + self.delta(strengths, hold).to(latents)

    def delta(self, strengths: Mapping[str, float], hold: str | Iterable[str] = ()) -> Tensor:
        """The move of `edit`, [D], float64."""
        if not isinstance(strengths, Mapping):
            raise ValueError(f"strengths is {strengths!r}: give names with their strengths, {{name: deviations}}.")
        names_of(strengths)
        wanted = {name: real_number(strength) for name, strength in strengths.items()}
        for name, strength in wanted.items():
            if strength is None:
                raise ValueError(f"the strength of {name} is {strengths[name]!r}: give a finite number of deviations.")
        names = [*wanted, *(name for name in dict.fromkeys(names_of(hold)) if name not in wanted)]
        rows = [self.place(name) for name in names]
        if not any(wanted.values()):
            return torch.zeros_like(self.mean)
        units, moves = self._units[rows], self._moves[rows]
        gram = units @ units.T  # R S R^T: the correlations of the readouts
        refuse_dependent(names, gram)
        target = torch.tensor([wanted.get(name) or 0.0 for name in names], dtype=torch.float64)
        result: Tensor = moves.T @ torch.linalg.solve(gram, target)
        return result

    def independent(self, names: Iterable[str]) -> list[str]:
        """Of names, in their order, those that say what those before do not: `edit` takes all of them."""
        chosen: list[str] = []
        for name in names:
            units = self._units[[self.place(one) for one in (*chosen, name)]]
            if torch.linalg.eigvalsh(units @ units.T)[0] >= SMALLEST_INDEPENDENCE:
                chosen.append(name)
        return chosen

    def between(self, source: str, target: str) -> Tensor:
        """From the mean latent of one group to that of another ("coat:tabby" -> "coat:white"): [D]; see `average`."""
        return self.average(target) - self.average(source)

    def strengths_to_become(self, latent: Tensor, target: str) -> dict[str, float]:
        """The edit by which a latent comes to have a value, whatever it has now: name -> standard deviations.

        All values of the column are then read as they are in the mean of those pictures, `Direction.becomes` times as
        far from the mean of all: what it was before goes with it, which one value's direction alone would leave.

        Args:
            latent: [1, D].
            target: "column:value", or a boolean column.

        Raises:
            ValueError: there is no such group, or its column has no direction.
        """
        known = self.directions.get(target)
        distance = BEYOND if known is None or known.becomes is None else known.becomes
        wanted = self.mean + distance * (self.average(target) - self.mean)
        column = target.partition(":")[0]
        values = [name for name, direction in self.directions.items() if direction.column == column]
        rows = [self.place(name) for name in self.independent(sorted(values, key=lambda name: name != target))]
        if not rows:
            raise ValueError(f"{column!r} has no direction in this model; known are {', '.join(self.names)}.")
        changes = self.readouts[rows] @ (wanted - _on_cpu(latent, len(self.mean))[0])
        return {self.names[row]: change for row, change in zip(rows, changes.tolist(), strict=True)}

    def average(self, group: str) -> Tensor:
        """The mean latent of the pictures of a group, [D], see `GroupMeans.mean_of`."""
        return self._means.mean_of(group)

    def around(self, group: str) -> Tensor:
        """Latents like those of a group, [32, D] float32, see `GroupMeans.around`."""
        return self._means.around(group)

    def correlations(self) -> Tensor:
        """Correlations of the readouts over the data, [A, A]."""
        result: Tensor = self._units @ self._units.T
        return result

    def with_directions(self, directions: Iterable[Direction]) -> AttributeDirections:
        """The same directions with other knowledge about them (held-out figures, calibration), in the same order."""
        return AttributeDirections(
            directions, self.differences, self.mean, self.covariance, self.groups, self.weights_sha256
        )

    def joined(self, others: AttributeDirections, prefix: str | None = None) -> AttributeDirections:
        """These directions and others of the same weights, in the metric of these.

        Mean and covariance stay, so that all the old values stay what they were. Where those of the others differ,
        what was measured in their metric (held-out figure, calibration) is dropped. A direction or group that both
        have alike is taken once; the same name for another one is a clash.

        Args:
            others: of the same weights.
            prefix: put before all names of the others, as in "prefix/smiling" and "prefix/coat:tabby".

        Raises:
            ValueError: they are of other weights, or names clash.
        """
        theirs = others if prefix is None else others.prefixed(prefix)
        theirs.check_weights(self.weights_sha256)
        same_metric = torch.equal(self.mean, theirs.mean) and torch.equal(self.covariance, theirs.covariance)
        directions, rows, clashes = list(self.directions.values()), [], []
        for direction, difference in zip(theirs.directions.values(), theirs.differences, strict=True):
            if direction.name not in self.directions:
                unmeasured = replace(direction, held_out=None, slope=None, intercept=None, seen=None)
                directions.append(direction if same_metric else unmeasured)
                rows.append(difference)
            elif not torch.equal(difference, self.differences[self.names.index(direction.name)]):
                clashes.append(direction.name)
        clashes += [name for name, mean in theirs.groups.items() if not torch.equal(self.groups.get(name, mean), mean)]
        if clashes:
            raise ValueError(
                f"both have {', '.join(dict.fromkeys(clashes))}, and mean different things by it: give prefix=, such "
                "as the name of who made them, which is put before all of the new names."
            )
        differences = torch.cat([self.differences, *(row[None] for row in rows)])
        groups = self.groups | theirs.groups
        return AttributeDirections(directions, differences, self.mean, self.covariance, groups, self.weights_sha256)

    def prefixed(self, prefix: str) -> AttributeDirections:
        """The same directions and groups under the names "prefix/name"."""
        if not re.fullmatch(r"[\w.-]+", prefix):
            raise ValueError(f"prefix={prefix!r} is not possible: give letters, digits, dots, hyphens or underscores.")
        renamed = [replace(direction, name=f"{prefix}/{direction.name}") for direction in self.directions.values()]
        groups = {f"{prefix}/{name}": mean for name, mean in self.groups.items()}
        return AttributeDirections(renamed, self.differences, self.mean, self.covariance, groups, self.weights_sha256)

    def check_weights(self, sha256: str) -> None:
        """Raise a ValueError where these directions belong to other weights."""
        refuse_other_weights("these directions belong", self.weights_sha256, sha256)

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write directions.safetensors into a folder, which is made if need be; whole or not at all."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        tensors = {
            "differences": self.differences.float(),
            "mean": self.mean.float(),
            "covariance": self.covariance.float(),
            "groups": torch.stack([*self.groups.values(), self.mean])[:-1].float(),  # also where there is none
        }
        metadata = {
            "format": FORMAT,
            "weights_sha256": self.weights_sha256,
            "directions": [asdict(direction) for direction in self.directions.values()],
            "groups": list(self.groups),
        }
        write_tensors(Path(folder) / FILE_NAME, tensors, metadata)

    @classmethod
    def from_pretrained(
        cls, folder_or_id: str | os.PathLike[str], *, latent_dim: int | None = None, **hub: Any
    ) -> AttributeDirections:
        """Read directions.safetensors from a folder or a Hub repository (`revision=`, `token=`, `cache_dir=`).

        Args:
            folder_or_id: where it is.
            latent_dim: that it must have, where that is known.

        Raises:
            ValueError: it is damaged, or holds what no directions can be; the message says what.
        """
        path = find_file(folder_or_id, FILE_NAME, **hub)
        shapes = {"differences": ("A", "D"), "mean": ("D",), "covariance": ("D", "D"), "groups": ("G", "D")}
        tensors, said = read_part(path, FORMAT, shapes, latent_dim)
        with usable(path):
            directions, names = directions_of(said.get("directions")), group_names(said.get("groups"))
            for key, here, there in (("directions", directions, "differences"), ("groups", names, "groups")):
                if len(here) != len(tensors[there]):
                    raise ValueError(f"{key} has {len(here)} entries, and {there} {len(tensors[there])} rows.")
            groups = dict(zip(names, tensors["groups"], strict=True))
            parts = tensors["differences"], tensors["mean"], tensors["covariance"], groups
            return cls(directions, *parts, said["weights_sha256"])

    def place(self, name: str) -> int:
        """Which of the rows it is; a ValueError lists those that there are."""
        if name not in self.directions:
            near = difflib.get_close_matches(name, self.names, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ValueError(f"{name!r} is not an attribute of this model; known are {', '.join(self.names)}.{hint}")
        return self.names.index(name)


def _differences(moments: LatentMoments) -> Iterable[tuple[str, str, int, int, Tensor | None]]:
    """name, kind, pictures with, pictures without, d_a [D] of every direction that the moments could give."""
    for column, kind in moments.kinds.items():
        if kind == "numeric":
            sums = moments.numeric.get(column)
            if sums is None:
                yield column, kind, 0, 0, None
            else:
                deviation = sums.deviation
                yield column, kind, sums.count, 0, sums.covariance / deviation if deviation > 0 else None
            continue
        values = moments.values_of(column)
        for value in ["true"] if kind == "boolean" else values:
            name = column if kind == "boolean" else f"{column}:{value}"
            having = moments.groups.get(f"{column}:{value}")
            others = [moments.groups[f"{column}:{other}"] for other in values if other != value]
            positives, negatives = having.count if having else 0, sum(other.count for other in others)
            difference = None
            if having and negatives:
                difference = having.mean - torch.stack([other.total for other in others]).sum(0) / negatives
            yield name, kind, positives, negatives, difference


def _probability(direction: Direction, value: float, drawn: bool) -> float | None:
    calibration = direction.seen if drawn and direction.seen is not None else direction
    if calibration.slope is None or calibration.intercept is None:
        return None
    return 1 / (1 + math.exp(-max(-500.0, min(500.0, calibration.slope * value + calibration.intercept))))


def _on_cpu(latents: Tensor, width: int) -> Tensor:
    if latents.ndim != 2 or latents.shape[1] != width:
        raise ValueError(f"latents has shape {tuple(latents.shape)}: give [N, {width}].")
    return latents.detach().to("cpu", torch.float64)
