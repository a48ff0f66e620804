"""An evaluation as files: evaluation.json for programs, evaluation.md for people."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modeling_vae.files import write_whole

from .attribute_table import attribute_table
from .catalogue import RECONSTRUCTION, REPORT, SETS, shown_in

JSON_NAME, MARKDOWN_NAME = "evaluation.json", "evaluation.md"


def write_report(report: Mapping[str, Any], folder: str | Path) -> None:
    """Writes evaluation.json and evaluation.md into a folder that exists; each whole or not at all.

    Raises:
        OSError: a file cannot be written.
        ValueError: the report holds NaN or infinite numbers.
    """
    write_json(report, Path(folder) / JSON_NAME)
    write_whole(Path(folder) / MARKDOWN_NAME, whole_text(report))


def write_json(report: Mapping[str, Any], path: str | Path) -> None:
    """Writes the report as JSON; errors as those of `write_report`."""
    write_whole(path, json.dumps(report, indent=1, allow_nan=False) + "\n")  # two spaces would be a fifth of the file


def whole_text(report: Mapping[str, Any]) -> str:
    """All of the report as text: what `markdown` gives, and the table of attributes."""
    attributes = attribute_table(report)
    return markdown(report) + (f"\n{attributes}" if attributes else "")


def markdown(report: Mapping[str, Any]) -> str:
    """The report as Markdown: a line of protocol, a table of single figures, a table of sets of pictures."""
    protocol, figures = report["protocol"], report["reconstruction"]
    lines = [protocol_sentence(protocol), "", "| reconstruction | value | 95 % interval |", "|---|---|---|"]
    for key, name in shown_in(REPORT, RECONSTRUCTION).items():
        if key in figures:
            lines.append(f"| {name} | {number(figures[key])} | {_interval(figures[key])} |")
    lines.append(f"| active units | {figures['active_units']} of {figures['latent_dim']} | |")
    compared = "frechet_distance" in report
    headings = ["pictures", "sharpness", *(["FD", "95 % interval", "KID x 1000"] if compared else [])]
    lines += ["", f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    for key, name in SETS.items():
        if key not in report["sharpness"]:
            continue
        cells = [name, number(report["sharpness"][key])]
        if compared:
            frechet, kernel = (report[distance].get(key) for distance in ("frechet_distance", "kernel_distance"))
            spread = None if kernel is None else kernel["deviation"]
            deviation = "" if spread is None else f" ± {spread:.3g}"
            cells += [number(frechet), _interval(frechet), number(kernel) + deviation]
        lines.append(f"| {' | '.join(cells)} |")
    for space, found in report.get("nearest_training_picture", {}).items():
        lines += [
            "",
            f"Nearest training picture of {found['samples']} samples, in {space}: median distance "
            f"{found['median_of_samples']:.3g}, of as many unseen pictures {found['median_of_unseen']:.3g}; "
            f"{100 * found['share_of_copies']:.0f} % of the samples are closer than all but 5 % of the unseen ones.",
        ]
    return "\n".join(lines) + "\n"


def protocol_sentence(protocol: Mapping[str, Any]) -> str:
    """What the figures were made on and with."""
    height, width = protocol["image_size"]
    text = f"{protocol['pictures']} validation pictures, {height} x {width}; intervals by bootstrap."
    network = protocol.get("feature_network")
    if network is not None:
        text += (
            f" Features: {network['architecture']} at {network['resolution']} px ({network['resize_filter']}), "
            f"{protocol['pictures']} pictures against {protocol['pictures']}."
        )
    return text


def number(figure: Mapping[str, Any] | None) -> str:
    """The value of a figure; empty where there is none."""
    if figure is None:
        return ""
    value = figure["value"]
    return "infinite" if value is None else _short(value)


def _interval(figure: Mapping[str, Any] | None) -> str:
    if figure is None or figure.get("low") is None:
        return ""
    return f"{_short(figure['low'])} to {_short(figure['high'])}"


def _short(value: float) -> str:
    """Four digits, no exponent for anything that occurs."""
    digits = 3 if value == 0 else max(0, 3 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(digits, 6)}f}"
