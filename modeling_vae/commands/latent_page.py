"""The latent report in a published folder: latents.md, and its pictures in media/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modeling_vae.data import PictureData
from modeling_vae.figures.latent_figures import CAPTIONS, PAGE, file_of, page
from modeling_vae.files import write_whole
from modeling_vae.latent_report.whole_report import latent_report
from modeling_vae.media import webp
from modeling_vae.pipeline import VAEPipeline
from modeling_vae.publishing.card import MEDIA_FOLDER
from modeling_vae.recipes.recipe import Recipe

QUALITY = 80
"""Of ten sheets more in a folder that shall stay small."""


def write_latent_report(
    folder: Path,
    pipe: VAEPipeline,
    data: PictureData,
    recipe: Recipe,
    report: Mapping[str, Any],
    faces: Sequence[str] = (),
) -> dict[str, Any]:
    """Write pictures and page, and return what evaluation.json says; a report that was there is replaced.

    Args:
        folder: of the published model.
        pipe: the model.
        data: its pictures.
        recipe: that it was trained by, whose columns the data have.
        report: evaluation.json so far.
        faces: see `latent_report`.
    """
    judged = report.get("attributes", {}).get("each")
    figures, pictures = latent_report(pipe, data, recipe.columns, judged, faces)
    media = folder / MEDIA_FOLDER
    media.mkdir(exist_ok=True)
    for name in CAPTIONS:
        if name in pictures:
            write_whole(media / file_of(name), webp(pictures[name], QUALITY))
        else:
            (media / file_of(name)).unlink(missing_ok=True)
    write_whole(folder / PAGE, page(figures, list(pictures), given=bool(faces)))
    return figures
