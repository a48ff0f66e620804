"""Figures against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from modeling_vae.evaluation.fidelity import active_units, bits_per_dimension, psnr, sharpness, ssim


def pictures(n: int = 3, channels: int = 3, height: int = 20, width: int = 24, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, channels, height, width, generator=torch.Generator().manual_seed(seed))


def test_psnr_of_a_known_error():
    x = 0.5 * pictures()
    shift = torch.tensor([0.1, 0.01, 0.25]).view(3, 1, 1, 1)
    expected = -20 * torch.log10(shift.flatten().double())
    torch.testing.assert_close(psnr(x, x + shift), expected, rtol=1e-5, atol=0)
    assert psnr(x, x).isinf().all()


def test_ssim_of_equal_and_of_constant_pictures():
    x = pictures()
    torch.testing.assert_close(ssim(x, x), torch.ones(3, dtype=torch.float64))
    a, b = 0.3, 0.8
    expected = (2 * a * b + 1e-4) / (a * a + b * b + 1e-4)
    flat = torch.ones(1, 1, 16, 16)
    assert ssim(a * flat, b * flat).item() == pytest.approx(expected, abs=1e-6)


def test_ssim_of_an_inverted_picture():
    """Same mean, negated structure: (c2 - 2 v) / (c2 + 2 v) in each window, so near -1 for strong contrast."""
    x = (pictures() > 0.5).float()
    assert (ssim(x, 1 - x) < -0.5).all()


def test_ssim_window_by_window():
    """The definition written out: weighted moments of every 11 x 11 window."""
    a, b = pictures(1, 1, 13, 12, seed=1), pictures(1, 1, 13, 12, seed=2)
    offset = np.arange(11) - 5
    weights = np.exp(-(offset[:, None] ** 2 + offset[None, :] ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    values = []
    for top in range(3):
        for left in range(2):
            x, y = (v[0, 0, top : top + 11, left : left + 11].double().numpy() for v in (a, b))
            mx, my = (weights * x).sum(), (weights * y).sum()
            vx, vy = (weights * (x - mx) ** 2).sum(), (weights * (y - my) ** 2).sum()
            cov = (weights * (x - mx) * (y - my)).sum()
            values.append((2 * mx * my + 1e-4) * (2 * cov + 9e-4) / ((mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4)))
    assert ssim(a, b).item() == pytest.approx(np.mean(values), abs=1e-10)


def test_ssim_matches_scikit_image():
    metrics = pytest.importorskip("skimage.metrics")
    a, b = pictures(2, seed=1), (pictures(2, seed=1) + 0.2 * pictures(2, seed=2)).clamp(0, 1)
    expected = [
        metrics.structural_similarity(
            x.double().numpy(),
            y.double().numpy(),
            channel_axis=0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=1.0,
        )
        for x, y in zip(a, b, strict=True)
    ]
    torch.testing.assert_close(ssim(a, b), torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-9)


def test_sharpness_of_a_ramp_and_of_a_checkerboard():
    """A ramp has no Laplacian; on a checkerboard of 0 and 1 it is +-4 * 255."""
    ramp = torch.linspace(0, 1, 16).expand(1, 1, 16, 16)
    board = (torch.arange(16)[:, None] + torch.arange(16)) % 2
    board = board.float().expand(2, 3, 16, 16)
    assert sharpness(ramp).item() == pytest.approx(0, abs=1e-6)
    torch.testing.assert_close(sharpness(board), torch.full((2,), (4 * 255.0) ** 2, dtype=torch.float64))


def test_sharpness_weighs_colours():
    x = torch.zeros(3, 3, 8, 8)
    for channel in range(3):
        x[channel, channel] = pictures(1, 1, 8, 8)[0, 0]
    torch.testing.assert_close(
        sharpness(x), sharpness(x[:1, :1]) * torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64).square()
    )


def test_bits_per_dimension():
    assert bits_per_dimension(12 * math.log(2), 12) == pytest.approx(1.0)
    # A uniform density says nothing about the level: log2 of 256 levels, but for the half cells at the two ends.
    assert bits_per_dimension(0.0, 12, levels=256) == pytest.approx(math.log2(255))
    torch.testing.assert_close(bits_per_dimension(torch.tensor([0.0, math.log(2)]), 1), torch.tensor([0.0, 1.0]))


def test_active_units():
    means = torch.randn(500, 5, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 0.0, 0.05, 0.2, 3.0])
    assert active_units(means) == 3
    assert active_units(means, threshold=0.001) == 4


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: psnr(pictures(2), pictures(3)), "cannot be compared"),
        (lambda: psnr(pictures(2)[0], pictures(2)[0]), "give \\[N, 1 or 3, height, width\\]"),
        (lambda: ssim(pictures(2, height=10), pictures(2, height=10)), "at least 11 x 11"),
        (lambda: sharpness(pictures(2, height=2)), "at least 3 x 3"),
        (lambda: active_units(torch.zeros(1, 4)), "at least 2 pictures"),
        (lambda: bits_per_dimension(1.0, 0), "dimensions is 0"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
