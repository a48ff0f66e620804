"""The spectrum term: as much of every fineness as the picture has."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch

from modeling_vae.training.terms.spectrum_term import FLOOR, SpectrumTerm, log_spectrum, rings_of


def noise(seed=0, size=(32, 32), spread=0.1):
    return 0.5 + spread * torch.randn(4, 3, *size, generator=torch.Generator().manual_seed(seed))


def distance(reconstruction, pixel_values, weight=1.0):
    noted = {}
    batch = SimpleNamespace(reconstruction=reconstruction, pixel_values=pixel_values, note=noted.update)
    result = SpectrumTerm(weight)(batch)
    torch.testing.assert_close(result, weight * noted["spectrum"])
    return result.item()


def test_white_noise_has_its_variance_at_every_frequency():
    power = log_spectrum(noise(size=(64, 48), spread=0.2)).exp().mean((0, 1))
    torch.testing.assert_close(power, torch.full((12,), 0.04), rtol=0.2, atol=0)


@pytest.mark.parametrize(("cycles", "ring"), [(3, 2), (8, 4), (15, 8)])
def test_a_wave_is_in_the_ring_of_its_frequency(cycles, ring):
    across = torch.arange(32) / 32 * cycles * 2 * math.pi
    wave = (0.5 + 0.3 * across.sin()).expand(1, 1, 32, 32)
    assert log_spectrum(wave)[0, 0].argmax() == ring - 1  # the mean of the picture has none
    counts = torch.bincount(rings_of(32, 32))
    assert len(counts) == 9 and counts[0] == 1 and counts.min() > 0


def test_it_asks_for_the_contrast_of_the_picture_and_not_for_its_pixels():
    """Half the contrast is a quarter of the power; which picture it is, and how bright, makes no difference."""
    pictures = noise()
    assert distance(pictures, pictures) == 0.0
    veiled = 0.4 + 0.5 * (pictures - pictures.mean((2, 3), keepdim=True))
    assert distance(veiled, pictures, weight=3.0) == pytest.approx(3 * math.log(4), rel=1e-3)
    assert distance(noise(1), pictures) < 0.4 < 1.5 < distance(noise(1, spread=0.02), pictures)


def test_its_gradient_brings_the_fineness_back_that_a_blur_took():
    pictures = noise()
    blurred = torch.nn.functional.avg_pool2d(pictures, 3, 1, 1).requires_grad_()
    optimizer = torch.optim.Adam([blurred], lr=0.01)
    before = distance(blurred, pictures)
    for _ in range(30):
        optimizer.zero_grad()
        (log_spectrum(blurred) - log_spectrum(pictures)).abs().mean().backward()
        optimizer.step()
    assert distance(blurred, pictures) < 0.3 * before


def test_a_flat_picture_has_a_finite_spectrum():
    flat = torch.full((1, 3, 16, 16), 0.5, requires_grad=True)
    spectrum = log_spectrum(flat)
    spectrum.sum().backward()
    torch.testing.assert_close(spectrum, torch.full_like(spectrum, math.log(FLOOR)), rtol=1e-3, atol=1e-3)
    assert flat.grad is not None and flat.grad.isfinite().all()
