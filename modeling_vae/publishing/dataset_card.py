"""The card of a prepared data set: what is in it, what was left out, and where it came from."""

from __future__ import annotations

from collections import Counter

import numpy as np

from modeling_vae.data import DataReport
from modeling_vae.data.cache import PictureCache
from modeling_vae.data.report import described
from modeling_vae.figures.tables import code
from modeling_vae.recipes.crops import AnnotatedCrop
from modeling_vae.recipes.recipe import DataRecipe, Recipe

from .card_sections import Card

SIZES = ((1e3, "n<1K"), (1e4, "1K<n<10K"), (1e5, "10K<n<100K"), (1e6, "100K<n<1M"), (float("inf"), "1M<n<10M"))
"""The Hub's classes of sizes, by what they lie below."""
MOST_BROKEN = 20
"""Names of broken pictures in a card."""
USE = """\
## Use

`python train.py RECIPE data.path={name}` trains on it, with `data.streaming=true` without a copy on the disk.
"""


def dataset_card(
    data: DataRecipe, report: DataReport, cache: PictureCache, *, name: str = "FOLDER", license: str | None = None
) -> Card:
    """The card; a data set that comes from the Hub is named in it, a folder is not.

    Args:
        data: what was read, and how.
        report: what reading it found.
        cache: what was kept of it.
        name: what the card calls the data set where it says how to use it.
        license: of the pictures.
    """
    count, height, width, channels = cache.manifest["shape"]
    metadata = {
        "license": license,
        "task_categories": ["unconditional-image-generation"],
        "size_categories": [next(name for below, name in SIZES if count < below)],
        "tags": ["image", "vae"],
    }
    source = Recipe(data=data).published().data.path
    origin = f"[{source}](https://huggingface.co/datasets/{source})" if source else "a collection of pictures"
    kind = "RGB" if channels == 3 else "grey"
    bodies = {
        "about": f"# {count:,} pictures of {width} x {height} pixels\n\nMade of {origin}; in {kind}, "
        f"{_cropped(data.crop)}.",
        "splits": _splits(data, report),
        "left-out": _left_out(report),
        "columns": _columns(cache),
        "use": USE.format(name=name),
    }
    return Card.generated({key: value for key, value in metadata.items() if value is not None}, bodies)


def _cropped(crop: str | AnnotatedCrop) -> str:
    if not isinstance(crop, AnnotatedCrop):
        return {
            "center": "cropped around their middle to that shape",
            "none": "resized as a whole",
            "pad": "resized as a whole, with white margins",
        }[crop]
    if crop.points is None:
        return f"cropped around annotated boxes, {crop.margin:.0%} of whose sides was added on each side"
    places = ", ".join(f"{code(name)} at ({x:.3f}, {y:.3f})" for name, (x, y) in crop.points.items())
    return f"levelled, scaled and cropped by annotated points: {places}, in shares of width and height"


def _splits(data: DataRecipe, report: DataReport) -> str:
    how = (
        f"The validation pictures are those of the split `{data.validation}`."
        if isinstance(data.validation, str)
        else f"{data.validation:.0%} of the pictures, chosen by their pixels alone, are for validation."
    )
    rows = [f"| {split} | {count:,} |" for split, count in report.pictures.items() if count is not None]
    return "\n".join(["## Splits", "", "| split | pictures |", "|---|---|", *rows, "", how])


def _left_out(report: DataReport) -> str:
    lines = [
        "## Left out",
        "",
        f"- {report.duplicates:,} exact duplicates (the same decoded pixels; the first one stayed, and validation's "
        "before train's)",
        f"- {len(report.broken):,} pictures that cannot be read",
    ]
    if report.broken:
        names = ", ".join(code(name) for name in report.broken[:MOST_BROKEN])
        lines[-1] += f": {names}{', ...' if len(report.broken) > MOST_BROKEN else ''}"
    lines += [f"- {part}" for part in described(report.left_out)]
    return "\n".join(lines)


def _columns(cache: PictureCache) -> str:
    """Each column with its kind and what its values are, over both splits."""
    names, arrays = cache.labels.names, cache.labels.to_arrays()
    lines = [
        "## Columns",
        "",
        "| column | kind | values | unknown |",
        "|---|---|---|---|",
        "| `image` | picture | | |",
    ]
    for column, kind in cache.labels.kinds.items():
        values = arrays[column]
        known = values[~np.isnan(values)] if kind == "numeric" else values[values >= 0]
        said = _said(kind, known, names.get(column, []))
        lines.append(f"| {code(column)} | {kind} | {said} | {len(values) - len(known):,} |")
    return "\n".join(lines)


def _said(kind: str, known: np.ndarray, names: list[str]) -> str:
    if not len(known):
        return ""
    if kind == "numeric":
        return f"{known.min():.4g} to {known.max():.4g}, mean {known.mean():.4g}"
    counts = Counter(known.tolist())
    words = {0: "false", 1: "true"} if kind == "boolean" else dict(enumerate(names))
    return ", ".join(f"{words[value]} {count:,}" for value, count in counts.most_common())
