"""What becomes of attributes: do they survive reconstruction, do edits do what they say, and nothing else?"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from modeling_vae.data import labelled_batches

from .bootstrap import interval_of
from .edits import STRENGTH, edit_figures
from .probes import Probe, labelled_pictures, train_probe
from .reencoding import STRENGTHS, reencoding_figures
from .survival import Judged, aucs, judge, survival_figures
from .weighted import resample_counts
from .yes_no import targets, yes_no_attributes

if TYPE_CHECKING:
    from modeling_vae.model.attribute_directions import AttributeDirections
    from modeling_vae.pipeline import VAEPipeline

logger = logging.getLogger(__name__)

EDITED, ENCODED_AGAIN = 500, 200
"""Pictures for each attribute."""
PROTOCOL = {
    "probe": "four strided convolutions trained from scratch on the pixels of real training pictures, shifted a "
    "little, never mirrored; numeric columns left out",
    "threshold": "on training pictures that its weights did not learn from, the probe says yes as often as the "
    "labels of all training pictures do",
    "survival": "of the real pictures in which the probe sees it the share in whose reconstructions it sees it too "
    "(kept), of the others the share in whose reconstructions it does not (stayed_without), and the mean of both: one "
    "half where reconstructions say nothing",
    "success": f"share of reconstructions in which the probe sees it after an edit by +{STRENGTH:g} standard "
    f"deviations (given), does not after -{STRENGTH:g} (taken), and the mean of both: one half where edits do nothing",
    "leak": "share of the probe's decisions about attributes of other columns that these edits flip, compared with "
    "the reconstruction",
    "with_hold": "all attributes of other columns held, but for those that say the same as held ones",
    "reencoding_error": "distance, in standard deviations, of the value read off the edited picture encoded again "
    "from the one asked for; the median over pictures and both signs, at strengths "
    + " and ".join(f"{size:g}" for size in STRENGTHS)
    + " and both together; at 0 of the plain reconstruction",
}
Facts = dict[str, dict[str, Any]]
"""What is known of each attribute beside its figures."""


@torch.no_grad()
def attribute_figures(
    pipe: VAEPipeline,
    validation: Any,
    train: Any,
    kinds: Mapping[str, str],
    *,
    leave_out: Iterable[str] = (),
    most: int = 10_000,
    edited: int = EDITED,
    encoded_again: int = ENCODED_AGAIN,
    epochs: int | None = None,
    batch_size: int = 64,
    seed: int = 0,
    resamples: int = 1000,
) -> dict[str, Any] | None:
    """Figures of each attribute with 95 % intervals by bootstrap over the pictures; None where there is none to judge.

    Args:
        pipe: its model, and its directions where it has any.
        validation, train: data sets with labels, as `load_data` gives them. The probe learns from `train`.
        kinds: column -> "boolean", "category" or "numeric".
        leave_out: names of attributes that the probe shall not learn.
        most: of the validation pictures at most so many are used, the first ones.
        edited, encoded_again: of these, at most so many for each attribute, drawn at random.
        epochs: of the probe, see `train_probe`.
        batch_size: pictures that go through a network at once.
        seed: of the probe, the choice of pictures, and resampling.
        resamples: for the intervals.
    """
    model, directions = pipe.model, pipe.directions
    columns = [column for column, kind in kinds.items() if kind != "numeric"]
    pictures, labels = labelled_pictures(labelled_batches(train, batch_size), columns)
    found, refused = yes_no_attributes(kinds, labels, leave_out)
    if not found:
        return None
    logger.info("training a probe of %d attributes on %d pictures", len(found), len(pictures))
    probe = train_probe(pictures, targets(found, labels), found, epochs=epochs, seed=seed, device=model.device)
    judged = judge(model, probe, labelled_batches(validation, batch_size), most)
    counts = resample_counts(len(judged.latents), resamples, seed)
    names = [attribute.name for attribute in found]
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
        for name in directions.names:
            facts[name] = facts.get(name, {}) | {"not_held": not_held[name]}
        numbers |= {"edited": len(chosen), "encoded_again": len(again)}
    report = {"protocol": PROTOCOL, "pictures": numbers, "probe_learnt_from": probe.protocol, "left_out": refused}
    return report | _collected(parts, facts)


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
            highest = math.inf if figure.startswith("reencoding_error") else 1.0  # the others are shares
            mean[figure] = asdict(interval_of(draws.nanmean(dim=1), lowest=0.0, highest=highest))
            for name, column in zip(names, draws.T, strict=True):
                each[name][figure] = asdict(interval_of(column, lowest=0.0, highest=highest))
    return {"mean": mean, "each": each}
