"""The figures of attributes as one table, which reads as text and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .catalogue import ATTRIBUTES, EDIT_STRENGTH, KEPT_STRENGTH, REENCODED_AT, REPORT, shown_in
from .tables import code, table


def attribute_table(report: Mapping[str, Any]) -> str:
    """The table between what its columns mean and a sentence on edits that keep the photo's detail.

    Empty where the report has no figures of attributes.
    """
    found = report.get("attributes")
    if not found:
        return ""
    each = {code(name): figures for name, figures in found["each"].items()} | {"mean": found["mean"]}
    shown = {name: heading for name, heading in shown_in(REPORT, ATTRIBUTES).items() if name in found["mean"]}
    lines = [["attribute", *shown.values()]]
    lines += [[name, *(cell(figures.get(column)) for column in shown)] for name, figures in each.items()]
    kept = kept_detail_sentence(found)
    return "\n".join([sentences(found), "", *table(lines), *(["", kept] if kept else []), ""])


def sentences(found: Mapping[str, Any]) -> str:
    """What was measured, for the reader of a table: the protocol's essence and the numbers of pictures."""
    numbers, learnt = found["pictures"], found["probe_learnt_from"]
    text = (
        f"A probe, a small network that learnt from the pixels of {learnt['training_pictures']} real training "
        "pictures, looks for the attributes; its AUC on real held-out pictures says how far to trust it. "
        "Where the recipe asks for attribute consistency or for edits, another network of this kind looked on in "
        "training, which flatters what follows. Survival: what it sees in real pictures, it sees in their "
        "reconstructions too (what it does not see, it does not; mean "
        "of both shares, one half is chance)."
    )
    if "edited" in numbers:
        text += (
            f" Success: after an edit by +{EDIT_STRENGTH:g} standard deviations it sees the attribute, after "
            f"-{EDIT_STRENGTH:g} it does not (mean of both shares, one half where edits do nothing). Leak: share of "
            "its decisions about "
            "attributes of other columns that such an edit flips; held: with all of these held. Re-encoding error: "
            "median distance, in standard deviations, of the value read off the edited picture from the one asked "
            f"for, at strengths of {' and '.join(f'{size:g}' for size in REENCODED_AT)}. For each attribute "
            f"{numbers['edited']} pictures are edited and {numbers['encoded_again']} encoded again."
        )
    return text


def kept_detail_sentence(found: Mapping[str, Any]) -> str:
    """Whether edits that keep the photo's detail are as strong as plain ones; empty where that was not measured."""
    mean = found["mean"]
    if not cell(mean.get("detail_success")):
        return ""
    ratio = cell(mean.get("detail_ratio"))
    return (
        f"Keeping the photo's detail (`preserve_detail`), an edit by ±{KEPT_STRENGTH:g} has a mean success of "
        f"{cell(mean['detail_success'])}; the edited reconstruction has {cell(mean['plain_success'])}."
        + (f" It moves the probe's score {ratio} times as far, in the mean over the attributes." if ratio else "")
    )


def cell(figure: Mapping[str, Any] | None) -> str:
    """A figure with its interval's reach; empty where it is not known."""
    if figure is None or figure.get("value") is None:
        return ""
    value, low, high = (figure.get(key) for key in ("value", "low", "high"))
    # one end is nearer where a figure cannot go further
    reach = "" if low is None or high is None else f" ± {max(value - low, high - value):.3f}"
    return f"{value:.3f}{reach}"
