"""A training that has lost its way: the first value that is not finite ends it, and its checkpoints stay finite."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .continuing import checkpoints_in, step_of

ASIDE = "diverged"
"""In the place of "checkpoint" in the name of one whose own weights gave the value."""


class Diverged(ValueError):
    """The loss, a gradient or a weight is not finite any more."""


def diverged(step: int, values: Mapping[str, float], learning_rate: float, folder: Path) -> Diverged:
    """The error that ends a run, in a sentence: where, what is not finite, what to lower, and where it goes on.

    A checkpoint whose very next step gives such a value would give it again at any rate: it is renamed, so that the
    same command with a lower one goes on from the one before.

    Args:
        step: that could not be taken, counted from 1.
        values: what is not finite, by name.
        learning_rate: of the run.
        folder: of its checkpoints.
    """
    said = ", ".join(f"{name} is {value:g}" for name, value in values.items())
    newest = folder / f"checkpoint-{step - 1}"
    if newest.is_dir():
        newest.rename(_free(folder / f"{ASIDE}-{step - 1}"))
    left = checkpoints_in(folder)
    where = f"goes on from the checkpoint of step {step_of(left[0])}" if left else "begins anew"
    return Diverged(
        f"the training diverged at step {step}: {said}. Lower training.learning_rate, which is {learning_rate:g} (or "
        f"training.max_grad_norm, or the weights of the objective's terms): the same command with it {where}."
    )


def _free(path: Path) -> Path:
    """The path, or where there is one already, the path with a number."""
    taken = (path.with_name(f"{path.name}.{number}") for number in range(1, 1000))
    return path if not path.exists() else next(other for other in taken if not other.exists())
