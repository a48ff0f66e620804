"""Priors fitted to the latents of the training pictures: where the decoder has really been."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .latent_moments import LatentMoments
from .latents import sample_noise, truncate
from .tensor_files import find_file, read_part, refuse_other_weights, usable, write_tensors

FILE_NAME = "prior.safetensors"
FORMAT = "mixture-prior/1"


class MixturePrior:
    """A mixture of K Gaussians, near the aggregate posterior; with K = 1, N(m, S + E[posterior variance]).

    What it is made of is rounded as it is stored, so that a seed gives the same latents before and after.

    Args:
        weights: [K], positive, of sum 1.
        means: [K, D].
        factors: [K, D, D], lower Cholesky factors of the covariances.
        weights_sha256: of the weights of the model that made it.
    """

    def __init__(self, weights: Tensor, means: Tensor, factors: Tensor, weights_sha256: str = "") -> None:
        self.weights = (weights.double() / weights.double().sum()).float().double()
        self.means, self.factors = means.float().double(), factors.tril().half().double()
        self.weights_sha256 = weights_sha256
        positive = (weights > 0).all() and (self.weights > 0).all()
        if not positive or not (self.factors.diagonal(dim1=1, dim2=2) > 0).all():
            raise ValueError("a prior needs positive weights and covariances of full rank: fit it on more pictures.")
        self.mean = self.weights @ self.means

    @property
    def covariance(self) -> Tensor:
        """Of the whole mixture, [D, D]."""
        spread = self.means - self.mean
        within = torch.einsum("k,kij,klj->il", self.weights, self.factors, self.factors)
        return within + spread.T @ (self.weights[:, None] * spread)

    @classmethod
    def from_moments(cls, moments: LatentMoments, weights_sha256: str = "") -> MixturePrior:
        """The one Gaussian nearest to the aggregate posterior."""
        gaussian = moments.aggregate.ridged(1e-6)
        return cls(torch.ones(1), gaussian.mean[None], gaussian.factor()[None], weights_sha256)

    def sample(self, n: int, seed: int, truncation: float = 1.0) -> Tensor:
        """n latents, [n, D] float32: row i of a seed is the same however many are asked for.

        Args:
            n: how many, at least 0.
            seed: whole number of at least 0.
            truncation: 1 leaves them as they are, towards 0 each comes nearer to the mean of its own Gaussian, along
                that Gaussian's axes. (The mean of all of them is no ordinary picture: half a hat and half a bun.)
        """
        dimensions = len(self.mean)
        noise = sample_noise(n, dimensions + 1, seed).double()
        uniform = torch.special.ndtr(noise[:, dimensions].contiguous())
        component = torch.searchsorted(self.weights.cumsum(0)[:-1].contiguous(), uniform)
        ordinary = truncate(noise[:, :dimensions], torch.zeros(dimensions), truncation)
        latents = torch.empty_like(ordinary)
        for k, (mean, factor) in enumerate(zip(self.means, self.factors, strict=True)):
            latents[component == k] = mean + ordinary[component == k] @ factor.T
        return latents.float()

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write prior.safetensors into a folder; whole or not at all. Of the factors, half the numbers are zero."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        rows, columns = torch.tril_indices(*self.factors.shape[1:])
        tensors = {
            "weights": self.weights.float(),
            "means": self.means.float(),
            "factors": self.factors[:, rows, columns].half(),
        }
        write_tensors(Path(folder) / FILE_NAME, tensors, {"format": FORMAT, "weights_sha256": self.weights_sha256})

    @classmethod
    def from_pretrained(
        cls, folder_or_id: str | os.PathLike[str], *, latent_dim: int | None = None, **hub: Any
    ) -> MixturePrior:
        """Read prior.safetensors from a folder or a Hub repository (`revision=`, `token=`, `cache_dir=`).

        Args:
            folder_or_id: where it is.
            latent_dim: that it must have, where that is known.

        Raises:
            ValueError: it is damaged, or holds what no prior can be; the message says what.
        """
        path = find_file(folder_or_id, FILE_NAME, **hub)
        shapes = {"weights": ("K",), "means": ("K", "D"), "factors": ("K", "T")}
        tensors, description = read_part(path, FORMAT, shapes, latent_dim)
        with usable(path):
            weights, means, packed = (tensors[name] for name in ("weights", "means", "factors"))
            count, dimensions = means.shape
            if not count or packed.shape[1] != dimensions * (dimensions + 1) // 2:
                raise ValueError(f"factors has the shape {[*packed.shape]}, where {dimensions} dimensions are due.")
            factors = torch.zeros(count, dimensions, dimensions, dtype=packed.dtype)
            rows, columns = torch.tril_indices(dimensions, dimensions)
            factors[:, rows, columns] = packed
            return cls(weights, means, factors, description["weights_sha256"])

    def check_weights(self, sha256: str) -> None:
        """Raise a ValueError where this prior belongs to other weights."""
        refuse_other_weights("this prior belongs", self.weights_sha256, sha256)


def log_densities(latents: Tensor, weights: Tensor, means: Tensor, factors: Tensor) -> Tensor:
    """log(weight_k N(z; mean_k, factor_k factor_k^T)) of latents [N, D], for weights [K] and so on: [N, K]."""
    columns = []
    for weight, mean, factor in zip(weights, means, factors, strict=True):
        whitened = torch.linalg.solve_triangular(factor, (latents - mean).T, upper=False)
        constant = weight.log() - factor.diagonal().log().sum() - len(mean) / 2 * math.log(2 * math.pi)
        columns.append(constant - whitened.square().sum(0) / 2)
    return torch.stack(columns, dim=1)
