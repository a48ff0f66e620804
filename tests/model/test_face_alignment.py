"""Similarities of crops, windows of a photo, and the file of an alignment."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from modeling_vae import Crop, FaceAlignment
from modeling_vae.photos.alignment import FILE_NAME, compose, corner_distance, corners
from modeling_vae.photos.windows import PhotoWindows


@pytest.fixture
def crops() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    places = torch.rand(20, 4, generator=generator, dtype=torch.float64)
    return places * torch.tensor([100, 80, 60, 1.5]) + torch.tensor([0, 0, 20, -0.75])


def test_compose_moves_the_corners_as_the_similarity_says(crops):
    """The point p of the wanted crop lies at [[a, -b], [b, a]] p + (x, y) of the window, in half heights of each."""
    unchanged = torch.tensor([[1.0, 0, 0, 0]], dtype=torch.float64).expand(20, -1)
    torch.testing.assert_close(compose(crops, unchanged), crops)
    similarity = unchanged + 0.3 * torch.randn(20, 4, generator=torch.Generator().manual_seed(1)).double()
    p = corners(torch.tensor([[0.0, 0, 2, 0]], dtype=torch.float64), 1.5)[0]
    a, b, x, y = similarity[:, None].unbind(2)
    u, v = a * p[:, 0] - b * p[:, 1] + x, b * p[:, 0] + a * p[:, 1] + y
    half, cos, sin = crops[:, 2:3] / 2, crops[:, 3:].cos(), crops[:, 3:].sin()
    there = torch.stack([crops[:, :1] + half * (cos * u - sin * v), crops[:, 1:2] + half * (sin * u + cos * v)], dim=2)
    torch.testing.assert_close(corners(compose(crops, similarity), 1.5), there)


def test_corners_are_those_of_the_crop(crops):
    x, y, height, angle = crops[3].tolist()
    crop = Crop((x, y), 1.5 * height, height, np.degrees(angle))
    np.testing.assert_allclose(corners(crops[3:4], 1.5)[0], crop.corners)
    moved = crops + torch.tensor([3.0, 4.0, 0, 0])
    torch.testing.assert_close(corner_distance(moved, crops, 1.5), 5 / crops[:, 2])


@pytest.mark.parametrize("place", [(40.0, 30.0, 32.0, 0.4), (60.0, 50.0, 90.0, -0.3), (10.0, 10.0, 300.0, 0.0)])
def test_a_window_shows_what_the_crop_does(place):
    y, x = np.mgrid[0:100, 0:120]
    photo = Image.fromarray(np.stack([2 * x, 2 * y, 100 + 50 * np.sin(x / 15)], axis=-1).astype(np.uint8))
    crop = Crop(place[:2], place[2], place[2], np.degrees(place[3]))
    window = PhotoWindows(photo, 3).windows(torch.tensor([place], dtype=torch.float64), 16, 16)[0]
    shown = np.asarray(crop.cut(photo).resize((16, 16), Image.Resampling.BOX)) / 255
    assert np.abs(window.permute(1, 2, 0).numpy() - shown).mean() < 0.025


def test_it_loads_as_it_was_stored(tmp_path):
    alignment = FaceAlignment(1, 1.5, 0.02, 0.04, "cat", mirrored=False).eval()
    alignment.half().float().save_pretrained(tmp_path)
    loaded = FaceAlignment.from_pretrained(tmp_path)
    windows = torch.rand(2, 1, alignment.height, alignment.width, generator=torch.Generator().manual_seed(0))
    for a, b in zip(alignment(windows), loaded(windows), strict=True):
        torch.testing.assert_close(a, b)
    assert (loaded.num_channels, loaded.aspect, loaded.kind, loaded.mirrored) == (1, 1.5, "cat", False)
    assert (loaded.usual_doubt, loaded.largest_doubt) == (0.02, 0.04)
    assert (alignment.width, alignment.height) == (32, 24)
    assert (tmp_path / FILE_NAME).stat().st_size < 700_000


@pytest.mark.parametrize("mirrored", [True, False])
def test_a_photo_and_its_mirror_image_have_mirrored_answers_where_they_may(mirrored):
    torch.manual_seed(0)
    alignment = FaceAlignment(mirrored=mirrored).eval()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    place = torch.tensor([[25.0, 20.0, 30.0, 0.2]], dtype=torch.float64)
    other = torch.tensor([[60 - 25.0, 20.0, 30.0, -0.2]], dtype=torch.float64)
    (x, y, height, angle), error = _corrected(alignment, pixels, place)
    found, same_error = _corrected(alignment, pixels[:, ::-1].copy(), other)
    same = np.allclose(found, (60 - x, y, height, -angle), atol=1e-3) and np.isclose(error, same_error, rtol=1e-3)
    assert bool(same) == mirrored


def _corrected(alignment: FaceAlignment, pixels: np.ndarray, place: torch.Tensor) -> tuple[list[float], float]:
    crops, errors = alignment.correct(PhotoWindows(Image.fromarray(pixels), 3), place)
    return crops[0].tolist(), float(errors[0])


def test_a_damaged_file_is_named(tmp_path):
    FaceAlignment().save_pretrained(tmp_path)
    data = (tmp_path / FILE_NAME).read_bytes()
    (tmp_path / FILE_NAME).write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match=f"{FILE_NAME} is damaged"):
        FaceAlignment.from_pretrained(tmp_path)
