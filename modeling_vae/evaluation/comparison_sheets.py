"""Sheets of several models side by side: what each makes of the same pictures, and what it draws by itself."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

from PIL import Image

from modeling_vae.sheets import rows

if TYPE_CHECKING:
    from modeling_vae.pipeline import VAEPipeline

RECONSTRUCTED = 10
"""Held-out pictures whose reconstructions are shown."""
STEPS = 8
"""Pictures between the two ends of an interpolation, those of the ends' own latents among them."""
SAMPLES = STEPS + 2
AVERAGES = 4
SMALLEST_SIDE = 96
"""Pictures are enlarged by a whole factor to at least this, so that a sheet can be looked at."""
ORIGINAL = "original"
PUBLISHED = "published"
"""The folder of a run that holds its model: what it is called says nothing."""

Pictures = Mapping[str, Sequence[Image.Image]]
"""The same held-out pictures for each model, at its own size: name -> at least two pictures."""


def comparison_sheets(pipes: Mapping[str, VAEPipeline], pictures: Pictures, seed: int = 0) -> dict[str, Image.Image]:
    """Reconstructions, interpolations, samples, and, where a model has directions, averages: RGB pictures.

    All pictures of a sheet are scaled to the largest model's, by repeated pixels where the factor is whole; the
    originals are those that it was given.

    Args:
        pipes: name -> model; what is written beside its pictures is the name's end, see `short_names`.
        pictures: held-out pictures.
        seed: of the samples.
    """
    labels = short_names(list(pipes))
    size = _shown_size(pipes.values())
    originals = max(pictures.values(), key=lambda own: (own[0].width * own[0].height, len(own[0].getbands())))
    sheets = {
        "reconstructions": _reconstructions(pipes, labels, pictures, originals, size),
        "interpolations": _interpolations(pipes, labels, pictures, originals, size),
        "samples": _samples(pipes, labels, seed, size),
    }
    groups = shared_groups(pipes.values())
    if groups:
        sheets["averages"] = _averages(pipes, labels, groups, size)
    return sheets


def _reconstructions(
    pipes: Mapping[str, VAEPipeline],
    labels: Sequence[str],
    pictures: Pictures,
    originals: Sequence[Image.Image],
    size: tuple[int, int],
) -> Image.Image:
    """Pictures down, models across."""
    columns = [list(originals), *(pipe.reconstruct(pictures[name]) for name, pipe in pipes.items())]
    lines = [_scaled(line, size) for line in zip(*columns, strict=True)]
    return rows(lines, headings=[ORIGINAL, *labels])


def _interpolations(
    pipes: Mapping[str, VAEPipeline],
    labels: Sequence[str],
    pictures: Pictures,
    originals: Sequence[Image.Image],
    size: tuple[int, int],
) -> Image.Image:
    """From the first picture to the second, a row for each model, with the pictures themselves at both ends."""
    first, last = originals[:2]
    lines = []
    for name, pipe in pipes.items():
        film = pipe.morph(list(pictures[name][:2]), frames=STEPS, easing="linear")
        lines.append(_scaled([first, *film.frames, last], size))
    return rows(lines, labels, headings=[ORIGINAL, *[""] * STEPS, ORIGINAL])


def _samples(pipes: Mapping[str, VAEPipeline], labels: Sequence[str], seed: int, size: tuple[int, int]) -> Image.Image:
    """A row for each model; of one without a fitted prior the label says so."""
    words = [
        label if pipe.prior is not None else f"{label}, N(0, I)"
        for label, pipe in zip(labels, pipes.values(), strict=True)
    ]
    return rows([_scaled(pipe.generate(SAMPLES, seed=seed), size) for pipe in pipes.values()], words)


def _averages(
    pipes: Mapping[str, VAEPipeline], labels: Sequence[str], groups: Sequence[str], size: tuple[int, int]
) -> Image.Image:
    """Groups across; models that know none of them are left out, and a group that one does not know is empty."""
    lines, words = [], []
    for label, pipe in zip(labels, pipes.values(), strict=True):
        known = _groups(pipe)
        if any(group in known for group in groups):
            averages = [_scaled([pipe.average(group)], size)[0] if group in known else None for group in groups]
            lines.append(averages)
            words.append(label)
    return rows(lines, words, headings=groups)


def shared_groups(pipes: Iterable[VAEPipeline], most: int = AVERAGES) -> list[str]:
    """Groups to show averages of: those of the most models first, and of these the best one of each column first."""
    known, places = Counter[str](), dict[str, int]()
    for pipe in pipes:
        groups = _groups(pipe)
        known.update(groups.keys())
        for group, place in groups.items():
            places.setdefault(group, place)
    return sorted(places, key=lambda group: (-known[group], places[group]))[:most]


def _groups(pipe: VAEPipeline) -> dict[str, int]:
    """Attributes of which a model knows the mean, in its order -> the number of earlier ones of the same column."""
    if pipe.directions is None:
        return {}
    columns, found = Counter[str](), dict[str, int]()
    for name in pipe.attributes:
        if name in pipe.directions.groups or f"{name}:true" in pipe.directions.groups:
            column = pipe.directions.directions[name].column
            found[name] = columns[column]
            columns[column] += 1
    return found


def short_names(names: Sequence[str]) -> list[str]:
    """The ends of paths or ids, as short as they can be told apart: runs/a/published, runs/b/published -> a, b."""
    parts = [PurePath(name).parts for name in names]
    parts = [each[:-1] if len(each) > 1 and each[-1] == PUBLISHED else each for each in parts]
    for count in range(1, max(map(len, parts)) + 1):
        ends = ["/".join(each[-count:]) for each in parts]
        if len(set(ends)) == len(ends):
            return ends
    return list(names)


def _shown_size(pipes: Iterable[VAEPipeline]) -> tuple[int, int]:
    """(width, height) of a cell: the largest model's pictures, enlarged by a whole factor where they are small."""
    height, width = max((pipe.model.config.height_and_width for pipe in pipes), key=math.prod)
    factor = max(1, math.ceil(SMALLEST_SIDE / min(height, width)))
    return width * factor, height * factor


def _scaled(pictures: Iterable[Image.Image], size: tuple[int, int]) -> list[Image.Image]:
    """The pictures as large as they fit into (width, height), in their own proportions."""
    found = []
    for picture in pictures:
        factor = min(size[0] / picture.width, size[1] / picture.height)
        method = Image.Resampling.NEAREST if factor.is_integer() else Image.Resampling.LANCZOS
        found.append(picture.resize((round(picture.width * factor), round(picture.height * factor)), method))
    return found
