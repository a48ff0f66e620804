"""What probes learn from: pictures disturbed a little, and no more than said."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from modeling_vae.probing.augmentation import CONTRAST, SHIFT, TURN, ZOOM, disturbed, shifted

GREY = 128


def levels(count: int, height: int, width: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (count, height, width, 3), generator=generator, dtype=torch.uint8)


def corners(height: int, width: int, count: int) -> torch.Tensor:
    """Grey pictures with a white dot on the right and a black one below, both far from the edges."""
    pictures = torch.full((count, height, width, 1), GREY, dtype=torch.uint8)
    pictures[:, height // 2 - 1 : height // 2 + 2, width - 16] = 255
    pictures[:, height - 16, width // 2 - 1 : width // 2 + 2] = 0
    return pictures


def moved(picture: np.ndarray, down: int, right: int) -> np.ndarray:
    rows, columns = (np.arange(side) + by for side, by in zip(picture.shape, (down, right), strict=False))
    return picture[rows.clip(0, len(rows) - 1)][:, columns.clip(0, len(columns) - 1)]


def test_shifts_keep_every_value_and_stay_within_their_share():
    pictures = levels(60, 32, 48)
    inputs = shifted(pictures, torch.Generator().manual_seed(1))
    assert inputs.shape == (60, 3, 32, 48) and inputs.is_contiguous(memory_format=torch.channels_last)
    found = set()
    down, right = (range(-most, most + 1) for most in (round(SHIFT * 32), round(SHIFT * 48)))
    for picture, seen in zip(pictures.numpy(), (255 * inputs).round().permute(0, 2, 3, 1).numpy(), strict=True):
        fits = [shift for shift in itertools.product(down, right) if np.array_equal(seen, moved(picture, *shift))]
        assert len(fits) == 1
        found |= set(fits)
    assert len(found) > 15


@pytest.mark.parametrize(("height", "width"), [(64, 64), (48, 64)])
def test_turns_and_sizes_stay_within_what_is_said_and_do_not_distort(height, width):
    """Where the two dots go says how each picture was turned and resized: right angles stay right."""
    count = 200
    inputs = disturbed(corners(height, width, count), torch.Generator().manual_seed(2))[:, 0]
    assert inputs.min() >= 0 and inputs.max() <= 1
    ground = inputs.flatten(1).median(1).values[:, None, None]
    rows, columns = torch.meshgrid(torch.arange(height).float(), torch.arange(width).float(), indexing="ij")

    def place(weights: torch.Tensor) -> torch.Tensor:
        weights = weights.clamp_min(0.05) - 0.05
        total = weights.sum((1, 2))
        return torch.stack([(weights * columns).sum((1, 2)) / total, (weights * rows).sum((1, 2)) / total], 1)

    between = place(inputs - ground) - place(ground - inputs)  # from the dot below to the one on the right
    before = torch.tensor([width / 2 - 16.0, 16.0 - height / 2])
    size = between.norm(dim=1) / before.norm()
    turn = torch.atan2(between[:, 1], between[:, 0]) - torch.atan2(before[1], before[0])
    assert 1 / (1 + ZOOM) - 0.04 < size.min() < 0.9 and 1.1 < size.max() < 1 / (1 - ZOOM) + 0.04
    assert -TURN - 0.05 < turn.min() < -0.1 and 0.1 < turn.max() < TURN + 0.05


def test_light_changes_within_what_is_said_and_nothing_is_mirrored():
    grey = disturbed(torch.full((100, 8, 8, 1), GREY, dtype=torch.uint8), torch.Generator().manual_seed(3))
    assert (grey.flatten(1).std(1) < 1e-6).all()
    assert 0.33 < grey.min() < 0.4 and 0.6 < grey.max() < 0.67
    halves = torch.zeros(100, 32, 32, 1, dtype=torch.uint8)
    halves[:, :, 16:] = 255
    inputs = disturbed(halves, torch.Generator().manual_seed(4))
    assert (inputs[..., 24:].mean((1, 2, 3)) - inputs[..., :8].mean((1, 2, 3))).min() > 0.75 * (1 - CONTRAST)


def test_chance_comes_from_the_generator_alone():
    pictures, state = levels(4, 16, 16), torch.get_rng_state()
    one, two, other = (disturbed(pictures, torch.Generator().manual_seed(seed)) for seed in (5, 5, 6))
    assert torch.equal(one, two) and not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), state)
