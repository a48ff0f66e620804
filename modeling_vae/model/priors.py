"""The prior fitted to the latents of the training pictures: where the decoder has really been."""

from __future__ import annotations

import math
import os
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from .direction import group_names
from .label_code import LabelCode
from .label_reader import SHAPES as READER
from .label_reader import LabelReader
from .latent_moments import LatentMoments
from .latents import keyframe_path, sample_noise, truncate
from .tensor_files import find_file, read_header, read_part, refuse_other_weights, usable, write_tensors
from .velocity import SHAPES, Velocity
from .velocity import TOLD as LABELS

Network = TypeVar("Network", Velocity, LabelReader)

FILE_NAME = "prior.safetensors"
FORMAT = "flow-prior/1"
GAUSSIAN = {"mean": ("D",), "factor": ("T",)}
"""The shapes of what every prior has, see `tensor_files.Shapes`."""
TOLD = LABELS | READER | {"together": ("C", "C")}
"""Of what one with a flow that was told labels has besides."""
GUIDED = {"guidance": ("C",)}
"""Of what such a one has where it was measured how far each label bends the way."""
PATHS = ("slerp", "linear", "flow")
STEPS = 16
"""Of the way from noise to a latent; 25 bring nothing more."""


class FlowPrior:
    """A Gaussian that a flow carries to where the latents are: near the aggregate posterior.

    Noise x of N(0, I) follows dx/da = v(x, a) from a = 0 to pi / 2, and z = m + L x is a latent. Without a velocity v
    nothing moves, and z is N(m, L L^T): the one Gaussian nearest to the aggregate posterior, N(m, S + E[posterior
    variance]). Flow matching: Lipman, Chen, Ben-Hamu, Nickel and Le 2023; for the way see `Velocity`. That latents of
    a trained autoencoder get a second model as their prior: Dai and Wipf 2019. That a face is taken back to its noise
    by what it shows, and forth by what it shall: StyleFlow, Abdal, Zhu, Mitra and Wonka 2021.

    What it is made of is rounded as it is stored, so that a seed gives the same latents before and after.

    Args:
        mean: m, [D].
        factor: L, [D, D], a lower Cholesky factor.
        velocity: of D dimensions, or None.
        weights_sha256: of the weights of the model that made it.
        labels: that the velocity was told when it learnt, C of them.
        reader: of these labels.
    """

    def __init__(
        self,
        mean: Tensor,
        factor: Tensor,
        velocity: Velocity | None = None,
        weights_sha256: str = "",
        labels: LabelCode | None = None,
        reader: LabelReader | None = None,
    ) -> None:
        self.mean, self.factor = mean.float().double(), factor.tril().half().double()
        self.velocity, self.reader = _as_stored(velocity), _as_stored(reader)
        self.weights_sha256, self.labels = weights_sha256, labels or LabelCode()
        if self.velocity is not None and self.velocity.labels.shape[3] != len(self.labels):
            told = self.velocity.labels.shape[3]
            raise ValueError(f"the velocity is told {told} numbers of labels, and {len(self.labels)} have names.")
        if not (self.factor.diagonal() > 0).all():
            raise ValueError("a prior needs a covariance of full rank: fit it on more pictures.")

    @property
    def covariance(self) -> Tensor:
        """L L^T, [D, D]: that of the aggregate posterior, and a few hundredths more where a flow takes them back."""
        return self.factor @ self.factor.T

    @classmethod
    def from_moments(cls, moments: LatentMoments, weights_sha256: str = "") -> FlowPrior:
        """The one Gaussian nearest to the aggregate posterior."""
        gaussian = moments.aggregate.ridged(1e-6)
        return cls(gaussian.mean, gaussian.factor(), None, weights_sha256)

    def with_labels(self, labels: LabelCode) -> FlowPrior:
        """The same prior with a code of the same labels."""
        return FlowPrior(self.mean, self.factor, self.velocity, self.weights_sha256, labels, self.reader)

    def sample(self, n: int, seed: int, truncation: float = 1.0, like: str = "") -> Tensor:
        """n latents, [n, D] float32: row i of a seed is the same however many are asked for.

        A flow that is told labels goes twice from the same noise: to a draft, and then told what that shows. Between
        kinds of pictures, where a draft is torn, the second is of one kind.

        Args:
            n: how many, at least 0.
            seed: whole number of at least 0.
            truncation: of the noise; 1 leaves it as it is, and towards 0 faces become more ordinary, and more alike.
            like: what they shall show, see `LabelCode.instead`; nothing certain where it is empty.

        Raises:
            ValueError: it is not known what `like` is.
        """
        noise = truncate(sample_noise(n, len(self.mean), seed).double(), torch.zeros_like(self.mean), truncation)
        codes, guidance = torch.zeros(n, len(self.labels), dtype=torch.float64), None
        for _ in range(1 if self.reader is None else 2):
            if like and n:
                codes = torch.stack([self.labels.instead(code, like) for code in codes])
                guidance = self.labels.guidance_of(like)
            latents = self.latents_of(noise, codes, guidance)
            codes = self.shown(latents)
        return latents.float()

    def latents_of(self, noise: Tensor, codes: Tensor | None = None, guidance: float | Tensor | None = None) -> Tensor:
        """Where the flow takes noise: [N, D] -> latents [N, D], float64.

        Args:
            noise: [N, D].
            codes: [N, C] of what the pictures shall show.
            guidance: see `LabelCode.guidance`; one for all, or [N, 1]; 1 where none is given.
        """
        result: Tensor = self.mean + self._moved(noise.double(), 0.0, math.pi / 2, codes, guidance) @ self.factor.T
        return result

    def noise_of(self, latents: Tensor, codes: Tensor | None = None) -> Tensor:
        """The noise that the flow takes to latents, but for what its steps miss: [N, D] -> [N, D], float64.

        Args:
            latents: [N, D].
            codes: [N, C] of what their pictures show.
        """
        return self._moved(self.whitened(latents), math.pi / 2, 0.0, codes)

    def shown(self, latents: Tensor) -> Tensor:
        """What the pictures of latents [N, D] show, codes [N, C]."""
        if self.reader is None:
            return torch.zeros(len(latents), len(self.labels), dtype=torch.float64)
        return self.labels.likely(self.reader(self.whitened(latents)))

    def become(self, latent: Tensor, target: str, shares: Tensor) -> Tensor:
        """A latent [1, D] on its way to another value of some columns, all else as it is: [S, D] float32.

        Its noise, taken back by what it shows, goes forth by what is asked for. What noise does not hold stays.

        Args:
            latent: of a face.
            target: what it shall show, see `LabelCode.instead`.
            shares: [S] of the way, 0 to 1: the code goes from one to the other in a straight line.

        Raises:
            ValueError: it is not known what the target is.
        """
        now, shares = self.shown(latent), shares.double()[:, None]
        wanted = self.labels.instead(now[0], target)
        noise = self.noise_of(latent, now)
        missed = latent.double().cpu() - self.latents_of(noise, now)
        codes = now + shares * (wanted - now)
        guidance = 1 + shares * (self.labels.guidance_of(target) - 1)
        return (self.latents_of(noise.expand(len(shares), -1), codes, guidance) + missed).float()

    def whitened(self, latents: Tensor) -> Tensor:
        """L^-1 (z - m): latents [N, D] -> [N, D], float64."""
        centred = (latents.double().cpu() - self.mean).T
        result: Tensor = torch.linalg.solve_triangular(self.factor, centred, upper=False).T
        return result

    def path(self, keyframes: Tensor, frames: int, easing: str = "smooth", closed: bool = False) -> Tensor:
        """The latents of a film through keyframes [K, D] along which each is a likely one: [frames, D] float32.

        The noise goes round the origin, and the flow takes it to latents. So between two faces of different kinds
        there are faces of one kind or the other, and not what is half of each.

        Args:
            keyframes, frames, easing, closed: see `keyframe_path`; all keyframes are met.
        """
        noise = self.noise_of(keyframes)
        missed = keyframes.double().cpu() - self.latents_of(noise)
        likely = self.latents_of(keyframe_path(noise, frames, "slerp", easing, closed))
        return (likely + keyframe_path(missed, frames, "linear", easing, closed)).float()

    def _moved(
        self, x: Tensor, start: float, end: float, codes: Tensor | None = None, guidance: float | Tensor | None = None
    ) -> Tensor:
        """x [N, D] after it followed the velocity from one angle to another, by Heun's method."""
        if self.velocity is None:
            return x
        step = (end - start) / STEPS
        for k in range(STEPS):
            here = self._velocity(x, start + k * step, codes, guidance)
            there = self._velocity(x + step * here, start + (k + 1) * step, codes, guidance)
            x = x + step / 2 * (here + there)
        return x

    def _velocity(self, x: Tensor, angle: float, codes: Tensor | None, guidance: float | Tensor | None) -> Tensor:
        """That of x [N, D], bent towards what its codes [N, C] ask for."""
        assert self.velocity is not None
        angles = x.new_full((len(x),), angle)
        told: Tensor = self.velocity(x, angles, None if codes is None else codes.to(x))
        if guidance is None:
            return told
        plain: Tensor = self.velocity(x, angles)
        return plain + guidance * (told - plain)

    def tensors(self) -> dict[str, Tensor]:
        """What it is made of, as it is stored. Of the factor, half the numbers are zero, and left out."""
        rows, columns = torch.tril_indices(*self.factor.shape)
        flow = {} if self.velocity is None else self.velocity.state_dict()
        read = {} if self.reader is None else self.reader.state_dict()
        told = {f"read.{name}": weight for name, weight in read.items()} | {
            "together": self.labels.together,
            "guidance": self.labels.guidance,
        }
        gaussian = {"mean": self.mean.float(), "factor": self.factor[rows, columns].half()}
        return gaussian | {name: weight.half() for name, weight in (flow | told).items() if weight.numel()}

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write prior.safetensors into a folder; whole or not at all."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        description = {"format": FORMAT, "weights_sha256": self.weights_sha256, "labels": self.labels.names}
        write_tensors(Path(folder) / FILE_NAME, self.tensors(), description)

    @classmethod
    def from_pretrained(
        cls, folder_or_id: str | os.PathLike[str], *, latent_dim: int | None = None, **hub: Any
    ) -> FlowPrior:
        """Read prior.safetensors from a folder or a Hub repository (`revision=`, `token=`, `cache_dir=`).

        Args:
            folder_or_id: where it is.
            latent_dim: that it must have, where that is known.

        Raises:
            ValueError: it is damaged, or holds what no prior can be; the message says what.
        """
        path = find_file(folder_or_id, FILE_NAME, **hub)
        found = read_header(path)
        flows, told = "up" in found, "together" in found
        shapes = (
            GAUSSIAN | (SHAPES if flows else {}) | (TOLD if told else {}) | (GUIDED if "guidance" in found else {})
        )
        tensors, description = read_part(path, FORMAT, shapes, latent_dim)
        with usable(path):
            mean, packed = tensors.pop("mean"), tensors.pop("factor")
            dimensions = len(mean)
            if len(packed) != dimensions * (dimensions + 1) // 2:
                raise ValueError(f"factor has the shape {[*packed.shape]}, where {dimensions} dimensions are due.")
            factor = torch.zeros(dimensions, dimensions, dtype=packed.dtype)
            rows, columns = torch.tril_indices(dimensions, dimensions)
            factor[rows, columns] = packed
            if not flows:
                return cls(mean, factor, None, description["weights_sha256"])
            labels = LabelCode(
                group_names(description.get("labels", [])), tensors.get("together"), tensors.get("guidance")
            )
            reader = LabelReader.of(tensors) if told else None
            velocity = Velocity.of({name: tensors[name] for name in SHAPES | LABELS if name in tensors})
            return cls(mean, factor, velocity, description["weights_sha256"], labels, reader)

    def check_weights(self, sha256: str) -> None:
        """Raise a ValueError where this prior belongs to other weights."""
        refuse_other_weights("this prior belongs", self.weights_sha256, sha256)


def _as_stored(network: Network | None) -> Network | None:
    """A copy, rounded to what is stored, that computes in float64."""
    return None if network is None else deepcopy(network).half().double().requires_grad_(False)


def latent_path(
    prior: FlowPrior | None, keyframes: Tensor, frames: int, path: str, easing: str, closed: bool
) -> Tensor:
    """The latents [frames, D] of a morph through latents [K, D], see `keyframe_path` and `FlowPrior.path`."""
    if path not in PATHS:
        raise ValueError(f"path is {path!r}; choose {', '.join(map(repr, PATHS))}.")
    if path == "flow" and prior is not None:
        return prior.path(keyframes, frames, easing, closed)
    # without a fitted prior latents are their own noise
    return keyframe_path(keyframes, frames, "slerp" if path == "flow" else path, easing, closed)
