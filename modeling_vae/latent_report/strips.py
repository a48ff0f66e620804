"""Sheets of what latents look like: averages of groups, one face along each attribute, and a morph of originals."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from PIL import Image

from modeling_vae.faces import Face
from modeling_vae.media import enlarged
from modeling_vae.model.attribute_directions import AttributeDirections
from modeling_vae.pipeline import VAEPipeline
from modeling_vae.sheets import rows

STRENGTHS = tuple(float(strength) for strength in range(-4, 5))
STEPS = 12
"""Of the morph, with the reconstructions of both originals."""
JOINT = 8
"""Groups at most that the first attribute is shown in."""


def averages(pipe: VAEPipeline, names: Sequence[str]) -> Image.Image | None:
    """The average picture without and with each attribute; None where there is none of yes or no.

    Without a value of a category means: with any other. Where d = mean(with) - mean(without), the mean without is that
    with less d.
    """
    directions = _directions(pipe)
    known = [name for name in names if _with(directions, name) is not None]
    if not known:
        return None
    lines = []
    for name in known:
        group = _with(directions, name) or ""
        difference = directions.differences[directions.names.index(name)]
        lines.append([_mean(pipe, directions.around(group).double() - difference), pipe.average(group)])
    return rows([enlarged(line) for line in lines], known, headings=["without", "with"])


def joint_averages(pipe: VAEPipeline, names: Sequence[str]) -> Image.Image | None:
    """The first attribute of yes or no within groups of the others: no beard and a beard, of men alone.

    None where there are no two such attributes. Groups that say the same as the attribute are left out.
    """
    directions = _directions(pipe)
    first = next((name for name in names if f"{name}:false" in directions.groups), None)
    if first is None:
        return None
    lines: list[list[Image.Image]] = []
    labels = []
    for name in names:
        group, column = _with(directions, name), directions.directions[name].column
        if group is None or column == first or len(lines) == JOINT:
            continue
        try:
            lines.append([pipe.average(f"{group} & {first}:{value}") for value in ("false", "true")])
        except ValueError:  # they say the same thing
            continue
        labels.append(name)
    if not lines:
        return None
    return rows([enlarged(line) for line in lines], labels, headings=[f"not {first}", first])


def strips(pipe: VAEPipeline, face: Face, names: Sequence[str]) -> Image.Image:
    """One face with each attribute from -4 to 4 standard deviations."""
    latent = pipe.encode(face)
    lines = []
    for name in names:
        moved = torch.cat([pipe.edit_latents(latent, {name: strength}) for strength in STRENGTHS])
        lines.append(enlarged(pipe.decode(moved)))
    return rows(lines, list(names), headings=[f"{strength:+.0f}" if strength else "0" for strength in STRENGTHS])


def originals(pipe: VAEPipeline, first: Face, last: Face) -> Image.Image:
    """A morph of 12 steps between two pictures, which are shown at both ends."""
    ends = [
        pipe.crop(face).picture.convert("RGB").resize(_size(pipe), Image.Resampling.LANCZOS) for face in (first, last)
    ]
    film = list(pipe.morph([first, last], frames=STEPS, easing="linear").frames)
    headings = ["original", *map(str, range(1, STEPS + 1)), "original"]
    return rows([enlarged([ends[0], *film, ends[1]])], headings=headings)


def _size(pipe: VAEPipeline) -> tuple[int, int]:
    height, width = pipe.model.config.height_and_width
    return width, height


def _directions(pipe: VAEPipeline) -> AttributeDirections:
    assert pipe.directions is not None  # whoever names attributes has them
    return pipe.directions


def _with(directions: AttributeDirections, name: str) -> str | None:
    """The group of the pictures that have an attribute; None of a number."""
    return next((group for group in (name, f"{name}:true") if group in directions.groups), None)


def _mean(pipe: VAEPipeline, latents: torch.Tensor) -> Image.Image:
    pictures = pipe.decode_pixels(latents.float())
    return pipe.processor.postprocess(pictures.mean(0, keepdim=True))[0]
