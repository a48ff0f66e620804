"""The tray: which faces a morph goes through, in order. Pure functions of latents, float32 [K, D]."""

from __future__ import annotations

import numpy as np

from .render_requests import MOST_KEYFRAMES


def added(tray: np.ndarray | None, latents: np.ndarray) -> np.ndarray:
    """The tray with faces [N, D] at its end."""
    faces = latents if tray is None or not len(tray) else np.concatenate([tray, latents])
    if len(faces) > MOST_KEYFRAMES:
        raise ValueError(f"The tray holds {MOST_KEYFRAMES} faces; remove one before adding another.")
    return faces


def chosen(faces: np.ndarray | None, index: int) -> np.ndarray:
    """Face `index` of a grid [N, D], as [1, D]."""
    if faces is None or not 0 <= index < len(faces):
        raise ValueError(f"There is no face {index} in the grid, which holds {0 if faces is None else len(faces)}.")
    return faces[index : index + 1]


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
    if not 0 <= position < len(tray):
        raise ValueError(f"There is no face at place {position + 1} of the tray, which holds {len(tray)}.")
    return tray, position
