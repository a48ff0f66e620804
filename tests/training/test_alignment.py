"""The alignment comes back to what was planted, and is refused where it does not."""

from __future__ import annotations

import numpy as np
import torch
from planted_faces import training_pictures

from modeling_vae import Crop
from modeling_vae.fitting.fit_alignment import (
    corner_error,
    fit_alignment,
    gather,
    kind_of_face,
    plant,
    planted_errors,
    train_alignment,
)
from modeling_vae.fitting.training_windows import draw_windows
from modeling_vae.photos.alignment import corner_distance


def test_planted_faces_come_back(alignment):
    pictures = gather([(training_pictures(16, seed=500), {})])
    errors = planted_errors(alignment, pictures)
    assert errors.shape == (16,) and errors.median() < 0.06
    assert torch.equal(errors, planted_errors(alignment, pictures))


def test_the_same_seed_trains_the_same(alignment):
    pictures = gather([(training_pictures(8), {})])
    before = torch.get_rng_state()
    one, same = (train_alignment(pictures, seed=3, steps=2).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert torch.equal(torch.get_rng_state(), before)


def test_pictures_that_are_not_cropped_alike_are_refused():
    noise = torch.rand(16, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    fitted = fit_alignment([(noise, {})], [(noise, {})], steps=3)
    assert fitted.alignment is None and "of the side off" in fitted.report["refused"]


def test_what_pictures_show_is_said_of_grey_ones_too():
    characters = torch.randint(256, (3, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert kind_of_face(characters) == "face"


def test_windows_lie_as_their_similarities_say():
    """A picture of coordinates: where a window shows the picture, its colours say which part."""
    y, x = torch.meshgrid(torch.arange(64) + 0.5, torch.arange(64) + 0.5, indexing="ij")
    picture = (torch.stack([x, y, 0 * x]) / 64 * 255).round().to(torch.uint8)
    generator = torch.Generator().manual_seed(0)
    windows, similarity, has_face = draw_windows(picture[None], 64, generator, 32, 32)
    assert windows.shape == (64, 3, 32, 32) and similarity.shape == (64, 4) and has_face.dtype == torch.bool
    assert windows.min() >= 0 and windows.max() <= 1
    assert has_face[:32].all() and not has_face.all()
    windows, similarity, _ = draw_windows(picture[None], 400, generator, 32, 32, mirrored=False)
    shown, (a, b, right, down) = windows[:100, :2, 8:24, 8:24], similarity[:100].unbind(1)  # before their own edges
    coloured = (shown[:, 0] - shown[:, 1]).abs().amax((1, 2)) > 0.05  # some are grey
    # red grows along the picture's own rows, whatever the light
    slope_y, slope_x = (slope.mean((1, 2)) for slope in torch.gradient(shown[:, 0], dim=(1, 2)))
    turned = torch.atan2(slope_y, slope_x) - torch.atan2(b, a)
    near = coloured & (similarity[:100, 2:].abs().amax(1) < 0.3)
    assert near.sum() > 30 and torch.atan2(turned.sin(), turned.cos()).abs()[near].median() < 0.03
    # and the centre of a window lies where the inverse of the similarity puts it: redder to the right than below
    x, y = -a * right - b * down, b * right - a * down
    clear = coloured & ((x - y).abs() > 0.4)
    redder = (shown[:, 0] - shown[:, 1])[:, 6:10, 6:10].mean((1, 2)) > 0
    assert clear.sum() > 20 and (redder == (x > y))[clear].float().mean() > 0.85


def test_windows_are_mirrored_only_where_they_may_be():
    """From left to right of a picture it grows brighter, and in a window of it by the angle that is said."""
    picture = torch.linspace(0, 255, 64).expand(1, 64, 64).to(torch.uint8)

    def brighter_to_the_right(mirrored: bool) -> torch.Tensor:
        generator = torch.Generator().manual_seed(0)
        windows, similarity, _ = draw_windows(picture[None], 400, generator, 32, 32, mirrored)
        near = (similarity - torch.tensor([1.0, 0, 0, 0])).abs().amax(1)[:100] < 0.2  # before their own edges
        slope = windows[:100][near][:, 0, 8:24, 20:].mean((1, 2)) - windows[:100][near][:, 0, 8:24, :12].mean((1, 2))
        return slope > 0

    assert brighter_to_the_right(False).all()
    assert 0.2 < brighter_to_the_right(True).float().mean() < 0.8


def test_the_corner_error_is_that_of_the_corners():
    generator = torch.Generator().manual_seed(0)
    said, true = (torch.tensor([1.0, 0, 0, 0]) + 0.2 * torch.randn(9, 4, generator=generator) for _ in range(2))
    from modeling_vae.photos.alignment import compose

    window = torch.tensor([[5.0, 7.0, 30.0, 0.4]], dtype=torch.float64).expand(9, -1)
    expected = corner_distance(compose(window, said.double()), compose(window, true.double()), 1.5)
    torch.testing.assert_close(corner_error(said, true, 1.5).double(), expected, atol=1e-3, rtol=1e-3)


def test_a_planted_picture_lies_where_it_is_said_to():
    picture = training_pictures(1)[0].mul(255).to(torch.uint8)
    random = np.random.default_rng(0)
    for _ in range(5):
        photo, crop = plant(picture, picture, random, room=3.0)
        assert photo.size == (96, 96) and isinstance(crop, Crop)
        back = np.asarray(crop.cut(photo).resize((32, 32))).astype(float)
        assert np.abs(back - picture.permute(1, 2, 0).numpy())[4:-4, 4:-4].mean() < 12


def test_large_pictures_are_gathered_small():
    gathered = gather([(torch.rand(3, 1, 200, 100), {}), (torch.rand(3, 1, 200, 100), {})])
    assert gathered.shape == (6, 1, 64, 32) and gathered.dtype == torch.uint8


def test_a_thing_on_a_plain_ground_is_whole_and_its_ground_goes_on():
    """A stroke from edge to edge: what tells how large it is may neither be drawn on nor hidden."""
    picture = torch.zeros(1, 64, 64, dtype=torch.uint8)
    picture[:, :, 28:36] = 255
    generator = torch.Generator().manual_seed(0)
    windows, (a, b, right, down), has_face = _unpacked(draw_windows(picture[None], 400, generator, 32, 32, False))
    y, x = torch.meshgrid(*[(torch.arange(32) + 0.5) / 16 - 1] * 2, indexing="ij")
    x, y = x - right, y - down
    square = a * a + b * b
    across, along = (a * x + b * y) / square, (a * y - b * x) / square  # in half sides of the picture
    near_the_line = across.abs() < 0.08
    beyond, ends = near_the_line & (along.abs() > 1.2), near_the_line & (along.abs() > 0.75) & (along.abs() < 0.9)
    drawn = torch.arange(400) < 200  # the other half lies before backgrounds of which no more is known
    dark = (windows * beyond).sum((1, 2)) / beyond.sum((1, 2))
    assert (dark[drawn & (beyond.sum((1, 2)) > 5)] < 0.2).float().mean() > 0.9
    bright = (windows * ends).sum((1, 2)) / ends.sum((1, 2))
    assert (bright[has_face & (ends.sum((1, 2)) > 5)] > 0.6).float().mean() > 0.9


def _unpacked(drawn):
    windows, similarity, has_face = drawn
    return windows[:, 0], similarity.T[:, :, None, None], has_face
