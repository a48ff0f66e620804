"""Fréchet and kernel distances against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from modeling_vae.evaluation.frechet import FeatureStatistics, frechet_distance, kernel_distance


def normal(n: int, width: int, seed: int) -> torch.Tensor:
    return torch.randn(n, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def gaussian(mean: torch.Tensor, covariance: torch.Tensor) -> FeatureStatistics:
    return FeatureStatistics(101, mean.double(), 100 * covariance.double())


def test_statistics_are_mean_and_covariance():
    x = normal(50, 7, seed=0) * 3 + 100
    statistics = FeatureStatistics.of(x.float())
    torch.testing.assert_close(statistics.mean, x.float().double().mean(0))
    torch.testing.assert_close(statistics.covariance, torch.cov(x.float().double().T))


def test_distance_of_two_diagonal_gaussians():
    """Commuting covariances: |m_a - m_b|^2 + sum of (deviation_a - deviation_b)^2."""
    m_a, m_b = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.0, 2.0, 5.0])
    s_a, s_b = torch.tensor([1.0, 2.0, 0.0]), torch.tensor([3.0, 0.5, 4.0])
    expected = float((m_a - m_b).square().sum() + (s_a - s_b).square().sum())
    distance = frechet_distance(gaussian(m_a, torch.diag(s_a**2)), gaussian(m_b, torch.diag(s_b**2)))
    assert distance == pytest.approx(expected, rel=1e-12)


def test_distance_of_two_tilted_gaussians():
    """2 x 2: tr (A B)^(1/2) = sqrt(tr(A B) + 2 sqrt(det(A B)))."""
    a, b = (v.T @ v for v in (normal(2, 2, seed=2), normal(2, 2, seed=3)))
    root = math.sqrt(float((a @ b).trace()) + 2 * math.sqrt(float(torch.det(a @ b))))
    expected = float(a.trace() + b.trace()) - 2 * root
    zero = torch.zeros(2)
    assert frechet_distance(gaussian(zero, a), gaussian(zero, b)) == pytest.approx(expected, rel=1e-9)


def test_distance_is_symmetric_zero_for_equal_sets_and_indifferent_to_rotation():
    x, y = normal(80, 6, seed=4), normal(60, 6, seed=5) * 2 + 1
    turn = torch.linalg.qr(normal(6, 6, seed=6)).Q
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(x, y) == pytest.approx(frechet_distance(y, x), rel=1e-12)
    assert frechet_distance(x @ turn, y @ turn) == pytest.approx(frechet_distance(x, y), rel=1e-12)


@pytest.mark.parametrize(("n", "m"), [(12, 10), (12, 100), (100, 12)])
def test_few_features_give_the_same_distance_as_their_statistics(n, m):
    """Fewer pictures than features: covariances without full rank."""
    x, y = normal(n, 30, seed=7), normal(m, 30, seed=8) + 0.3
    expected = frechet_distance(FeatureStatistics.of(x), FeatureStatistics.of(y))
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)


def test_distance_matches_scipy():
    linalg = pytest.importorskip("scipy.linalg")
    x, y = normal(200, 8, seed=9), normal(150, 8, seed=10) @ normal(8, 8, seed=11)
    a, b = FeatureStatistics.of(x), FeatureStatistics.of(y)
    root = np.real(linalg.sqrtm((a.covariance @ b.covariance).numpy()))
    expected = float((a.mean - b.mean).square().sum() + (a.covariance + b.covariance).trace()) - 2 * np.trace(root)
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-8)


def test_kernel_distance_written_out():
    """One subset that is the whole set: the unbiased estimate as a double sum."""
    x, y = normal(5, 3, seed=12), normal(5, 3, seed=13) + 0.5

    def k(p, q):
        return (float(p @ q) / 3 + 1) ** 3

    within = sum((k(x[i], x[j]) + k(y[i], y[j])) for i in range(5) for j in range(5) if i != j) / 20
    across = sum(k(p, q) for p in x for q in y) / 25
    result = kernel_distance(x, y, subsets=2, subset_size=5)
    assert result.mean == pytest.approx(1000 * (within - 2 * across))
    assert result.deviation is None  # there is no other subset
    assert kernel_distance(x, torch.cat([y, y + 1]), subsets=9, subset_size=5).deviation > 0


def test_kernel_distance_of_samples_of_one_set_is_near_zero_and_grows_with_the_shift():
    x, y = normal(400, 8, seed=14), normal(400, 8, seed=15)
    same = kernel_distance(x, y, subsets=50, subset_size=100)
    near, far = (kernel_distance(x, y + shift, subsets=50, subset_size=100).mean for shift in (0.5, 1.0))
    assert abs(same.mean) < 3 * same.deviation and abs(same.mean) < 0.1 * near < 0.1 * far
    assert kernel_distance(x, y, subsets=5, subset_size=50, seed=1) == kernel_distance(x, y, 5, 50, seed=1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: FeatureStatistics.of(torch.zeros(0, 3)), "n at least 1"),
        (lambda: FeatureStatistics.of(torch.full((2, 3), math.nan)), "NaN or infinite"),
        (lambda: FeatureStatistics.of(torch.zeros(1, 3)).covariance, "at least 2 pictures"),
        (lambda: frechet_distance(torch.zeros(2, 3), torch.zeros(2, 4)), "cannot be compared"),
        (lambda: frechet_distance(torch.zeros(1, 3), torch.zeros(2, 3)), "at least 2 pictures"),
        (lambda: kernel_distance(torch.zeros(9, 3), torch.zeros(9, 3), subset_size=10), "from 2 to 9"),
        (lambda: kernel_distance(torch.zeros(9, 3), torch.zeros(9, 4), subset_size=5), "cannot be compared"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
