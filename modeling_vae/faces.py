"""What counts as a face: a picture, or a latent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .model.latents import check_latents

Face = Any
"""A picture (PIL, path, bytes, uint8 array), a `PhotoCrop`, or a latent (tensor or array of width D)."""


def as_list(faces: Face | Sequence[Face]) -> list[Face]:
    """One face or many, at least one; a tensor [N, D] is N faces."""
    if (
        isinstance(faces, Tensor | np.ndarray)
        and faces.ndim == 2
        and (isinstance(faces, Tensor) or np.issubdtype(faces.dtype, np.floating))
    ):
        faces = list(faces)
    faces = list(faces) if isinstance(faces, list | tuple) else [faces]
    if not faces:
        raise ValueError("no face came: give at least one picture or latent.")
    return faces


def as_latent(face: Face, width: int) -> Tensor | None:
    """A latent [`width`], float32 on the CPU, where `face` is one (a tensor, or an array of floats), else None."""
    if isinstance(face, np.ndarray) and np.issubdtype(face.dtype, np.floating) and face.ndim <= 2:
        face = torch.from_numpy(face)
    if not isinstance(face, Tensor):
        return None
    latent = face[0] if face.ndim == 2 and len(face) == 1 else face
    if latent.ndim != 1:
        raise ValueError(f"one face came as latents of shape {tuple(face.shape)}: give [{width}].")
    return check_latents(latent, width=width, name="the latent").detach().float().cpu()


def only(faces: list[Face]) -> Face:
    """The one face of a list of one."""
    if len(faces) != 1:
        raise ValueError(f"one face is asked for, {len(faces)} came: give them one by one.")
    return faces[0]
