"""Training the alignment of a model's pictures, and measuring it on held-out ones."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from modeling_vae.photos.alignment import SIDE, FaceAlignment, corner_distance
from modeling_vae.photos.crop import Crop
from modeling_vae.photos.people import find_people
from modeling_vae.photos.windows import OVERSAMPLING, PhotoWindows
from modeling_vae.progress import steps as announced

from .training_windows import draw_windows

logger = logging.getLogger(__name__)

STEPS = 9000
BATCH = 64
LEARNING_RATE = 2e-3
MOST_PICTURES, HELD_OUT = 20_000, 200
"""Pictures that are enough to learn from, and held-out ones to plant and find again."""
ROUGH, LARGEST_ERROR = 0.12, 0.08
"""Median error of the corners, in sides, beyond which an alignment is refused: after one step, and settled.

Faces come back far nearer. Drawn characters come back 0.052 off, since a photo of their own size cuts the ends of
their strokes off, and nothing else tells how large they are; in one of twice the size it is 0.021.
"""
PLANTED = {"degrees": 15.0, "scale": 1.25, "shift": 0.15}
"""How far held-out pictures are turned, scaled up or down, and shifted in sides."""


@dataclass(frozen=True)
class FittedAlignment:
    """An alignment with what was measured, or why there is none."""

    alignment: FaceAlignment | None
    report: dict[str, Any]


def fit_alignment(
    training: Iterable[tuple[Tensor, Any]],
    held_out: Iterable[tuple[Tensor, Any]],
    *,
    mirrored: bool = True,
    steps: int = STEPS,
    autocast: bool = False,
) -> FittedAlignment:
    """Train the alignment on a model's pictures, and measure it on held-out ones.

    It is refused where it does not bring planted pictures back: the pictures then are not cropped alike, or too few.

    Args:
        training, held_out: batches of pixel_values [N, C, H, W], and labels that are not looked at; all are kept in
            memory, so that `MOST_PICTURES` and `HELD_OUT` of them are many enough.
        mirrored: a mirrored picture is one of the kind too.
        steps: at most, see `train_alignment`.
        autocast: see there.
    """
    pictures, others = gather(training), gather(held_out)
    logger.info("Training the alignment on %d pictures.", len(pictures))
    alignment = train_alignment(pictures, mirrored=mirrored, steps=min(steps, STEPS), autocast=autocast)
    error = _error_of_a_step(alignment, others)
    report: dict[str, Any] = {"pictures": len(others), **PLANTED}
    if error <= ROUGH:
        errors = planted_errors(alignment, others)
        error = float(errors.median())
        report["corners"] = {"median": error, "90 %": float(errors.quantile(0.9))}
    if error > LARGEST_ERROR:
        return FittedAlignment(None, report | {"refused": f"the corners came back {error:.1%} of the side off"})
    doubts = torch.tensor([alignment.settle(*_as_photo(picture))[1] for picture in others])
    alignment.usual_doubt, alignment.largest_doubt = doubts.quantile(torch.tensor([0.5, 0.95])).tolist()
    alignment.kind = kind_of_face(others)
    return FittedAlignment(alignment, report | {"kind": alignment.kind})


def gather(batches: Iterable[tuple[Tensor, Any]]) -> Tensor:
    """The pictures of batches, uint8 [n, C, H, W], no larger than windows are sampled; a few dozen MB."""
    kept: list[Tensor] = []
    for pixel_values, _ in batches:
        factor = OVERSAMPLING * SIDE / max(pixel_values.shape[2:])
        if factor < 1:
            size = [max(1, round(side * factor)) for side in pixel_values.shape[2:]]
            pixel_values = F.interpolate(pixel_values, size, mode="bilinear", antialias=True, align_corners=False)
        kept.append((pixel_values.clamp(0, 1) * 255).round().to(torch.uint8))
    return torch.cat(kept)


def train_alignment(
    pictures: Tensor, *, mirrored: bool = True, seed: int = 0, steps: int = STEPS, autocast: bool = False
) -> FaceAlignment:
    """A network that says how windows lie beside pictures such as these.

    Args:
        pictures: uint8 [N, C, H, W], as the model is trained on them.
        mirrored: a mirrored picture is one of the kind too.
        seed: of the weights and of all that is random.
        steps: of Adam, on 64 windows each.
        autocast: compute the convolutions in bfloat16, which is faster where the processor knows it.
    """
    generator = torch.Generator().manual_seed(seed)
    _, channels, height, width = pictures.shape
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        alignment = FaceAlignment(channels, width / height, mirrored=mirrored)
    alignment.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch types it for tensors only
    optimizer = torch.optim.AdamW(alignment.parameters(), lr=LEARNING_RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, steps, pct_start=0.1)
    for _ in announced(steps, "Training what levels faces in photos"):
        windows, similarity, has_face = _windows_for(alignment, pictures, BATCH, generator)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            said, log_error = alignment(windows.contiguous(memory_format=torch.channels_last))
        error = torch.where(has_face, corner_error(said, similarity, width / height), 1.0)
        # -log p of an exponentially distributed error whose mean is what was said
        loss = (error / log_error.exp() + log_error).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(alignment.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    alignment.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    for weight in [*alignment.parameters(), *alignment.buffers()]:
        if weight.is_floating_point():  # as it is stored
            weight.data = weight.data.half().float()
    return alignment.eval().requires_grad_(False)


def corner_error(said: Tensor, similarity: Tensor, aspect: float) -> Tensor:
    """Mean distance [N] of the four corners under two similarities [N, 4], in heights of the second crop."""
    difference = said - similarity
    (x, y), (a, b) = (difference[:, 2:].unbind(1)), (difference[:, :2].unbind(1))
    distances = [
        torch.sqrt((a * u - b * v + x).square() + (b * u + a * v + y).square() + 1e-8)
        for u, v in ((-aspect, -1), (aspect, -1), (aspect, 1), (-aspect, 1))
    ]
    return sum(distances) / 4 / 2 / torch.hypot(similarity[:, 0], similarity[:, 1])


def planted_errors(alignment: FaceAlignment, pictures: Tensor, seed: int = 0) -> Tensor:
    """How far from where they are, in sides, the corners of planted pictures [N, C, H, W] are found: [N].

    Each is turned, scaled and shifted by as much as `PLANTED` says, before a background that is plain, noise or a
    blurred picture, of the picture's size; the search begins with that whole photo.
    """
    random = np.random.default_rng(seed)
    errors = []
    for i, picture in enumerate(pictures):
        photo, wanted = plant(picture, pictures[(i + 1) % len(pictures)], random)
        height, width = picture.shape[1:]
        start = torch.tensor([width / 2, height / 2, height, 0.0], dtype=torch.float64)
        found, _ = alignment.settle(PhotoWindows(photo, alignment.num_channels), start)
        target = torch.tensor([[*wanted.center, wanted.height, math.radians(wanted.angle)]], dtype=torch.float64)
        errors.append(corner_distance(found[None], target, alignment.aspect))
    return torch.cat(errors)


def plant(picture: Tensor, other: Tensor, random: np.random.Generator, room: float = 1.0) -> tuple[Image.Image, Crop]:
    """A photo with a picture, uint8 [C, H, W], somewhere about its middle, and where.

    Args:
        picture, other: what is planted, and what a background is made of.
        random: draws the place and the background.
        room: sides of the photo, in sides of the picture.
    """
    channels, height, width = picture.shape
    high, wide = round(height * room), round(width * room)
    scale = PLANTED["scale"] ** random.uniform(-1, 1)
    right, down = random.uniform(-1, 1, 2) * PLANTED["shift"]
    crop = Crop(
        (wide / 2 + right * width, high / 2 + down * height),
        width * scale,
        height * scale,
        PLANTED["degrees"] * random.uniform(-1, 1),
    )
    plain = torch.from_numpy(random.uniform(0, 255, (channels, 1, 1)).astype(np.float32))
    noise = torch.from_numpy(random.normal(0, 30, (channels, high, wide)).astype(np.float32))
    blurred = F.interpolate(F.adaptive_avg_pool2d(other[None].float(), 5), (high, wide), mode="bicubic")[0]
    background = (plain.expand(-1, high, wide), plain + noise, blurred)[random.integers(3)]
    x, y = np.meshgrid(np.arange(wide) + 0.5, np.arange(high) + 0.5)
    places = torch.from_numpy(np.stack([x, y, np.ones_like(x)], axis=-1) @ crop.inverse.T).float()
    sampled = F.grid_sample(picture[None].float(), places[None], "bilinear", "border", align_corners=False)[0]
    pixels = torch.where((places.abs() <= 1).all(-1), sampled, background)
    return _picture(pixels.round().clamp(0, 255).to(torch.uint8)), crop


def kind_of_face(pictures: Tensor) -> str:
    """ "human" where most of the pictures show people, as their detector sees them, else "face"."""
    shown = [_with_room(_picture(picture)) for picture in pictures[:50]]
    people = sum(bool(find_people(picture)) for picture in shown)
    return "human" if people > len(shown) / 2 else "face"


def _error_of_a_step(alignment: FaceAlignment, pictures: Tensor) -> float:
    generator = torch.Generator().manual_seed(0)
    windows, similarity, has_face = _windows_for(alignment, pictures, 256, generator)
    with torch.inference_mode():
        said, _ = alignment(windows)
    return float(corner_error(said, similarity, alignment.aspect)[has_face].median())


def _windows_for(
    alignment: FaceAlignment, pictures: Tensor, count: int, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Windows of pictures as an alignment sees them, see `draw_windows`."""
    return draw_windows(pictures, count, generator, alignment.height, alignment.width, alignment.mirrored)


def _as_photo(picture: Tensor) -> tuple[PhotoWindows, Tensor]:
    channels, height, width = picture.shape
    place = torch.tensor([width / 2, height / 2, height, 0.0], dtype=torch.float64)
    return PhotoWindows(_picture(picture), channels), place


def _picture(pixels: Tensor) -> Image.Image:
    array = pixels.permute(1, 2, 0).contiguous().numpy()
    return Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)


def _with_room(picture: Image.Image) -> Image.Image:
    """Large enough for detectors, and with room around a face that fills the picture."""
    high, wide = 128, round(128 * picture.width / picture.height)
    pixels = np.asarray(picture.resize((wide, high), Image.Resampling.BICUBIC))
    return Image.fromarray(np.pad(pixels, [(32, 32), (32, 32), (0, 0)][: pixels.ndim], mode="edge"))
