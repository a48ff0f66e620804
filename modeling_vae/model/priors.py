"""Priors fitted to the latents of the training pictures: where the decoder has really been."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import Tensor

from .latent_moments import LatentMoments
from .latents import sample_noise, truncate
from .tensor_files import find_file, read_tensors, refuse_other_weights, write_tensors

FILE_NAME = "prior.safetensors"


class GaussianPrior:
    """N(mean, covariance), the Gaussian nearest to the aggregate posterior: covariance S + E[posterior variance].

    Args:
        mean: [D].
        covariance: [D, D], positive definite.
        weights_sha256: of the weights of the model that made it.
    """

    def __init__(self, mean: Tensor, covariance: Tensor, weights_sha256: str = "") -> None:
        # rounded as it is stored, so that a seed gives the same latents before and after
        self.mean, self.covariance = mean.float().double(), covariance.float().double()
        self.weights_sha256 = weights_sha256
        factor, info = torch.linalg.cholesky_ex(self.covariance)
        if info.item():
            raise ValueError("the prior's covariance is not positive definite: fit it on more pictures.")
        self._factor = factor

    @classmethod
    def from_moments(cls, moments: LatentMoments, weights_sha256: str = "") -> GaussianPrior:
        spread = moments.covariance
        ridge = 1e-6 * spread.diagonal().mean() * torch.ones(len(spread), dtype=spread.dtype)
        return cls(moments.mean, spread + torch.diag(moments.posterior_variance + ridge), weights_sha256)

    def sample(self, n: int, seed: int, truncation: float = 1.0) -> Tensor:
        """n latents, [n, D] float32: row i of a seed is the same however many are asked for.

        Args:
            n: how many, at least 0.
            seed: whole number of at least 0.
            truncation: 1 leaves them as they are, towards 0 they come nearer to the mean.
        """
        noise = sample_noise(n, len(self.mean), seed).double()
        return truncate(self.mean + noise @ self._factor.T, self.mean, truncation).float()

    def negative_log_likelihood(self, latents: Tensor) -> Tensor:
        """-log p(z) in nats of latents [N, D]: [N]."""
        gaussian = torch.distributions.MultivariateNormal(self.mean, scale_tril=self._factor)
        return -gaussian.log_prob(latents.detach().to("cpu", torch.float64))

    def distance(self, latents: Tensor) -> Tensor:
        """How far out latents [N, D] lie: Mahalanobis distance / sqrt(D), about 1 for ordinary ones, [N]."""
        centred = latents.detach().to("cpu", torch.float64) - self.mean
        whitened = torch.linalg.solve_triangular(self._factor, centred.T, upper=False)
        return whitened.square().mean(0).sqrt()

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write prior.safetensors into a folder; whole or not at all."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        tensors = {"mean": self.mean.float(), "covariance": self.covariance.float()}
        write_tensors(
            Path(folder) / FILE_NAME, tensors, {"format": "gaussian-prior/1", "weights_sha256": self.weights_sha256}
        )

    @classmethod
    def from_pretrained(cls, folder_or_id: str | os.PathLike[str], **hub: object) -> GaussianPrior:
        """Read prior.safetensors from a folder or a Hub repository (`revision=`, `token=`, `cache_dir=`)."""
        path = find_file(folder_or_id, FILE_NAME, **hub)
        tensors, metadata = read_tensors(path)
        try:
            return cls(tensors["mean"], tensors["covariance"], metadata["weights_sha256"])
        except KeyError as error:
            raise ValueError(f"{path} holds no Gaussian prior (it lacks {error}): fetch or write it again.") from error

    def check_weights(self, sha256: str) -> None:
        """Raise a ValueError where this prior belongs to other weights."""
        refuse_other_weights("this prior belongs", self.weights_sha256, sha256)
