"""Does an edited picture, encoded again, read as what was asked for?"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from modeling_vae.figures.catalogue import REENCODED_AT
from modeling_vae.passes import decoded, posteriors
from modeling_vae.processes import each
from modeling_vae.progress import in_turn

from .weighted import weighted_median

if TYPE_CHECKING:
    from modeling_vae.model.attribute_directions import AttributeDirections
    from modeling_vae.model.modeling_image_vae import VAEModel

logger = logging.getLogger(__name__)


@torch.no_grad()
def reencoding_errors(
    model: VAEModel, directions: AttributeDirections, latents: Tensor, name: str, batch_size: int = 64
) -> dict[float, Tensor]:
    """How far the value read off the re-encoded edited picture is from the one asked for, in standard deviations.

    What is asked for is the value of the latent plus the strength. The attribute is edited alone, nothing is held.

    Args:
        latents: [N, D].

    Returns:
        |strength| -> float64 [N, 2], up and down; for strength 0, the plain reconstruction, [N, 1].
    """
    row = directions.names.index(name)
    before = directions.values(latents)[:, row]
    errors = {}
    for size in (0.0, *REENCODED_AT):
        columns = []
        for strength in (size, -size) if size else (0.0,):
            edited = decoded(model, directions.edit(latents, {name: strength}), batch_size)
            after = torch.cat([directions.values(posterior.mean)[:, row] for posterior in posteriors(model, edited)])
            columns.append((after - before - strength).abs())
        errors[size] = torch.stack(columns, dim=1)
    return errors


def reencoding_figures(
    model: VAEModel, directions: AttributeDirections, latents: Tensor, counts: Tensor, batch_size: int = 64
) -> dict[str, Tensor]:
    """Median errors of every direction for each resample: name of a figure -> [R, A].

    `reencoding_error` is over all strengths but 0; with a number behind it over one strength, up and down.

    Args:
        latents: [N, D].
        counts: [R, N], see `weighted`.
    """

    def medians(name: str) -> dict[str, Tensor]:
        errors = reencoding_errors(model, directions, latents, name, batch_size)
        figures = {"reencoding_error": torch.cat([errors[size] for size in REENCODED_AT], dim=1)}
        figures |= {f"reencoding_error_{size:g}": found for size, found in errors.items()}
        # a picture is drawn with all its edits
        return {
            figure: weighted_median(found.flatten(), counts.repeat_interleave(found.shape[1], dim=1))
            for figure, found in figures.items()
        }

    found = each(medians, in_turn(directions.names, "Encoding edited pictures again"))
    for name, figures in zip(directions.names, found, strict=True):
        logger.info(
            "encoded again after edits of %s: %.2f deviations off", name, float(figures["reencoding_error"][0])
        )
    return {figure: torch.stack([figures[figure] for figures in found], dim=1) for figure in found[0]}
