"""Directions fitted by a pass over pictures, their held-out figures and calibration."""

import numpy as np
import pytest
import torch
from tiny import tiny_model

from modeling_vae.fitting.fit_directions import FittedDirections, calibrate, fit_directions
from modeling_vae.fitting.latent_passes import latent_moments, read_held_out, read_training
from modeling_vae.model.modeling_image_vae import VAEModel
from modeling_vae.ranking import auc

ATTRIBUTES = {"bright": "boolean", "level": "numeric", "tint": "category"}


def batches(count: int, seed: int, size: int = 32):
    """Pictures that are bright or dark, with their level and strongest colour."""
    generator = torch.Generator().manual_seed(seed)
    for start in range(0, count, size):
        number = min(size, count - start)
        level = torch.rand(number, 3, 1, 1, generator=generator)
        pixels = (level + 0.1 * torch.rand(number, 3, 32, 32, generator=generator)).clamp(0, 1)
        mean = level.mean((1, 2, 3))
        labels = {
            "bright": [None if i % 4 == 0 else bool(m > 0.5) for i, m in enumerate(mean)],
            "level": mean.tolist(),
            "tint": [["red", "green", "blue"][i] for i in level[:, :, 0, 0].argmax(1).tolist()],
        }
        yield pixels, labels


def fitted_to(model: VAEModel, training, held_out, attributes: dict[str, str], sha256: str = "") -> FittedDirections:
    found = read_held_out(model, held_out, attributes)
    return fit_directions(latent_moments(model, training, attributes), found, weights_sha256=sha256)


@pytest.mark.parametrize("positive", [[0, 0, 1, 1], [1, 0, 1, 0], [1, 1, 1, 0]])
@pytest.mark.parametrize("scores", [[1.0, 2, 3, 4], [1.0, 1, 2, 2], [3.0, 3, 3, 3]])
def test_auc_is_the_chance_that_a_positive_scores_higher(scores, positive):
    s, p = np.array(scores), np.array(positive, bool)
    pairs = [(a > b) + 0.5 * (a == b) for a in s[p] for b in s[~p]]
    assert auc(torch.from_numpy(s), torch.from_numpy(p)) == pytest.approx(np.mean(pairs))


def test_calibration_finds_the_true_probabilities():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=20000)
    positive = rng.random(20000) < 1 / (1 + np.exp(-(1.7 * scores - 0.6)))
    slope, intercept = calibrate(scores, positive)
    assert slope == pytest.approx(1.7, abs=0.08) and intercept == pytest.approx(-0.6, abs=0.06)


def test_calibration_of_separable_scores_stays_finite():
    slope, intercept = calibrate(np.array([-2.0, -1, 1, 2]), np.array([False, False, True, True]))
    assert 0 < slope < 100 and abs(intercept) < 1


def test_the_pass_equals_the_direct_computation_whatever_the_batch():
    model = tiny_model()
    pixels, labels = next(batches(200, 0, 200))
    whole = latent_moments(model, [(pixels, labels)], ATTRIBUTES)
    parts = []
    for start in range(0, 200, 33):
        rows = slice(start, start + 33)
        parts.append((pixels[rows], {name: values[rows] for name, values in labels.items()}))
    pieces = latent_moments(model, parts, ATTRIBUTES)
    with torch.no_grad():
        latents = model.encode(pixels).mean.double()
    for moments in (whole, pieces):
        torch.testing.assert_close(moments.covariance, torch.cov(latents.T, correction=0), rtol=1e-5, atol=1e-9)
        red = latents[[tint == "red" for tint in labels["tint"]]].mean(0)
        torch.testing.assert_close(moments.groups["tint:red"].mean, red, rtol=1e-5, atol=1e-8)


def test_shares_of_the_pass_are_the_pass():
    """The same draws to the bit, and sums that differ in the order of their addition alone."""
    model, every = tiny_model(), list(batches(200, 0))
    whole = read_training(model, every, ATTRIBUTES, mirrored=True)
    shares = [read_training(model, every[i::3], ATTRIBUTES, mirrored=True, share=(i, 3)) for i in range(3)]
    merged = shares[0].merge(shares[1]).merge(shares[2])
    (draws, said), (all_draws, all_said) = merged.draws.chosen(), whole.draws.chosen()
    assert torch.equal(draws, all_draws) and said == all_said
    assert said.count(()) == 200, "of mirror images nobody said anything"
    assert (whole.moments.count, whole.everything.count) == (200, 400)
    for ours, theirs in ((merged.moments, whole.moments), (merged.everything, whole.everything)):
        assert ours.count == theirs.count and ours.groups.keys() == theirs.groups.keys()
        torch.testing.assert_close(ours.products, theirs.products, rtol=1e-13, atol=0)
        for name, sums in theirs.groups.items():
            torch.testing.assert_close(ours.groups[name].mean, sums.mean, rtol=1e-13, atol=1e-14)


def test_fitted_directions_tell_what_they_are_worth():
    """A random encoder keeps brightness well enough to be read off pictures that it has not seen."""
    model = tiny_model()
    fitted = fitted_to(model, batches(600, 1), batches(300, 2), ATTRIBUTES, "ab" * 32)
    assert fitted.refused == {}
    known = fitted.directions.directions
    assert list(known) == ["bright", "level", "tint:blue", "tint:green", "tint:red"]
    assert known["bright"].held_out > 0.9 and known["level"].held_out > 0.8
    pixels, labels = next(batches(300, 3, 300))
    with torch.no_grad():
        readings = fitted.directions.read(model.encode(pixels).mean)
    correct = [
        (reading["bright"].probability > 0.5) == label
        for reading, label in zip(readings, labels["bright"], strict=True)
        if label is not None
    ]
    assert np.mean(correct) > 0.85
    assert readings[0]["level"].probability is None
    assert fitted.directions.weights_sha256 == "ab" * 32


def test_held_out_pictures_without_labels_leave_the_figures_out():
    model = tiny_model()
    unlabelled = [(pixels, {name: [None] * len(pixels) for name in ATTRIBUTES}) for pixels, _ in batches(64, 2)]
    fitted = fitted_to(model, batches(600, 1), unlabelled, ATTRIBUTES)
    assert all(d.held_out is None and d.slope is None for d in fitted.directions.directions.values())
    assert fitted.shrinkage == 0.0


def test_without_attributes_there_are_no_directions():
    fitted = fitted_to(tiny_model(), batches(64, 1), batches(32, 2), {})
    assert len(fitted.directions) == 0
