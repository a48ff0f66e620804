"""All of a latent report: figures, and pictures by the names of `latent_figures.CAPTIONS`."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from modeling_vae.data import PictureData
from modeling_vae.faces import Face
from modeling_vae.figures.latent_figures import CAPTIONS
from modeling_vae.media import best_edits
from modeling_vae.pipeline import VAEPipeline

from .dimensions import Dimensions
from .latent_sample import MOST, LatentSample
from .maps import draw_map, neighbours, principal
from .plots import correlations, histograms, plane, usage
from .strips import averages, joint_averages, originals, strips

logger = logging.getLogger(__name__)

SEED = 2


def latent_report(
    pipe: VAEPipeline,
    data: PictureData,
    kinds: Mapping[str, str],
    judged: Mapping[str, Mapping[str, Any]] | None = None,
    faces: Sequence[Face] = (),
    most: int = MOST,
) -> tuple[dict[str, Any], dict[str, Image.Image]]:
    """Figures for evaluation.json, and pictures in the order of a page.

    Args:
        pipe: the model.
        data: its pictures, at the model's size.
        kinds: column -> kind, of the labels in the data.
        judged: figures of each attribute in evaluation.json; of many attributes the best are shown, see `best_edits`.
        faces: two pictures to morph between; generated ones where none are given, so that no picture of the data is
            shown.
        most: latents at most.

    Raises:
        ModuleNotFoundError: scikit-learn or matplotlib is missing.
        ValueError: another number of faces than two, or fewer than two pictures.
    """
    ends = list(faces) or pipe.generate(2, seed=SEED, truncation=0.8)
    if len(ends) != 2:
        raise ValueError(f"a report morphs between two pictures, and {len(ends)} came.")
    sample = LatentSample.of(pipe.model, data, list(kinds), most)
    dimensions = Dimensions.of(sample)
    logger.info("Drawing plots and sheets of latents.")
    drawn: dict[str, Image.Image | None] = {
        "histograms": histograms(dimensions),
        "usage": usage(dimensions),
        "plane": plane(dimensions),
        **_maps(sample, kinds),
        "originals": originals(pipe, *ends),
    }
    if pipe.directions is not None and len(pipe.directions):
        best = best_edits(pipe, judged or {})
        drawn |= {
            "correlations": correlations(pipe.directions),
            "averages": averages(pipe, best),
            "joint": joint_averages(pipe, best),
            "strips": strips(pipe, ends[0], best),
        }
    pictures = {name: picture for name in CAPTIONS if (picture := drawn.get(name)) is not None}
    return dimensions.figures(), pictures


def _maps(sample: LatentSample, kinds: Mapping[str, str]) -> dict[str, Image.Image]:
    places, shares = principal(sample.means)
    known = {column: sum(v is not None for v in values) for column, values in sample.labels.items()}
    labels = {column: sample.labels[column] for column in sorted(known, key=lambda c: -known[c]) if known[column]}
    count = f"{len(sample.means):,} latents"
    return {
        "pca": draw_map(
            places, labels, kinds, f"{count}: principal components 1 and 2 ({shares[0]:.1%} and {shares[1]:.1%})"
        ),
        "tsne": draw_map(neighbours(sample.means), labels, kinds, f"{count}: t-SNE"),
    }
