"""What becomes of attributes: do they survive reconstruction, do edits do what they say, and nothing else?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from modeling_vae.data import labelled_batches
from modeling_vae.figures.catalogue import ATTRIBUTE, ATTRIBUTE_PROTOCOL

from .bootstrap import interval_of
from .edits import edit_figures
from .kept_detail import kept_detail_figures, pictures_at
from .reencoding import reencoding_figures
from .survival import Judged, aucs, judge, survival_figures
from .weighted import resample_counts

if TYPE_CHECKING:
    from modeling_vae.model.attribute_directions import AttributeDirections
    from modeling_vae.pipeline import VAEPipeline
    from modeling_vae.probing.probes import Probe

EDITED, ENCODED_AGAIN = 500, 200
"""Pictures for each attribute."""
Facts = dict[str, dict[str, Any]]
"""What is known of each attribute beside its figures."""


@torch.no_grad()
def attribute_figures(
    pipe: VAEPipeline,
    validation: Any,
    probe: Probe,
    *,
    most: int = 10_000,
    edited: int = EDITED,
    encoded_again: int = ENCODED_AGAIN,
    batch_size: int = 64,
    seed: int = 0,
    resamples: int = 1000,
) -> dict[str, Any]:
    """Figures of each attribute with 95 % intervals by bootstrap over the pictures.

    Args:
        pipe: its model, and its directions where it has any.
        validation: data set with labels, as `load_data` gives it.
        probe: that judges, see `learn_probe`.
        most: of the validation pictures at most so many are used, see `labelled_batches`.
        edited, encoded_again: of these, at most so many for each attribute, drawn at random; those encoded again are
            also edited with their detail kept.
        batch_size: pictures that go through a network at once.
        seed: of the choice of pictures, and resampling.
        resamples: for the intervals.
    """
    model, directions = pipe.model, pipe.directions
    judged = judge(model, probe, labelled_batches(validation, batch_size, most))
    counts = resample_counts(len(judged.latents), resamples, seed)
    names = [attribute.name for attribute in probe.attributes]
    parts = [(names, survival_figures(judged, counts))]
    facts: Facts = {
        name: {"with": int((truth == 1).sum()), "without": int((truth == 0).sum())}
        for name, truth in zip(names, judged.truth.T, strict=True)
    }
    numbers = {"validation": len(judged.latents)}
    if directions is not None and len(directions):
        parts.append(_readout(directions, probe, judged, counts))
        chosen = torch.from_numpy(np.random.default_rng(seed).permutation(len(judged.latents))[:edited])
        latents, counts = judged.latents[chosen], resample_counts(len(chosen), resamples, seed)
        before = judged.reconstructed[chosen]
        figures, not_held = edit_figures(model, directions, probe, latents, before, counts, batch_size)
        again = latents[:encoded_again]
        counts = resample_counts(len(again), resamples, seed)
        figures |= reencoding_figures(model, directions, again, counts, batch_size)
        parts.append((directions.names, figures))
        photos = pictures_at(labelled_batches(validation, batch_size, most), chosen[:encoded_again])
        parts.append(kept_detail_figures(model, directions, probe, photos, again, counts, batch_size))
        for name in directions.names:
            facts[name] = facts.get(name, {}) | {"not_held": not_held[name]}
        numbers |= {"edited": len(chosen), "encoded_again": len(again)}
    learnt = {"probe_learnt_from": probe.protocol, "left_out": probe.left_out}
    return {"protocol": ATTRIBUTE_PROTOCOL, "pictures": numbers, **learnt, **_collected(parts, facts)}


def _readout(
    directions: AttributeDirections, probe: Probe, judged: Judged, counts: Tensor
) -> tuple[list[str], dict[str, Tensor]]:
    """AUC of what is read off the latents of the real pictures."""
    known = [(i, attribute.name) for i, attribute in enumerate(probe.attributes) if attribute.name in directions.names]
    names = [name for _, name in known]
    values = directions.values(judged.latents)[:, [directions.names.index(name) for name in names]]
    return names, {"readout_auc": aucs(values, judged.truth[:, [i for i, _ in known]], counts)}


def _collected(parts: Sequence[tuple[list[str], dict[str, Tensor]]], facts: Facts) -> dict[str, Any]:
    """Intervals of each attribute's figures, and of their means over the attributes that have them.

    Args:
        parts: names of A attributes, and figures [1 + resamples, A], row 0 on the set itself.
        facts: what else is known of each attribute.
    """
    mean: dict[str, Any] = {}
    each = {name: dict(known) for name, known in facts.items()}
    for names, figures in parts:
        for figure, draws in figures.items():
            lowest, highest = ATTRIBUTE[figure].lowest, ATTRIBUTE[figure].highest
            mean[figure] = asdict(interval_of(draws.nanmean(dim=1), lowest=lowest, highest=highest))
            for name, column in zip(names, draws.T, strict=True):
                each[name][figure] = asdict(interval_of(column, lowest=lowest, highest=highest))
    return {"mean": mean, "each": each}
