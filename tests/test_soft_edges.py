"""An edit shows no edge where its crop ends, and loses nothing in the middle."""

from __future__ import annotations

import pytest
import torch

from modeling_vae.photos.photo import faded
from modeling_vae.photos.soft_edges import WIDEST, ramp, soft_edges

SIDE = 64


def test_a_colour_fades_over_a_wide_border_and_not_in_the_middle():
    found = soft_edges(torch.full((1, 3, SIDE, SIDE), 0.3))[0, 0]
    middle = found[round(WIDEST * SIDE) : -round(WIDEST * SIDE), round(WIDEST * SIDE) : -round(WIDEST * SIDE)]
    torch.testing.assert_close(middle, torch.full_like(middle, 0.3))
    row = found[SIDE // 2]
    assert row[0] < 0.001 and (row[1 : SIDE // 2] >= row[: SIDE // 2 - 1]).all()
    assert (row[1:] - row[:-1]).abs().max() < 0.3 * 1.6 / (WIDEST * SIDE)  # no step is steeper than the ramp's middle
    assert found[5, 5] < row[5] / 3  # corners are round


def test_details_are_kept_up_to_the_narrow_border():
    """Rows of light and dark, which blurring takes away."""
    stripes = torch.tensor([0.1, -0.1]).repeat(SIDE // 2).expand(1, 3, SIDE, SIDE).clone()
    found = faded(stripes)[0, 0]
    inside = found[4:-4, 4:-4].abs()
    assert inside.min() > 0.095
    assert found[SIDE // 2, 0].abs() < 0.02


def test_it_is_linear_and_as_good_as_nothing_where_nothing_changes():
    one, other = torch.rand(2, 1, 3, 30, 44, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(soft_edges(one + 2 * other), soft_edges(one) + 2 * soft_edges(other))
    assert not soft_edges(torch.zeros(2, 1, 20, 20)).any()


@pytest.mark.parametrize("side", [1, 2, 7])
def test_the_smallest_pictures_have_edges_too(side):
    assert soft_edges(torch.ones(1, 1, side, side)).shape == (1, 1, side, side)


def test_the_ramp_is_smooth():
    torch.testing.assert_close(ramp(torch.tensor([0.0, 0.1, 0.2, 1.0]), 0.2), torch.tensor([0.0, 0.5, 1.0, 1.0]))
