"""What becomes of attributes in reconstructions, in the eyes of a probe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from modeling_vae.passes import decode_all, encode_all
from modeling_vae.probing.yes_no import targets
from modeling_vae.processes import each
from modeling_vae.ranking import weighted_auc

from .weighted import weighted_mean

if TYPE_CHECKING:
    from modeling_vae.model.modeling_image_vae import VAEModel
    from modeling_vae.probing.probes import Probe


@dataclass(frozen=True)
class Judged:
    """What is known of N pictures and their reconstructions, for the A attributes of a probe.

    Args:
        latents: posterior means, float32 [N, D].
        truth: the labels, [N, A]: 1, 0, or NaN where unknown.
        real: what the probe says of the pictures, [N, A]: it sees an attribute where it is above 0.
        reconstructed: what it says of their reconstructions, [N, A].
    """

    latents: Tensor
    truth: Tensor
    real: Tensor
    reconstructed: Tensor


@torch.no_grad()
def judge(model: VAEModel, probe: Probe, batches: Iterable[tuple[Tensor, Mapping[str, Sequence[Any]]]]) -> Judged:
    """Ask the probe about pictures and their reconstructions from the posterior means."""

    def judged(batch: tuple[Tensor, Mapping[str, Sequence[Any]]]) -> tuple[Tensor, ...]:
        pixel_values, labels = batch
        latents, truth = encode_all(model, pixel_values), targets(probe.attributes, labels)
        return latents, truth, probe(pixel_values), probe(decode_all(model, latents))

    return Judged(*(torch.cat(column) for column in zip(*each(judged, batches), strict=True)))


def survival_figures(judged: Judged, counts: Tensor) -> dict[str, Tensor]:
    """Figures of the A attributes for each resample (see `weighted`): name -> [R, A].

    Each is NaN where no picture, or none of that resample, has the attribute or has it not.
    """
    real, reconstructed = judged.real > 0, judged.reconstructed > 0
    unasked = torch.full_like(judged.truth, float("nan"))
    kept = weighted_mean(torch.where(real, reconstructed.float(), unasked), counts)
    stayed_without = weighted_mean(torch.where(real, unasked, (~reconstructed).float()), counts)

    def right(seen: Tensor) -> Tensor:
        having = weighted_mean(torch.where(judged.truth == 1, seen.float(), unasked), counts)
        lacking = weighted_mean(torch.where(judged.truth == 0, (~seen).float(), unasked), counts)
        return (having + lacking) / 2

    return {
        "probe_auc": aucs(judged.real, judged.truth, counts),
        "probe_right": right(real),
        "right_on_reconstructions": right(reconstructed),
        "auc_on_reconstructions": aucs(judged.reconstructed, judged.truth, counts),
        "survival": (kept + stayed_without) / 2,
        "kept": kept,
        "stayed_without": stayed_without,
    }


def aucs(scores: Tensor, truth: Tensor, counts: Tensor) -> Tensor:
    """AUC of each column of scores [N, A] against truth [N, A], for counts [R, N]: [R, A]."""

    def auc(column: int) -> Tensor:
        known = ~truth[:, column].isnan()
        return weighted_auc(scores[known, column], truth[known, column] == 1, counts[:, known])

    columns = each(auc, range(truth.shape[1]))
    return torch.stack(columns, dim=1) if columns else counts.new_zeros(len(counts), 0)
