"""An edit in a photo: exact outside the crop, at its own resolution inside."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from PIL import Image

from modeling_vae import Crop, PhotoCrop
from modeling_vae.photos.photo import CLEAR_CHANGE, blend_into_photo, edit_difference


def photo(width: int = 90, height: int = 70) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(60, 200, (height, width, 3), dtype=np.uint8))


CROPS = [
    Crop((40, 35), 40, 40),
    Crop((40.3, 30.7), 36, 48, 17),
    Crop((5, 66), 50, 50, -33),
    Crop((45, 35), 300, 300, 8),
]


@pytest.mark.parametrize("crop", CROPS, ids=str)
def test_nothing_added_changes_nothing(crop):
    assert blend_into_photo(photo(), torch.zeros(3, 16, 16), crop).tobytes() == photo().tobytes()


@pytest.mark.parametrize("crop", CROPS, ids=str)
def test_outside_the_crop_not_one_pixel_changes(crop):
    before = np.asarray(photo())
    after = np.asarray(blend_into_photo(photo(), torch.full((3, 16, 16), 0.2), crop))
    y, x = np.mgrid[0:70, 0:90] + 0.5
    places = np.stack([x, y, np.ones_like(x)], axis=-1) @ crop.inverse.T
    outside = (np.abs(places) > 1).any(-1)
    assert np.array_equal(after[outside], before[outside])
    deep = (np.abs(places) < 0.2).all(-1)  # where nothing fades
    assert (after[deep].astype(int) - before[deep] == 51).all()


def test_a_turned_difference_lies_where_the_crop_does():
    difference = torch.zeros(3, 32, 32)
    difference[:, 8:12, 8:12] = 0.2  # in the upper left quarter of the levelled face
    crop = Crop((45, 35), 60, 60, 30)
    changed = np.asarray(blend_into_photo(photo(), difference, crop)).astype(int) - np.asarray(photo())
    y, x = np.mgrid[0:70, 0:90] + 0.5
    weight = np.abs(changed).sum(-1)
    centre = np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()
    np.testing.assert_allclose(centre, crop.matrix @ [-0.375, -0.375, 1], atol=0.5)


def test_a_crop_beside_the_photo_changes_nothing():
    assert blend_into_photo(photo(), torch.ones(3, 8, 8), Crop((-100, 0), 20, 20, 5)).tobytes() == photo().tobytes()


def test_a_photo_crop_has_a_picture_at_the_photos_resolution():
    assert PhotoCrop(photo(), Crop((40, 35), 40, 30, 12)).picture.size == (40, 30)


def random_pictures(seed: int) -> torch.Tensor:
    return torch.rand(2, 3, 40, 30, generator=torch.Generator().manual_seed(seed))


def test_where_nothing_is_edited_nothing_is_added():
    seen, before = random_pictures(0), random_pictures(1)
    assert not edit_difference(seen, before, before).any()
    after = before.clone()
    after[:, :, :8] = 1 - after[:, :, :8]
    difference = edit_difference(seen, before, after)
    assert difference[:, :, 8:12].any() and not difference[:, :, 12:].any()  # averaged twice over 2 pixels around


def test_a_clear_edit_shows_what_the_model_shows_and_a_faint_one_keeps_the_photo():
    seen, before = random_pictures(0), random_pictures(1)
    clear = (before + 0.3).clamp(0, 1)
    torch.testing.assert_close(seen + edit_difference(seen, before, clear), clear, rtol=0, atol=1e-3)
    faint = before + 0.001
    torch.testing.assert_close(edit_difference(seen, before, faint), faint - before, rtol=0, atol=2e-3)


def test_what_the_reconstruction_missed_goes_as_the_edit_grows():
    """A smile that the model did not reconstruct must not stay in a photo from which smiles are taken."""
    seen, before = random_pictures(0), random_pictures(1)
    strengths = [0.0, 0.01, CLEAR_CHANGE, 0.1]
    gone = [
        float((edit_difference(seen, before, before + s) - s).abs().mean() / (before - seen).abs().mean())
        for s in strengths
    ]
    assert gone[0] == 0 and gone == sorted(gone) and gone[-1] > 0.99
    assert gone[2] == pytest.approx(1 - 1 / math.e, abs=1e-4)
