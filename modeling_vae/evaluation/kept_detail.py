"""Edits that keep the photo's detail: does a probe see as much of them as of plain ones?

A plain edit shows the decoder's picture of the edited latent. One that keeps the detail adds to the photo what the
edit changes in the decoder's picture, and where that is much, gives up what the reconstruction missed, all faded out
towards the edge of the crop (`modeling_vae.photos.photo.edit_difference`). Here the whole picture is the crop.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from modeling_vae.figures.catalogue import KEPT_STRENGTH
from modeling_vae.passes import decode_all, decoded
from modeling_vae.photos.photo import edit_difference, faded
from modeling_vae.processes import each
from modeling_vae.progress import in_turn

from .weighted import weighted_mean

if TYPE_CHECKING:
    from modeling_vae.model.attribute_directions import AttributeDirections
    from modeling_vae.model.modeling_image_vae import VAEModel
    from modeling_vae.probing.probes import Probe

logger = logging.getLogger(__name__)

CLEAR = 4.0
"""A plain edit must move the score by so many deviations over resamples: a ratio to what may be 0 says nothing."""


@dataclass(frozen=True)
class Scores:
    """What a probe says about one attribute of N pictures after an edit by +2 and by -2 deviations, [N] each."""

    up: Tensor
    down: Tensor

    @property
    def success(self) -> Tensor:
        """[N], the mean of "seen after +2" and "not seen after -2", as in `EditOutcome`."""
        return ((self.up > 0).float() + (self.down <= 0).float()) / 2

    @property
    def change(self) -> Tensor:
        """[N], the mean of how far +2 raises the score and how far -2 lowers it; the score before cancels out."""
        return (self.up - self.down) / 2


def pictures_at(batches: Iterable[tuple[Tensor, Any]], rows: Tensor) -> Tensor:
    """The pictures of some rows of a data set, in the order of the rows: [n, C, H, W]."""
    wanted, start = set(rows.tolist()), 0
    found: dict[int, Tensor] = {}
    for pixel_values, _ in batches:
        inside = [row for row in wanted if start <= row < start + len(pixel_values)]
        found |= {row: pixel_values[row - start].clone() for row in inside}  # a view would keep the whole batch
        start += len(pixel_values)
        if len(found) == len(wanted):
            break
    return torch.stack([found[row] for row in rows.tolist()])


@torch.no_grad()
def scores_of_edits(
    model: VAEModel,
    directions: AttributeDirections,
    probe: Probe,
    photos: Tensor,
    latents: Tensor,
    reconstructions: Tensor,
    name: str,
    batch_size: int = 64,
) -> tuple[Scores, Scores]:
    """What the probe says of plain edits and of edits that keep the detail.

    Args:
        model, directions: what is judged.
        probe: that knows the attribute.
        photos: [N, C, H, W] in [0, 1].
        latents: their posterior means, [N, D].
        reconstructions: their decoder's pictures, [N, C, H, W].
        name: of a direction; nothing is held.
        batch_size: pictures that go through a network at once.
    """
    own = [attribute.name for attribute in probe.attributes].index(name)
    found: list[list[Tensor]] = []
    for strength in (KEPT_STRENGTH, -KEPT_STRENGTH):
        edited = directions.edit(latents, {name: strength})
        columns: list[list[Tensor]] = [[], []]
        parts = (tensor.split(batch_size) for tensor in (photos, reconstructions))
        for plain, photo, reconstruction in zip(decoded(model, edited, batch_size), *parts, strict=True):
            kept = (photo + faded(edit_difference(photo, reconstruction, plain))).clamp(0, 1)
            for column, pictures in zip(columns, (plain, kept), strict=True):
                column.append(probe(pictures)[:, own])
        found.append([torch.cat(column) for column in columns])
    (plain_up, kept_up), (plain_down, kept_down) = found
    return Scores(plain_up, plain_down), Scores(kept_up, kept_down)


def kept_detail_figures(
    model: VAEModel,
    directions: AttributeDirections,
    probe: Probe,
    photos: Tensor,
    latents: Tensor,
    counts: Tensor,
    batch_size: int = 64,
) -> tuple[list[str], dict[str, Tensor]]:
    """Both kinds of edits of every direction that the probe knows.

    Args:
        counts: [R, N], see `weighted`; row 0 is the set itself. The others as in `scores_of_edits`.

    Returns:
        names of A directions, and name of a figure -> [R, A]. `detail_ratio` is how far the score moves where the
        detail is kept, over how far it moves in plain edits; NaN where that is not clearly different from 0.
    """
    known = {attribute.name for attribute in probe.attributes}
    names = [name for name in directions.names if name in known]
    reconstructions = decode_all(model, latents, batch_size)

    def scores_of(name: str) -> tuple[Scores, Scores]:
        return scores_of_edits(model, directions, probe, photos, latents, reconstructions, name, batch_size)

    found = each(scores_of, in_turn(names, "Editing attributes with the detail of the photo kept"))
    columns: dict[str, list[Tensor]] = {}
    for name, both in zip(names, found, strict=True):
        for way, scores in zip(("plain", "detail"), both, strict=True):
            columns.setdefault(f"{way}_success", []).append(scores.success)
            columns.setdefault(f"{way}_change", []).append(scores.change)
        plain, kept = (float(scores.change.mean()) for scores in both)
        logger.info("edits of %s move the probe's score by %.2f, with the detail kept by %.2f", name, plain, kept)
    figures = {figure: weighted_mean(torch.stack(c, dim=1), counts) for figure, c in columns.items()}
    if names:
        figures["detail_ratio"] = _ratio(figures["detail_change"], figures["plain_change"])
    return names, figures


def _ratio(kept: Tensor, plain: Tensor) -> Tensor:
    """kept / plain, [R, A]; NaN for attributes whose plain change may be 0."""
    clear = plain[0].abs() > CLEAR * plain[1:].std(dim=0)
    return torch.where(clear, kept / plain, torch.nan)
