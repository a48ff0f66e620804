"""A plot of what a training logged: likelihood, KL, PSNR and all other terms, from its first step to its last."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from modeling_vae.paper import COLOURS, picture, sheet

from .continuing import checkpoints_in

NO_TERMS = {"loss", "nll", "kl", "grad_norm", "learning_rate", "epoch", "step", "images_per_second"}
"""Of an entry of the log: what has a panel of its own, and what is no term of the objective."""
Line = tuple[list[int], list[float]]


def read_history(*folders: Path) -> list[dict[str, Any]]:
    """The log of a run, which goes on over its stops: entries by step.

    Args:
        folders: of the checkpoints of each stage, in order; steps are counted from the first stage on.
    """
    entries, before = [], 0
    for folder in folders:
        newest = next(iter(checkpoints_in(folder)), None)
        if newest is None:
            continue
        state = json.loads((newest / "trainer_state.json").read_text(encoding="utf-8"))
        entries += [entry | {"step": before + entry["step"]} for entry in state["log_history"]]
        before += state["global_step"]
    return entries


def losses(history: Sequence[Mapping[str, Any]]) -> Image.Image | None:
    """The plot; None where less than two entries were logged."""
    panels: list[tuple[str, dict[str, Line]]] = [
        ("-log p(x|z), nats", {"training": _line(history, "nll"), "held out": _line(history, "eval_nll")}),
        ("KL, nats", {"training": _line(history, "kl"), "held out": _line(history, "eval_kl")}),
        ("PSNR, dB", {"held out": _line(history, "eval_psnr")}),
        ("other terms", {name.replace("_", " "): _line(history, name) for name in _terms(history)}),
    ]
    panels = [(name, {said: line for said, line in lines.items() if len(line[0]) > 1}) for name, lines in panels]
    panels = [(name, lines) for name, lines in panels if lines]
    if not panels:
        return None
    last = max(steps[-1] for _, lines in panels for steps, _ in lines.values())
    with sheet(3.4 * len(panels), 3.2, f"The training, {last:,} steps") as figure:
        for axis, (name, lines) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            for (said, (steps, values)), colour in zip(lines.items(), COLOURS * 2, strict=False):
                axis.plot(steps, values, label=said, color=colour, linewidth=1.2)
            axis.set(xlabel="step", title=name)
            if name == "other terms":
                axis.set_yscale("symlog", linthresh=0.1)
                axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))  # there are many, and lines everywhere
            else:
                axis.legend()
        return picture(figure)


def _line(history: Sequence[Mapping[str, Any]], name: str) -> Line:
    found = [(entry["step"], float(entry[name])) for entry in history if name in entry]
    return [step for step, _ in found], [value for _, value in found]


def _terms(history: Sequence[Mapping[str, Any]]) -> list[str]:
    names = dict.fromkeys(name for entry in history if "loss" in entry for name in entry)
    return [name for name in names if name not in NO_TERMS and not name.startswith("eval_")]
