"""Every figure of an evaluation, once: where evaluation.json has it, its heading, meaning and range, and who shows it.

What is measured is in `evaluation`; report, comparison, card and the card's metadata read all about a figure here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EDIT_STRENGTH = 2.5
"""Standard deviations that pictures are edited by, up and down, where success and leak are measured."""
KEPT_STRENGTH = 2.0
"""The same where the photo's detail is kept."""
REENCODED_AT = (1.0, 2.0)
"""Strengths of the edits whose pictures are encoded again."""

REPORT, COMPARISON, CARD = "report", "comparison", "card"


@dataclass(frozen=True)
class Figure:
    """One figure.

    Args:
        place: the keys that lead to it in evaluation.json; of an attribute's figures those of the mean.
        heading: over its column, or before its line.
        meaning: a sentence for the protocol.
        lowest, highest: what it can be.
        shown: in which tables; in what order, the catalogue says.
        metric: its identifier in the card's metadata, and its label there; it is not there without.
    """

    place: tuple[str, ...]
    heading: str
    meaning: str = ""
    lowest: float = 0.0
    highest: float = 1.0
    shown: frozenset[str] = frozenset()
    metric: tuple[str, str] | None = None

    @property
    def name(self) -> str:
        """The last of its keys."""
        return self.place[-1]

    def of(self, report: Mapping[str, Any]) -> Any:
        """What a report has at its place; None where there is nothing."""
        found: Any = report
        for key in self.place:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found


def _reconstruction(
    name: str, heading: str, label: str | None = None, *shown: str, lowest: float = -math.inf
) -> Figure:
    metric = (name, label) if label else None
    return Figure(("reconstruction", name), heading, "", lowest, math.inf, frozenset({REPORT, *shown}), metric)


RECONSTRUCTION = (
    _reconstruction("psnr", "PSNR (dB)", "PSNR of reconstructions, dB", COMPARISON),
    _reconstruction("ssim", "SSIM", "SSIM of reconstructions", COMPARISON),
    _reconstruction("reconstruction_nll", "-log p(x given z) (nats)"),
    _reconstruction("kl", "KL (nats)", lowest=0.0),
    _reconstruction("negative_elbo", "negative ELBO (nats)"),
    _reconstruction("bits_per_dimension", "bits/dim (density)", "Bits per dimension (density)"),
    _reconstruction(
        "bits_per_dimension_8_bit", "bits/dim (8-bit pictures)", "Bits per dimension (8-bit pictures)", COMPARISON
    ),
)
SETS = {
    "validation": "real pictures, validation",
    "training": "real pictures, training",
    "reconstructions": "reconstructions",
    "fitted_samples": "samples, fitted prior",
    "standard_samples": "samples, N(0, I)",
    "morph_midpoints": "midpoints of morphs",
}
"""The sets of pictures whose sharpness and distances are measured, and their names for people."""


def _of_sets(section: str, what: str, identifier: str, labels: Mapping[str, tuple[str, str]]) -> tuple[Figure, ...]:
    return tuple(
        Figure(
            (section, name),
            SETS[name],
            "",
            -math.inf,
            math.inf,
            frozenset(),
            (f"{identifier}_{end}", f"{what}, {text}"),
        )
        for name, (end, text) in labels.items()
    )


DISTANCES = (
    *_of_sets(
        "frechet_distance",
        "Fréchet distance",
        "frechet_distance",
        {
            "reconstructions": ("reconstructions", "reconstructions"),
            "fitted_samples": ("samples", "fitted samples"),
            "standard_samples": ("standard", "N(0, I) samples"),
            "morph_midpoints": ("morphs", "midpoints of morphs"),
            "training": ("training", "real training pictures"),
        },
    ),
    *_of_sets(
        "kernel_distance",
        "KID x 1000",
        "kid",
        {
            "reconstructions": ("reconstructions", "reconstructions"),
            "fitted_samples": ("samples", "fitted samples"),
        },
    ),
    *_of_sets(
        "sharpness",
        "Sharpness",
        "sharpness",
        {
            "validation": ("real", "real validation pictures"),
            "reconstructions": ("reconstructions", "reconstructions"),
            "fitted_samples": ("samples", "fitted samples"),
        },
    ),
)


def _attribute(
    name: str,
    heading: str = "",
    *shown: str,
    meaning: str = "",
    lowest: float = 0.0,
    highest: float = 1.0,
    metric: tuple[str, str] | None = None,
) -> Figure:
    return Figure(("attributes", "mean", name), heading, meaning, lowest, highest, frozenset(shown), metric)


ATTRIBUTES = (
    _attribute("readout_auc", "readout AUC", REPORT),
    _attribute("probe_auc", "probe AUC", REPORT, CARD),
    _attribute("probe_right"),
    _attribute("right_on_reconstructions"),
    _attribute(
        "survival",
        "survival",
        *(REPORT, COMPARISON, CARD),
        meaning="of the real pictures in which the probe sees it the share in whose reconstructions it sees it too "
        "(kept), of the others the share in whose reconstructions it does not (stayed_without), and the mean of "
        "both: one half where reconstructions say nothing",
        metric=("attribute_survival", "Survival of attributes in reconstructions"),
    ),
    _attribute("auc_on_reconstructions", "AUC of reconstructions", REPORT, COMPARISON),
    _attribute("kept"),
    _attribute("stayed_without"),
    _attribute(
        "success",
        "success",
        *(REPORT, COMPARISON, CARD),
        meaning=f"share of reconstructions in which the probe sees it after an edit by +{EDIT_STRENGTH:g} standard "
        f"deviations (given), does not after -{EDIT_STRENGTH:g} (taken), and the mean of both: one half where edits "
        "do nothing",
        metric=("edit_success", "Success of edits"),
    ),
    _attribute("given"),
    _attribute("taken"),
    _attribute(
        "leak",
        "leak",
        *(REPORT, COMPARISON, CARD),
        meaning="share of the probe's decisions about attributes of other columns that these edits flip, compared "
        "with the reconstruction",
        metric=("edit_leak", "Leak of edits"),
    ),
    _attribute("success_with_hold", "success, held", REPORT),
    _attribute("given_with_hold"),
    _attribute("taken_with_hold"),
    _attribute(
        "leak_with_hold",
        "leak, held",
        *(REPORT, COMPARISON, CARD),
        metric=("edit_leak_held", "Leak of edits, the other attributes held"),
    ),
    _attribute(
        "reencoding_error",
        "re-encoding error",
        *(REPORT, CARD),
        meaning="distance, in standard deviations, of the value read off the edited picture encoded again from the "
        "one asked for; the median over pictures and both signs, at strengths "
        + " and ".join(f"{size:g}" for size in REENCODED_AT)
        + " and both together; at 0 of the plain reconstruction",
        highest=math.inf,
    ),
    *(_attribute(f"reencoding_error_{size:g}", highest=math.inf) for size in (0.0, *REENCODED_AT)),
    _attribute("plain_success"),
    _attribute("plain_change", lowest=-math.inf, highest=math.inf),
    _attribute("detail_success"),
    _attribute("detail_change", lowest=-math.inf, highest=math.inf),
    _attribute("detail_ratio", lowest=-math.inf, highest=math.inf),
)
ATTRIBUTE = {figure.name: figure for figure in ATTRIBUTES}
"""The figures of one attribute, by their names."""
ATTRIBUTE_PROTOCOL = {
    "probe": "four strided convolutions trained from scratch on the pixels of real training pictures, shifted a "
    "little, never mirrored; numeric columns left out",
    "threshold": "on training pictures that its weights did not learn from, the probe says yes as often as the "
    "labels of all training pictures do",
    "right": "of the pictures labelled as having it the share in which the probe sees it, of those labelled as not "
    "having it the share in which it does not, and the mean of both: of the pictures themselves (probe_right), and of "
    "their reconstructions (right_on_reconstructions)",
    **{name: ATTRIBUTE[name].meaning for name in ("survival", "success", "leak")},
    "with_hold": "all attributes of other columns held, but for those that say the same as held ones",
    "reencoding_error": ATTRIBUTE["reencoding_error"].meaning,
    "kept_detail": f"edits by +-{KEPT_STRENGTH:g}, shown as the edited reconstruction (plain) and as the photo plus "
    "what the edit changes in the reconstruction, faded out at the edge, the whole picture being the crop (detail): "
    "success as above; change, the mean of how far such an edit moves the probe's logit the way it was asked to; and "
    "the ratio of the changes, where that of plain edits is clearly not 0",
}
METRICS = tuple(figure for figure in (*RECONSTRUCTION, *DISTANCES, *ATTRIBUTES) if figure.metric is not None)
"""What goes into the card's metadata."""


def shown_in(table: str, figures: tuple[Figure, ...]) -> dict[str, str]:
    """Name -> heading of those figures that a table shows."""
    return {figure.name: figure.heading for figure in figures if table in figure.shown}
