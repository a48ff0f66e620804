"""A Gaussian of latents."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Gaussian:
    """N(mean, covariance).

    Args:
        mean: [D].
        covariance: [D, D], symmetric.
    """

    mean: Tensor
    covariance: Tensor

    def ridged(self, share: float) -> Gaussian:
        """With this share of the mean variance added to every dimension's own."""
        ridge = share * self.covariance.diagonal().mean()
        eye = torch.eye(len(self.mean), dtype=self.covariance.dtype, device=self.covariance.device)
        return Gaussian(self.mean, self.covariance + ridge * eye)

    def factor(self) -> Tensor:
        """The lower Cholesky factor of the covariance, [D, D].

        Raises:
            ValueError: it is not positive definite.
        """
        factor: Tensor
        factor, info = torch.linalg.cholesky_ex(self.covariance)
        if info.item():
            raise ValueError("the covariance of the latents is not positive definite: fit it on more pictures.")
        return factor

    def root(self) -> Tensor:
        """The symmetric root of the covariance, [D, D], which changes as little as the covariance does."""
        values, vectors = torch.linalg.eigh(self.covariance)
        root: Tensor = vectors * values.clamp_min(0).sqrt() @ vectors.T
        return root
