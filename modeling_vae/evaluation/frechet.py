"""How far apart two sets of pictures are, by their features: Fréchet distance and kernel distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class FeatureStatistics:
    """Mean and covariance of a set of features, in float64 on the CPU.

    Args:
        count: number of pictures n.
        mean: [F].
        scatter: [F, F], the sum over the pictures of (x - mean)(x - mean)^T.
    """

    count: int
    mean: Tensor
    scatter: Tensor

    @classmethod
    def of(cls, features: Tensor) -> FeatureStatistics:
        """The statistics of features [n, F], n at least 1."""
        if features.ndim != 2 or len(features) == 0:
            raise ValueError(f"features has shape {list(features.shape)}; give [n, width] with n at least 1.")
        values = _finite(features)
        mean = values.mean(dim=0)
        centred = values - mean
        return cls(len(values), mean, centred.T @ centred)

    @property
    def covariance(self) -> Tensor:
        """[F, F], unbiased (divided by n - 1); needs at least two pictures."""
        if self.count < 2:
            raise ValueError(f"A covariance needs at least 2 pictures, but there is {self.count}.")
        return self.scatter / (self.count - 1)


def frechet_distance(a: FeatureStatistics | Tensor, b: FeatureStatistics | Tensor) -> float:
    """The squared Fréchet distance of the Gaussians with these means and covariances (Heusel et al. 2017):
    |m_a - m_b|^2 + tr(A + B - 2 (A B)^(1/2)).

    Args:
        a, b: statistics, or features [n, F]. From features it is faster where n is smaller than F.

    The distance is biased upwards for few pictures: figures compare only where the numbers of pictures are equal.
    """
    # With any factors A = X^T X and B = Y^T Y, tr (A B)^(1/2) is the sum of the singular values of X Y^T. No root of
    # a noisy zero is taken, nothing complex appears, and covariances without full rank are nothing special.
    (mean_a, factor_a), (mean_b, factor_b) = _factor(a), _factor(b)
    if mean_a.shape != mean_b.shape:
        raise ValueError(f"Features of width {len(mean_a)} and {len(mean_b)} cannot be compared.")
    traces = factor_a.square().sum() + factor_b.square().sum()
    overlap = torch.linalg.svdvals(factor_a @ factor_b.T).sum()
    distance = (mean_a - mean_b).square().sum() + traces - 2.0 * overlap
    return max(0.0, float(distance))


def _factor(source: FeatureStatistics | Tensor) -> tuple[Tensor, Tensor]:
    """Mean [F] and X [r, F] with X^T X = covariance."""
    if isinstance(source, Tensor) and len(source) < source.shape[-1]:
        values = _finite(source)
        if len(values) < 2:
            raise ValueError(f"A covariance needs at least 2 pictures, but there is {len(values)}.")
        mean = values.mean(dim=0)
        return mean, (values - mean) / (len(values) - 1) ** 0.5
    statistics = FeatureStatistics.of(source) if isinstance(source, Tensor) else source
    eigenvalues, vectors = torch.linalg.eigh(statistics.covariance)
    return statistics.mean, eigenvalues.clamp_min(0.0).sqrt()[:, None] * vectors.T


@dataclass(frozen=True)
class KernelDistance:
    """1000 times the kernel distance: mean over the subsets, and standard deviation between them, None where the only
    subset is all there is."""

    mean: float
    deviation: float | None


def kernel_distance(
    features_a: Tensor, features_b: Tensor, subsets: int = 100, subset_size: int = 500, seed: int = 0
) -> KernelDistance:
    """The kernel inception distance times 1000 (Binkowski et al. 2018): the unbiased estimate of the squared maximum
    mean discrepancy with the kernel (x.y / F + 1)^3, over random subsets. Unbiased also for few pictures, so that
    it is 0 on average, and now and then negative, for two samples of the same set.

    Args:
        features_a, features_b: [n, F] and [m, F].
        subsets: how many pairs of subsets are compared.
        subset_size: pictures in each, drawn without replacement; at most n and m.
        seed: of the subsets.
    """
    if features_a.ndim != 2 or features_b.ndim != 2 or features_a.shape[1] != features_b.shape[1]:
        raise ValueError(f"Features {list(features_a.shape)} and {list(features_b.shape)} cannot be compared.")
    smallest = min(len(features_a), len(features_b))
    if subsets < 1 or not 2 <= subset_size <= smallest:
        raise ValueError(
            f"subsets is {subsets} and subset_size {subset_size}; give at least 1 and from 2 to {smallest}, the "
            "number of pictures in the smaller set."
        )
    a, b = _finite(features_a), _finite(features_b)
    generator = np.random.default_rng(seed)
    whole = subset_size == len(a) == len(b)
    values = []
    for _ in range(1 if whole else subsets):
        x = a[torch.from_numpy(generator.choice(len(a), subset_size, replace=False))]
        y = b[torch.from_numpy(generator.choice(len(b), subset_size, replace=False))]
        values.append(_squared_discrepancy(x, y))
    return KernelDistance(1000.0 * float(np.mean(values)), None if whole else 1000.0 * float(np.std(values)))


def _squared_discrepancy(x: Tensor, y: Tensor) -> float:
    """Unbiased MMD^2 of x [m, F] and y [m, F]."""
    count, width = x.shape

    def kernel(p: Tensor, q: Tensor) -> Tensor:
        return (p @ q.T / width + 1.0) ** 3

    def within(p: Tensor) -> Tensor:
        values = kernel(p, p)
        return (values.sum() - values.diagonal().sum()) / (count * (count - 1))

    return float(within(x) + within(y) - 2.0 * kernel(x, y).mean())


def _finite(features: Tensor) -> Tensor:
    values = features.detach().to("cpu", torch.float64)
    if not bool(torch.isfinite(values).all()):
        raise ValueError("The features hold NaN or infinite numbers; the pictures they come from are broken.")
    return values
