"""The training section of a recipe: each value of its type and in its range, before anything begins."""

from __future__ import annotations

import math
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError
from transformers import TrainingArguments
from transformers.integrations import get_available_reporting_integrations

BELOW_ONE = math.nextafter(1.0, 0.0)
ABOVE_ZERO = math.nextafter(0.0, 1.0)
MOST = 2.0**53
RANGES: dict[str, tuple[float, float]] = {
    "num_train_epochs": (ABOVE_ZERO, MOST),
    "per_device_train_batch_size": (1, MOST),
    "per_device_eval_batch_size": (1, MOST),
    "gradient_accumulation_steps": (1, MOST),
    "learning_rate": (ABOVE_ZERO, MOST),
    "adam_beta1": (0, BELOW_ONE),
    "adam_beta2": (0, BELOW_ONE),
    "adam_epsilon": (ABOVE_ZERO, MOST),
    "ema_decay": (0, BELOW_ONE),
    "weight_decay": (0, MOST),
    "max_grad_norm": (0, MOST),
    "warmup_steps": (0, MOST),
    "warmup_ratio": (0, 1),
    "logging_steps": (ABOVE_ZERO, MOST),
    "save_steps": (ABOVE_ZERO, MOST),
    "eval_steps": (ABOVE_ZERO, MOST),
    "save_total_limit": (1, MOST),
    "dataloader_num_workers": (0, 4096),
    "seed": (0, 2**32 - 1),
    "data_seed": (0, 2**32 - 1),
}
"""The least and the greatest value of each number."""
LENGTH = "a number above 0, or -1 with num_train_epochs"
NUMBERS = {*RANGES, "max_steps"}


def checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a training section, of the types that transformers' TrainingArguments have.

    A num_train_epochs of null is none at all: a recipe of epochs is trained for steps in their place.

    Raises:
        ValueError: naming the key and its value, and what it may be.
    """
    said = {name: value for name, value in values.items() if name != "num_train_epochs" or value is not None}
    found = {name: _typed(name, value) for name, value in said.items()}
    for name, (least, most) in RANGES.items():
        value = found.get(name)
        if isinstance(value, int | float) and not least <= value <= most:
            raise ValueError(f"training.{name}={value!r} is not possible: give {_range(least, most)}.")
    _check_length(found)
    _check_reports(found.get("report_to"))
    return found


def _typed(name: str, value: Any) -> Any:
    """A value as its type; `no` of YAML, which is false there, where a strategy may be no."""
    hint = float if name == "ema_decay" else _hints().get(name, Any)
    if value is False and name.endswith("_strategy"):
        value = "no"
    allowed = typing.get_args(hint) or (hint,)
    if isinstance(value, bool) and (int in allowed or float in allowed) and bool not in allowed:
        raise ValueError(f"training.{name}={value!r} is not possible: give {_wanted(name)}.")
    try:
        return _adapter(hint).validate_python(value)
    except ValidationError as error:
        words = f"give {_wanted(name)}" if name in NUMBERS else error.errors()[0]["msg"].lower()
        raise ValueError(f"training.{name}={value!r} is not possible: {words}.") from None


@cache
def _hints() -> dict[str, Any]:
    return typing.get_type_hints(TrainingArguments)


@cache
def _adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint)


def _check_length(values: Mapping[str, Any]) -> None:
    """Steps or epochs: transformers would take the steps, and say nothing of the epochs."""
    steps, epochs = values.get("max_steps", -1), values.get("num_train_epochs")
    if steps != -1 and steps < 1:
        raise ValueError(f"training.max_steps={steps!r} is not possible: give {LENGTH}.")
    if steps > 0 and epochs is not None:
        raise ValueError(
            f"training.max_steps={steps} and training.num_train_epochs={epochs:g} both say how long to train: for "
            "epochs set training.max_steps=-1, for steps training.num_train_epochs=null."
        )


def _check_reports(names: Any) -> None:
    for name in [names] if isinstance(names, str) else names or []:
        there = get_available_reporting_integrations()
        if name not in ("none", "all", *there):
            known = ", ".join(["none", *there])
            raise ValueError(f"training.report_to={name} is not installed here: install it, or give one of {known}.")


def _wanted(name: str) -> str:
    """What a number may be."""
    if name == "max_steps":
        return LENGTH
    return _range(*RANGES[name]) if name in RANGES else "a number"


def _range(least: float, most: float) -> str:
    lower = {ABOVE_ZERO: "above 0"}.get(least, f"of at least {least:g}")
    upper = {MOST: "", BELOW_ONE: ", below 1"}.get(most, f", at most {most:,.0f}")
    return f"a number {lower}{upper}"
