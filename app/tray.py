"""The tray: which faces a morph goes through, in order. Pure functions of latents, float32 [K, D]."""

from __future__ import annotations

import numpy as np

from .render_requests import MOST_KEYFRAMES, as_whole


def added(tray: np.ndarray | None, latents: np.ndarray) -> np.ndarray:
    """The tray with faces [N, D] at its end."""
    check_room(tray, len(latents))
    return latents if tray is None or not len(tray) else np.concatenate([tray, latents])


def check_room(tray: np.ndarray | None, count: int) -> None:
    """Raise a ValueError where so many faces more do not fit; to be asked before anything is done for them."""
    there = 0 if tray is None else len(tray)
    if there + count > MOST_KEYFRAMES:
        raise ValueError(
            f"The tray holds {MOST_KEYFRAMES} faces; remove one before adding another: it has {there}, {count} came."
        )


def chosen(faces: np.ndarray | None, index: int) -> np.ndarray:
    """Face `index` of a grid [N, D], as [1, D]."""
    place = as_whole(index)
    if faces is None or place is None or not 0 <= place < len(faces):
        there = 0 if faces is None else len(faces)
        raise ValueError(f"There is no face {index!r:.40} in the grid, which holds {there}, counted from 0.")
    return faces[place : place + 1]


def removed(tray: np.ndarray | None, position: int) -> np.ndarray:
    faces, position = _checked(tray, position)
    return np.delete(faces, position, axis=0)


def moved(tray: np.ndarray | None, position: int, by: int) -> tuple[np.ndarray, int]:
    """The tray with one face moved by so many places, as far as it goes; and where that face is now."""
    faces, position = _checked(tray, position)
    target = max(0, min(position + by, len(faces) - 1))
    order = list(range(len(faces)))
    order.insert(target, order.pop(position))
    return faces[order], target


def _checked(tray: np.ndarray | None, position: int) -> tuple[np.ndarray, int]:
    if tray is None or not len(tray):
        raise ValueError("The tray is empty; add a face first.")
    place = as_whole(position)
    if place is None or not 0 <= place < len(tray):
        said = position if place is None else place + 1
        raise ValueError(f"There is no face at place {said!r:.40} of the tray, which holds {len(tray)}.")
    return tray, place
