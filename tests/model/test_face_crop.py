"""A crop and its transform, there and back."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from modeling_vae import Crop


def picture(width: int, height: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def smooth(width: int, height: int) -> Image.Image:
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.stack([x, y, 255 - x], axis=-1).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("angle", [0.0, 13.0, -90.0, 180.0])
def test_the_inverse_is_exact(angle):
    crop = Crop((31.5, 17.25), 40, 24, angle)
    places = np.random.default_rng(0).uniform(-2, 2, (50, 2))
    photo = np.c_[places, np.ones(50)] @ crop.matrix.T
    np.testing.assert_allclose(np.c_[photo, np.ones(50)] @ crop.inverse.T, places, atol=1e-12)


def test_corners_in_their_order():
    np.testing.assert_allclose(Crop.of_box((10, 20, 50, 40)).corners, [[10, 20], [50, 20], [50, 40], [10, 40]])
    # a quarter turn clockwise: the face's top is at the right
    np.testing.assert_allclose(Crop((0, 0), 2, 2, 90).corners, [[1, -1], [1, 1], [-1, 1], [-1, -1]], atol=1e-12)
    assert Crop((0, 0), 2, 2, 45).bounds == pytest.approx((-(2**0.5), -(2**0.5), 2**0.5, 2**0.5))


def test_an_upright_crop_of_whole_pixels_is_cut_and_not_resampled():
    photo = picture(50, 40)
    assert Crop.of_box((5, 10, 35, 40)).cut(photo).tobytes() == photo.crop((5, 10, 35, 40)).tobytes()
    assert Crop.of_box((0, 0, 50, 40)).cut(photo).tobytes() == photo.tobytes()


def test_a_quarter_turn_is_a_quarter_turn():
    photo = picture(40, 40)
    turned = np.asarray(Crop((20, 20), 40, 40, 90).cut(photo)).astype(int)
    expected = np.asarray(photo.transpose(Image.Transpose.ROTATE_90)).astype(int)
    assert np.abs(turned - expected).max() <= 1


def test_a_turned_crop_has_what_lies_there():
    photo = smooth(200, 200)
    crop = Crop((100, 90), 60, 40, 20)
    cut = np.asarray(crop.cut(photo)).astype(float)
    assert cut.shape == (40, 60, 3)
    v, u = np.mgrid[0:40, 0:60]
    places = np.stack([(u + 0.5) / 30 - 1, (v + 0.5) / 20 - 1, np.ones_like(u)], axis=-1) @ crop.matrix.T
    np.testing.assert_allclose(cut[..., :2], places - 0.5, atol=1.1)


def test_beyond_the_edge_its_pixels_are_drawn_on():
    photo = picture(30, 20)
    cut = np.asarray(Crop.of_box((-10, -5, 20, 10)).cut(photo)).astype(int)
    pixels = np.asarray(photo).astype(int)
    assert np.abs(cut[5:, 10:] - pixels[:10, :20]).max() <= 1
    assert np.abs(cut[5:, :9] - pixels[:10, :1]).max() <= 1


@pytest.mark.parametrize(
    "values", [((0, 0), 0, 5), ((0, 0), 5, -1), ((float("nan"), 0), 5, 5), ((0, 0), 5, 5, float("inf"))]
)
def test_what_is_no_crop(values):
    with pytest.raises(ValueError, match="is no crop: give finite numbers"):
        Crop(*values)
