"""The pictures and films of a published folder. They show generated faces, so that no person is published.

Only where a recipe allows it (`publish.show_data`) reconstructions are of held-out pictures.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from PIL import Image

from .pipeline import VAEPipeline
from .sheets import grid, rows

SEED = 1
MORPH_SEED, MORPH_TRUNCATION = 2, 0.8
"""A film is looked at for its movement: it goes through ordinary faces."""
STRENGTHS = (-3.0, -1.5, 0.0, 1.5, 3.0)
RECONSTRUCTED, MORPHS, STEPS, COLUMNS = 32, 8, 8, 8
logger = logging.getLogger(__name__)

MOST_EDITED = 12
"""Attributes of the sheet of edits."""
ENLARGED = 80
"""Side to which small pictures are enlarged, so that a sheet can be looked at."""


def draw_media(
    pipe: VAEPipeline,
    judged: Mapping[str, Mapping[str, Any]] | None = None,
    originals: Sequence[Image.Image] = (),
) -> dict[str, bytes]:
    """Samples, reconstructions, morphs and edits (.webp), and morph.gif, by the names of their files.

    Args:
        pipe: draws.
        judged: figures of each attribute in evaluation.json, see `best_edits`.
        originals: pictures of the data that the reconstructions are of, and which are shown; samples without.
    """
    logger.info("Drawing sheets and films for the card.")
    samples = pipe.generate(64, seed=SEED)
    sheets = {
        "samples": grid(samples, columns=COLUMNS),
        "reconstructions": _reconstructions(pipe, list(originals)[:RECONSTRUCTED], "held out")
        if originals
        else _reconstructions(pipe, samples[:RECONSTRUCTED], "generated"),
        "morphs": _morphs(pipe),
    }
    if pipe.attributes:
        sheets["edits"] = edit_sheet(pipe, best_edits(pipe, judged or {}))
    drawn = {f"{name}.webp": webp(sheet) for name, sheet in sheets.items()}
    faces = list(pipe.sample(4, seed=MORPH_SEED, truncation=MORPH_TRUNCATION))
    drawn["morph.gif"] = pipe.morph(faces, frames=48, path="flow", closed=True).to_bytes("gif", seconds=4.0, size=128)
    return drawn


def best_edits(pipe: VAEPipeline, judged: Mapping[str, Mapping[str, Any]], most: int = MOST_EDITED) -> list[str]:
    """The attributes to show edits of: all in their order, or, where there are more than `most`, the best ones first.

    Best are those whose edits a probe sees: by `success`, the mean share of pictures that an edit gives the attribute
    and that one takes it from. After them come those that no probe has judged, by how well the readout tells them.

    Args:
        pipe: with directions.
        judged: attribute -> figures in the form of evaluation.json, `{"success": {"value": 0.9}}`.
        most: so many.
    """
    if pipe.directions is None or len(pipe.directions) <= most:
        return pipe.attributes

    def rank(name: str) -> tuple[bool, float]:
        success = judged.get(name, {}).get("success", {}).get("value")
        return success is not None, directions[name].concordance if success is None else success

    directions = pipe.directions.directions
    return sorted(pipe.attributes, key=rank, reverse=True)[:most]


def _reconstructions(pipe: VAEPipeline, originals: list[Image.Image], what: str) -> Image.Image:
    """Rows of pictures, each with a row of their reconstructions below."""
    lines = []
    for pictures in (originals, pipe.reconstruct(originals)):
        shown = enlarged(pictures)
        lines.append([shown[start : start + COLUMNS] for start in range(0, len(shown), COLUMNS)])
    pairs = [line for pair in zip(*lines, strict=True) for line in pair]
    return rows(pairs, labels=[what, "reconstructed"] * (len(pairs) // 2))


def _morphs(pipe: VAEPipeline) -> Image.Image:
    """One morph in each row, from one face to another."""
    faces = pipe.sample(2 * MORPHS, seed=MORPH_SEED, truncation=MORPH_TRUNCATION)
    films = [pipe.morph(list(pair), frames=STEPS, path="flow", easing="linear") for pair in faces.split(2)]
    return rows([enlarged(list(film.frames)) for film in films])


def edit_sheet(pipe: VAEPipeline, attributes: list[str]) -> Image.Image:
    """Attribute x strength: one row for each attribute, with a generated face of its own."""
    latents = pipe.sample(len(attributes), seed=SEED + 1)
    strips = []
    for latent, name in zip(latents, attributes, strict=True):
        moved = [pipe.edit_latents(latent[None], {name: strength})[0] for strength in STRENGTHS]
        strips.append(enlarged([pipe.decode(edited[None])[0] for edited in moved]))
    return rows(strips, labels=attributes)


def webp(sheet: Image.Image, quality: int = 88) -> bytes:
    """A sheet of many faces is several times smaller so than without loss, and no eye sees the difference."""
    file = BytesIO()
    sheet.convert("RGB").save(file, "WEBP", quality=quality, method=6)
    return file.getvalue()


def enlarged(pictures: list[Image.Image]) -> list[Image.Image]:
    """The pictures at a side of at least 80 pixels."""
    width, height = pictures[0].size
    factor = max(1.0, ENLARGED / min(width, height))
    size = (round(width * factor), round(height * factor))
    return [picture.resize(size, Image.Resampling.BICUBIC) for picture in pictures]
