"""The prior fitted to the latents of the training pictures: where the decoder has really been."""

from __future__ import annotations

import math
import os
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .latent_moments import LatentMoments
from .latents import keyframe_path, sample_noise, truncate
from .tensor_files import find_file, read_header, read_part, refuse_other_weights, usable, write_tensors
from .velocity import SHAPES, Velocity

FILE_NAME = "prior.safetensors"
FORMAT = "flow-prior/1"
GAUSSIAN = {"mean": ("D",), "factor": ("T",)}
"""The shapes of what every prior has, see `tensor_files.Shapes`."""
PATHS = ("slerp", "linear", "flow")
STEPS = 16
"""Of the way from noise to a latent; 25 bring nothing more."""


class FlowPrior:
    """A Gaussian that a flow carries to where the latents are: near the aggregate posterior.

    Noise x of N(0, I) follows dx/da = v(x, a) from a = 0 to pi / 2, and z = m + L x is a latent. Without a velocity v
    nothing moves, and z is N(m, L L^T): the one Gaussian nearest to the aggregate posterior, N(m, S + E[posterior
    variance]). Flow matching: Lipman, Chen, Ben-Hamu, Nickel and Le 2023; for the way see `Velocity`. That latents of
    a trained autoencoder get a second model as their prior: Dai and Wipf 2019.

    What it is made of is rounded as it is stored, so that a seed gives the same latents before and after.

    Args:
        mean: m, [D].
        factor: L, [D, D], a lower Cholesky factor.
        velocity: of D dimensions, or None.
        weights_sha256: of the weights of the model that made it.
    """

    def __init__(
        self, mean: Tensor, factor: Tensor, velocity: Velocity | None = None, weights_sha256: str = ""
    ) -> None:
        self.mean, self.factor = mean.float().double(), factor.tril().half().double()
        self.velocity = None if velocity is None else deepcopy(velocity).half().double().requires_grad_(False)
        self.weights_sha256 = weights_sha256
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

    def sample(self, n: int, seed: int, truncation: float = 1.0) -> Tensor:
        """n latents, [n, D] float32: row i of a seed is the same however many are asked for.

        Args:
            n: how many, at least 0.
            seed: whole number of at least 0.
            truncation: of the noise; 1 leaves it as it is, and towards 0 faces become more ordinary, and more alike.
        """
        noise = sample_noise(n, len(self.mean), seed).double()
        return self.latents_of(truncate(noise, torch.zeros_like(self.mean), truncation)).float()

    def latents_of(self, noise: Tensor) -> Tensor:
        """Where the flow takes noise: [N, D] -> latents [N, D], float64."""
        result: Tensor = self.mean + self._moved(noise.double(), 0.0, math.pi / 2) @ self.factor.T
        return result

    def noise_of(self, latents: Tensor) -> Tensor:
        """The noise that the flow takes to latents, but for what its steps miss: [N, D] -> [N, D], float64."""
        return self._moved(self.whitened(latents), math.pi / 2, 0.0)

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

    def _moved(self, x: Tensor, start: float, end: float) -> Tensor:
        """x [N, D] after it followed the velocity from one angle to another, by Heun's method."""
        if self.velocity is None:
            return x
        step = (end - start) / STEPS
        for k in range(STEPS):
            here = self.velocity(x, x.new_full((len(x),), start + k * step))
            there = self.velocity(x + step * here, x.new_full((len(x),), start + (k + 1) * step))
            x = x + step / 2 * (here + there)
        return x

    def tensors(self) -> dict[str, Tensor]:
        """What it is made of, as it is stored. Of the factor, half the numbers are zero, and left out."""
        rows, columns = torch.tril_indices(*self.factor.shape)
        flow = {} if self.velocity is None else self.velocity.state_dict()
        gaussian = {"mean": self.mean.float(), "factor": self.factor[rows, columns].half()}
        return gaussian | {name: weight.half() for name, weight in flow.items()}

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write prior.safetensors into a folder; whole or not at all."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        description = {"format": FORMAT, "weights_sha256": self.weights_sha256}
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
        flows = len(read_header(path)) > 2
        tensors, description = read_part(path, FORMAT, GAUSSIAN | (SHAPES if flows else {}), latent_dim)
        with usable(path):
            mean, packed = tensors.pop("mean"), tensors.pop("factor")
            dimensions = len(mean)
            if len(packed) != dimensions * (dimensions + 1) // 2:
                raise ValueError(f"factor has the shape {[*packed.shape]}, where {dimensions} dimensions are due.")
            factor = torch.zeros(dimensions, dimensions, dtype=packed.dtype)
            rows, columns = torch.tril_indices(dimensions, dimensions)
            factor[rows, columns] = packed
            velocity = Velocity.of(tensors) if flows else None
            return cls(mean, factor, velocity, description["weights_sha256"])

    def check_weights(self, sha256: str) -> None:
        """Raise a ValueError where this prior belongs to other weights."""
        refuse_other_weights("this prior belongs", self.weights_sha256, sha256)


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
