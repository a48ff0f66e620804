"""Several models in one table: reports that were made on the same pictures with the same judges, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .catalogue import ATTRIBUTE, ATTRIBUTES, COMPARISON, RECONSTRUCTION, SETS, shown_in
from .evaluation_report import number, protocol_sentence
from .tables import code, table

Report = Mapping[str, Any]

SHARP = ("reconstructions", "fitted_samples")
DISTANT = ("reconstructions", "fitted_samples", "standard_samples", "morph_midpoints")
AUC = "auc_on_reconstructions"
CLOSED = {
    "reconstructions": SETS["reconstructions"],
    "fitted_samples": SETS["fitted_samples"],
    **{name: ATTRIBUTE[name].heading for name in ("survival", AUC)},
}
"""Of these the share of the baseline's gap to real pictures that is closed is said."""


def closed(distance: float, baseline: float, real: float) -> float | None:
    """Of the way from a baseline to real pictures, the share that a model has gone:
    1 - (distance - real) / (baseline - real). It is 0 for the baseline itself, 1 for real pictures, and None where
    the baseline is no farther away than they are.

    Args:
        distance, baseline, real: of the model's, the baseline's, and real training pictures from the same
            validation pictures.
    """
    return 1 - (distance - real) / (baseline - real) if baseline > real else None


def comparison(reports: Mapping[str, Report], baseline: str | None = None) -> dict[str, Any]:
    """The reports of `evaluate` by the names of the models, and what of a baseline's distance each has closed.

    Args:
        reports: name -> report; all made with one protocol.
        baseline: one of the names, where shares closed are asked for; the reports then hold Fréchet distances.
    """
    found: dict[str, Any] = {"models": dict(reports)}
    if baseline is not None:
        found["baseline"] = baseline
        found["closed"] = {name: _closed(report, reports[baseline]) for name, report in reports.items()}
    return found


def comparison_text(found: Mapping[str, Any]) -> str:
    """The comparison as Markdown: what was measured, and a row for real pictures and each model.

    Models of pictures of another size or kind have a table of their own: no figure of theirs can be compared.
    """
    kinds: dict[tuple[Any, ...], dict[str, Report]] = {}
    for name, report in found["models"].items():
        protocol = report["protocol"]
        kinds.setdefault((*protocol["image_size"], protocol["num_channels"]), {})[name] = report
    return "\n".join(_text({**found, "models": reports}) for reports in kinds.values())


def _text(found: Mapping[str, Any]) -> str:
    """The comparison of models of the same pictures."""
    reports: Mapping[str, Report] = found["models"]
    first = next(iter(reports.values()))
    columns = _columns(found)
    rows = [["real training pictures", *(real for _, real, _ in columns)]]
    rows += [[code(name), *(cells[name] for _, _, cells in columns)] for name in reports]
    lines = [["model", *(heading for heading, _, _ in columns)], *rows]
    words = " ".join([protocol_sentence(first["protocol"]), *_sentences(found)])
    return "\n".join([words, "", *table(lines), ""])


Column = tuple[str, str, dict[str, str]]
"""A heading, the cell of the real training pictures, and that of each model."""


def _columns(found: Mapping[str, Any]) -> list[Column]:
    reports: Mapping[str, Report] = found["models"]
    first = next(iter(reports.values()))
    columns: list[Column] = [
        (heading, "", {name: number(report["reconstruction"].get(key)) for name, report in reports.items()})
        for key, heading in shown_in(COMPARISON, RECONSTRUCTION).items()
    ]
    for key in SHARP:
        real = number(first["sharpness"].get("training"))
        cells = {name: number(report["sharpness"].get(key)) for name, report in reports.items()}
        columns.append((f"sharpness: {SETS[key]}", real, cells))
    for key in DISTANT if "frechet_distance" in first else ():
        cells = {name: _distances(report, key) for name, report in reports.items()}
        columns.append((f"FD / KID: {SETS[key]}", _distances(first, "training"), cells))
    for key, heading in shown_in(COMPARISON, ATTRIBUTES).items() if "attributes" in first else ():
        cells = {name: _share(report["attributes"]["mean"].get(key)) for name, report in reports.items()}
        real = _share(first["attributes"]["mean"].get("probe_auc")) if key == AUC else ""
        columns.append((heading, real, cells))
    for key, heading in CLOSED.items() if "closed" in found else ():
        if any(key in shares for shares in found["closed"].values()):
            cells = {name: _share({"value": shares[key]}) for name, shares in found["closed"].items()}
            columns.append((f"closed: {heading}", "", cells))
    return columns


def _sentences(found: Mapping[str, Any]) -> list[str]:
    """What the reader of the table has to know beside the protocol."""
    reports: Mapping[str, Report] = found["models"]
    first = next(iter(reports.values()))
    said = ["Sharpness: variance of the Laplacian of the grey picture."]
    if not all("bits_per_dimension_8_bit" in report["reconstruction"] for report in reports.values()):
        said.append("Bits/dim: a Bernoulli likelihood is no density over grey levels and has none.")
    if "frechet_distance" in first:
        said.append("FD / KID: Fréchet distance and 1000 times the kernel distance from the validation pictures.")
    if "attributes" in first:
        said.append(
            "Survival, AUC, success and leak: means over the attributes, in the eyes of one and the same probe. AUC: "
            "how well what it says of reconstructions tells the labels, and, in the first row, what it says of the "
            "validation pictures themselves."
        )
    if len({frozenset(_edited(report)) for report in reports.values()}) > 1:
        said.append("Not all models have directions of the same attributes: success and leak are of each one's own.")
    if "closed" in found:
        said.append(
            f"Closed: share of the Fréchet distance between `{found['baseline']}` and real training pictures, "
            "1 - (FD - FD of real) / (FD of the baseline - FD of real), for the same kind of pictures."
        )
        if "attributes" in first:
            said.append(
                "Closed, survival: share of what does not survive in the baseline's reconstructions; AUC: share of "
                "the AUC that they lose."
            )
    return said


def _closed(report: Report, baseline: Report) -> dict[str, float | None]:
    """For each of `CLOSED` that was measured; None where one of the models has no such figure."""
    ours, theirs = report["frechet_distance"], baseline["frechet_distance"]
    found = {
        key: closed(ours[key]["value"], theirs[key]["value"], ours["training"]["value"])
        if key in ours and key in theirs
        else None
        for key in ("reconstructions", "fitted_samples")
    }
    if "attributes" in report:
        # of what a probe sees in real pictures, nothing is lost in them
        found["survival"] = _closed_loss(_lost(report, "survival"), _lost(baseline, "survival"), 0.0)
        found[AUC] = _closed_loss(_lost(report, AUC), _lost(baseline, AUC), _lost(report, "probe_auc"))
    return found


def _lost(report: Report, figure: str) -> float | None:
    """What is missing to 1; None where the figure is not known."""
    known = report["attributes"]["mean"].get(figure, {}).get("value")
    return None if known is None else 1 - known


def _closed_loss(ours: float | None, theirs: float | None, real: float | None) -> float | None:
    """`closed`; None too where one of the three is not known."""
    return None if ours is None or theirs is None or real is None else closed(ours, theirs, real)


def _edited(report: Report) -> list[str]:
    """Names of the attributes that have directions."""
    each = report.get("attributes", {"each": {}})["each"]
    return [name for name, figures in each.items() if "success" in figures]


def _distances(report: Report, key: str) -> str:
    frechet, kernel = (report[distance].get(key) for distance in ("frechet_distance", "kernel_distance"))
    return "" if frechet is None else f"{frechet['value']:.1f} / {kernel['value']:.0f}"


def _share(figure: Mapping[str, Any] | None) -> str:
    return "" if figure is None or figure["value"] is None else f"{figure['value']:.3f}"
