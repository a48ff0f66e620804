"""Drawn faces whose place is known, and an alignment trained on them in seconds."""

from __future__ import annotations

import math

import numpy as np
import torch
from PIL import Image, ImageDraw

from modeling_vae import Crop, FaceAlignment
from modeling_vae.fitting.fit_alignment import fit_alignment

SIDE = 32


def draw_face(photo: Image.Image, crop: Crop, colour: tuple[int, int, int]) -> None:
    """A round face with two eyes, a nose and a mouth, that fills a crop of the photo."""
    draw = ImageDraw.Draw(photo)

    def dot(u: float, v: float, radius: float, fill: tuple[int, int, int]) -> None:
        x, y = crop.matrix @ [u, v, 1]
        r = radius * crop.height / 2
        draw.ellipse((x - r, y - r, x + r, y + r), fill=fill)

    dot(0, 0, 0.9, colour)
    for u in (-0.4, 0.4):
        dot(u, -0.3, 0.2, (20, 20, 30))
    dot(0, 0.1, 0.1, (150, 60, 60))
    for u in np.linspace(-0.35, 0.35, 9):
        dot(float(u), 0.5, 0.09, (120, 20, 30))


def face_photo(crops: list[Crop], size: tuple[int, int] = (160, 120), seed: int = 0) -> Image.Image:
    """A photo of a coloured ground with a face in each crop."""
    random = np.random.default_rng(seed)
    photo = Image.new("RGB", size, tuple(int(level) for level in random.integers(60, 140, 3)))
    for crop in crops:
        draw_face(photo, crop, tuple(int(level) for level in random.integers(170, 250, 3)))
    return photo


def training_pictures(count: int, seed: int = 0) -> torch.Tensor:
    """pixel_values [count, 3, 32, 32] of faces that fill the picture."""
    whole = Crop((128, 128), 256, 256)
    pictures = [
        face_photo([whole], (256, 256), seed + i).resize((SIDE, SIDE), Image.Resampling.BOX) for i in range(count)
    ]
    return torch.from_numpy(np.stack([np.asarray(p) for p in pictures])).permute(0, 3, 1, 2).float() / 255


def trained_alignment(steps: int = 150) -> FaceAlignment:
    fitted = fit_alignment([(training_pictures(64), {})], [(training_pictures(12, seed=1000), {})], steps=steps)
    assert fitted.alignment is not None, fitted.report
    fitted.alignment.largest_doubt = 0.03  # a dozen held-out pictures say little of the rarest
    return fitted.alignment


def corner_error(found: Crop, wanted: Crop) -> float:
    """Mean distance of the corners in sides."""
    return float(np.linalg.norm(found.corners - wanted.corners, axis=1).mean() / wanted.height)


def turned(x: float, y: float, side: float, degrees: float = 0.0) -> Crop:
    assert math.isfinite(degrees)
    return Crop((x, y), side, side, degrees)
