"""Faces are added, taken out and moved without touching the tray they came from."""

import numpy as np
import pytest

from app.render_requests import MOST_KEYFRAMES
from app.tray import added, chosen, moved, removed

FACES = np.arange(12, dtype=np.float32).reshape(4, 3)


def test_adding():
    tray = added(None, FACES[:1])
    tray = added(tray, FACES[2:])
    np.testing.assert_array_equal(tray, FACES[[0, 2, 3]])


def test_a_full_tray_is_refused():
    tray = added(None, np.zeros((MOST_KEYFRAMES, 3), np.float32))
    with pytest.raises(ValueError, match="holds 8 faces; remove one"):
        added(tray, FACES[:1])


def test_removing():
    np.testing.assert_array_equal(removed(FACES, 1), FACES[[0, 2, 3]])
    assert len(removed(FACES[:1], 0)) == 0
    assert len(FACES) == 4


@pytest.mark.parametrize(
    ("position", "by", "order", "target"),
    [(1, -1, [1, 0, 2, 3], 0), (1, 1, [0, 2, 1, 3], 2), (0, -1, [0, 1, 2, 3], 0), (3, 1, [0, 1, 2, 3], 3)],
)
def test_moving(position, by, order, target):
    tray, now = moved(FACES, position, by)
    np.testing.assert_array_equal(tray, FACES[order])
    assert now == target


@pytest.mark.parametrize("position", [-1, 4])
def test_a_place_that_is_not_there(position):
    with pytest.raises(ValueError, match="no face at place"):
        removed(FACES, position)


def test_an_empty_tray():
    with pytest.raises(ValueError, match="tray is empty"):
        moved(None, 0, 1)


def test_choosing():
    np.testing.assert_array_equal(chosen(FACES, 2), FACES[2:3])
    with pytest.raises(ValueError, match="no face 4 in the grid, which holds 4"):
        chosen(FACES, 4)
    with pytest.raises(ValueError, match="holds 0"):
        chosen(None, 0)
