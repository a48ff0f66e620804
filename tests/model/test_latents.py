"""Latent paths against closed forms, noise against fixed numbers."""

from __future__ import annotations

import math

import pytest
import torch

from modeling_vae.model.latents import (
    check_latents,
    ease,
    keyframe_path,
    lerp,
    sample_noise,
    slerp,
    truncate,
)


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    return sample_noise(4, 32, seed=1), 3.0 * sample_noise(4, 32, seed=2)


@pytest.mark.parametrize("between", [lerp, slerp])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_ends_are_exact(between, dtype, pair):
    a, b = (v.to(dtype) for v in pair)
    assert torch.equal(between(a, b, 0.0), a)
    assert torch.equal(between(a, b, 1.0), b)
    assert between(a, b, 0.3).dtype == dtype


def test_slerp_of_a_quarter_turn():
    """From (2, 0) to (0, 4): a third of the way is 30 degrees, at length 2 + 2/3."""
    a, b = torch.tensor([2.0, 0.0], dtype=torch.float64), torch.tensor([0.0, 4.0], dtype=torch.float64)
    expected = (2 + 2 / 3) * torch.tensor([math.cos(math.pi / 6), math.sin(math.pi / 6)], dtype=torch.float64)
    torch.testing.assert_close(slerp(a, b, 1 / 3), expected, rtol=1e-14, atol=1e-14)


def test_slerp_turns_evenly_and_its_length_goes_evenly(pair):
    a, b = (v.double() for v in pair)
    path = slerp(a[0], b[0], torch.linspace(0, 1, 11))
    lengths = path.norm(dim=-1)
    torch.testing.assert_close(lengths, torch.linspace(lengths[0], lengths[-1], 11, dtype=torch.float64))
    directions = path / lengths[:, None]
    cosines = (directions[1:] * directions[:-1]).sum(-1)
    torch.testing.assert_close(cosines, cosines[:1].expand(10))


def test_slerp_is_symmetric_and_broadcasts(pair):
    a, b = (v.double() for v in pair)
    torch.testing.assert_close(slerp(a, b, 0.25), slerp(b, a, 0.75))
    torch.testing.assert_close(slerp(a, b[0], torch.tensor([0.1, 0.2, 0.3, 0.4]))[2], slerp(a[2], b[0], 0.3))
    assert slerp(a[0], b[0], torch.linspace(0, 1, 7)).shape == (7, 32)


@pytest.mark.parametrize("factor", [2.0, -1.0, 0.0])
def test_slerp_of_parallel_opposite_and_zero_latents_is_lerp(factor, pair):
    a = pair[0]
    torch.testing.assert_close(slerp(a, factor * a, 0.3), lerp(a, factor * a, 0.3))


def test_slerp_is_continuous_at_its_tolerance():
    a = torch.tensor([1.0, 0.0], dtype=torch.float64)
    for angle in (0.9e-6, 1.1e-6):
        b = torch.tensor([math.cos(angle), math.sin(angle)], dtype=torch.float64)
        exact = torch.tensor([math.cos(angle / 3), math.sin(angle / 3)], dtype=torch.float64)
        torch.testing.assert_close(slerp(a, b, 1 / 3), exact, rtol=0, atol=1e-12)


def test_middle_of_lerp_is_shorter_than_that_of_slerp(pair):
    a, b = pair
    assert (lerp(a, b, 0.5).norm(dim=-1) < slerp(a, b, 0.5).norm(dim=-1)).all()


def test_ease_closed_forms():
    torch.testing.assert_close(ease(torch.tensor([0.0, 0.25, 0.5, 1.0])), torch.tensor([0, 0.15625, 0.5, 1]).double())
    assert ease(0.25, "linear").item() == 0.25
    with pytest.raises(ValueError, match="easing is 'bounce'; choose 'smooth' or 'linear'"):
        ease(0.5, "bounce")


@pytest.mark.parametrize("path", ["slerp", "linear"])
@pytest.mark.parametrize("easing", ["smooth", "linear"])
@pytest.mark.parametrize(("count", "frames"), [(1, 5), (2, 2), (2, 48), (3, 48), (3, 49), (5, 1000)])
def test_open_path_hits_every_keyframe(path, easing, count, frames):
    keyframes = sample_noise(count, 16, seed=3)
    film = keyframe_path(keyframes, frames, path=path, easing=easing)
    assert film.shape == (frames, 16) and film.dtype == torch.float32
    assert torch.equal(film[0], keyframes[0])
    hits = [int((film == keyframe).all(dim=-1).nonzero()[0]) for keyframe in keyframes]
    assert hits == sorted(hits)
    if count > 1:
        assert torch.equal(film[-1], keyframes[-1]) and hits[-1] == frames - 1
        gaps = [after - before for before, after in zip(hits, hits[1:], strict=False)]
        assert max(gaps) - min(gaps) <= 1


def test_linear_easing_gives_even_steps():
    film = keyframe_path(sample_noise(3, 16, seed=3).double(), 49, path="linear", easing="linear")
    steps = film.diff(dim=0).norm(dim=-1)
    torch.testing.assert_close(steps[:24], steps[:1].expand(24))
    torch.testing.assert_close(steps[24:], steps[24:25].expand(24))


def test_smooth_easing_is_symmetric_and_slow_at_the_ends():
    film = keyframe_path(sample_noise(2, 16, seed=3).double(), 25, path="linear")
    steps = film.diff(dim=0).norm(dim=-1)
    torch.testing.assert_close(steps, steps.flip(0))
    assert steps[0] < 0.2 * steps[12]


@pytest.mark.parametrize(("count", "frames"), [(1, 1), (1, 4), (2, 8), (3, 48), (3, 3), (5, 47)])
def test_closed_path_returns_without_repeating(count, frames):
    keyframes = sample_noise(count, 16, seed=4)
    film = keyframe_path(keyframes, frames, closed=True, easing="linear")
    assert torch.equal(film[0], keyframes[0])
    assert all((film == keyframe).all(dim=-1).any() for keyframe in keyframes)
    if count > 1:
        assert int((film == keyframes[0]).all(dim=-1).sum()) == 1
        # One step more would be the first keyframe: the last segment is cut off just there.
        assert torch.equal(
            keyframe_path(torch.cat([keyframes, keyframes[:1]]), frames + 1, easing="linear")[:-1], film
        )


@pytest.mark.parametrize("closed", [False, True])
def test_fewer_frames_than_keyframes(closed):
    keyframes = sample_noise(5, 16, seed=5)
    assert torch.equal(keyframe_path(keyframes, 1, closed=closed), keyframes[:1])
    film = keyframe_path(keyframes, 3, closed=closed)
    assert torch.equal(film[0], keyframes[0])
    assert all((keyframes == frame).all(dim=-1).any() for frame in film)
    if not closed:
        assert torch.equal(film[-1], keyframes[-1])


def test_truncate():
    latents, center = sample_noise(4, 16, seed=6), sample_noise(1, 16, seed=7)[0]
    assert torch.equal(truncate(latents, center, 1.0), latents)
    assert torch.equal(truncate(latents, center, 0.0), center.expand(4, 16))
    torch.testing.assert_close(truncate(latents, center, 0.7), center + 0.7 * (latents - center))
    for factor in (-0.1, math.nan, math.inf, "1"):
        with pytest.raises(ValueError, match="truncation factor"):
            truncate(latents, center, factor)


def test_noise_of_a_row_does_not_depend_on_how_many():
    many = sample_noise(64, 33, seed=11)
    assert many.dtype == torch.float32
    assert torch.equal(sample_noise(1, 33, seed=11), many[:1])
    assert torch.equal(sample_noise(17, 33, seed=11), many[:17])
    assert sample_noise(0, 33, seed=11).shape == (0, 33)


def test_noise_differs_between_rows_and_neighbouring_seeds():
    first, second = sample_noise(64, 33, seed=0), sample_noise(64, 33, seed=1)
    rows = torch.cat([first, second])
    assert len(torch.unique(rows, dim=0)) == 128
    correlation = torch.corrcoef(rows) - torch.eye(128)
    assert correlation.abs().max() < 0.75  # 33 numbers a row: deviation 0.17


def test_noise_is_standard_normal():
    noise = sample_noise(1000, 200, seed=2).double().flatten()
    assert abs(noise.mean()) < 0.01
    assert abs(noise.var() - 1) < 0.02
    assert abs((noise**4).mean() - 3) < 0.1
    below = (noise[:, None] < torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0])).double().mean(dim=0)
    torch.testing.assert_close(
        below, torch.special.ndtr(torch.tensor([-2.0, -1, 0, 1, 2]).double()), rtol=0, atol=0.005
    )


def test_noise_stays_what_it_is():
    """A published seed names a picture: these numbers may never change."""
    expected = torch.tensor(
        [
            [-0.7211359143257141, 1.0978620052337646, 2.0145480632781982],
            [-0.0061371345072984695, -0.07162629067897797, -1.1213407516479492],
        ]
    )
    assert torch.equal(sample_noise(2, 3, seed=2026), expected)


def test_noise_does_not_touch_global_generators():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    sample_noise(3, 3, seed=5)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lerp(torch.zeros(3), torch.zeros(4), 0.5), "b must have latents of width 3"),
        (lambda: slerp(torch.full((3,), math.nan), torch.zeros(3), 0.5), "a hold NaN or infinite"),
        (lambda: slerp(torch.zeros(3), torch.zeros(3), 1.5), "t is 1.5"),
        (lambda: lerp(torch.zeros(3), torch.zeros(3), math.nan), "t is nan"),
        (lambda: lerp(torch.zeros(3, dtype=torch.int64), torch.zeros(3), 0), "came as torch.int64"),
        (lambda: keyframe_path(torch.zeros(0, 3), 5), "K at least 1"),
        (lambda: keyframe_path(torch.zeros(3), 5), "K at least 1"),
        (lambda: keyframe_path(torch.zeros(2, 3), 0), "frames is 0; it must be at least 1"),
        (lambda: keyframe_path(torch.zeros(2, 3), 2.5), "frames is 2.5; it must be a whole number"),
        (lambda: keyframe_path(torch.zeros(2, 3), 5, path="spline"), "path is 'spline'; choose 'slerp' or 'linear'"),
        (lambda: keyframe_path(torch.full((2, 3), math.inf), 5), "keyframes hold NaN"),
        (lambda: sample_noise(-1, 3, seed=0), "n is -1"),
        (lambda: sample_noise(1, 0, seed=0), "dim is 0"),
        (lambda: sample_noise(1, 3, seed=-1), "seed is -1"),
        (lambda: sample_noise(1, 3, seed=2**64), "from 0 to 2\\^64 - 1"),
        (lambda: sample_noise(1, 3, seed=1.0), "seed is 1.0; it must be a whole number"),
        (lambda: check_latents([1.0], name="faces"), "faces must be a floating-point tensor"),
        (lambda: check_latents(torch.zeros(2, 3), width=4), "latents of width 4, but came with shape \\[2, 3\\]"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_grid_over_the_normal_distribution_has_cells_of_equal_chance():
    from modeling_vae.model.latents import normal_grid

    grid = normal_grid(5).reshape(5, 5, 2)
    assert torch.allclose(torch.special.ndtr(grid[0, :, 0]), torch.tensor([0.1, 0.3, 0.5, 0.7, 0.9]))
    assert torch.equal(grid[0, :, 0], grid[3, :, 0]) and torch.equal(grid[:, 1, 1], grid[:, 4, 1])
    assert (grid[0, 0] == grid.reshape(-1, 2)[0]).all() and grid[0, 0, 1] > 0 > grid[0, 0, 0]  # the top left
    assert torch.equal(normal_grid(1), torch.zeros(1, 2))
