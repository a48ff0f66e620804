"""The pictures and films of a published folder. All of them show generated faces, so that no person is published."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from modeling_vae.animation import Animation
from modeling_vae.evaluation.sheets import grid, rows
from modeling_vae.pipeline import VAEPipeline

SEED = 1
MORPH_SEED, MORPH_TRUNCATION = 2, 0.8
"""A film is looked at for its movement: it goes through ordinary faces."""
STRENGTHS = (-3.0, -1.5, 0.0, 1.5, 3.0)
ENLARGED = 80
"""Side to which small pictures are enlarged, so that a sheet can be looked at."""


def write_media(pipe: VAEPipeline, folder: Path, training: Sequence[Image.Image] = ()) -> None:
    """Write samples.png, reconstructions.png, edits.png, morph.gif and training.webp into a folder.

    Args:
        pipe: draws.
        folder: to write into.
        training: frames of the film of the training; there is no such film without.
    """
    folder.mkdir(parents=True, exist_ok=True)
    samples = pipe.generate(64, seed=SEED)
    grid(samples, columns=8).save(folder / "samples.png", optimize=True)
    originals = samples[:8]
    rows([_enlarge(originals), _enlarge(pipe.reconstruct(originals))], labels=["generated", "reconstructed"]).save(
        folder / "reconstructions.png", optimize=True
    )
    if pipe.attributes:
        edit_sheet(pipe, pipe.attributes[:12], folder / "edits.png")
    faces = list(pipe.sample(4, seed=MORPH_SEED, truncation=MORPH_TRUNCATION))
    pipe.morph(faces, frames=48, closed=True).save(folder / "morph.gif", seconds=4.0, size=160)
    if training:
        held = [*training, *[training[-1]] * (len(training) // 3)]  # time to look at where it ends
        Animation(held).save(folder / "training.webp", seconds=0.2 * len(held))


def edit_sheet(pipe: VAEPipeline, attributes: list[str], path: Path) -> None:
    """Attribute x strength: one generated face, one row for each attribute."""
    latents = pipe.sample(len(attributes), seed=SEED + 1)
    strips = []
    for latent, name in zip(latents, attributes, strict=True):
        moved = [pipe.edit_latents(latent[None], {name: strength})[0] for strength in STRENGTHS]
        strips.append(_enlarge([pipe.decode(edited[None])[0] for edited in moved]))
    rows(strips, labels=attributes).save(path, optimize=True)


def _enlarge(pictures: list[Image.Image]) -> list[Image.Image]:
    """The pictures at a side of at least 80 pixels."""
    width, height = pictures[0].size
    factor = max(1.0, ENLARGED / min(width, height))
    size = (round(width * factor), round(height * factor))
    return [picture.resize(size, Image.Resampling.BICUBIC) for picture in pictures]
