"""Label columns as yes-or-no attributes: what a probe answers, and what the labels say of each picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from modeling_vae.model.attribute_directions import FEWEST
from modeling_vae.model.latent_moments import group_value


@dataclass(frozen=True)
class YesNo:
    """A boolean column, or one value of a category column.

    Args:
        name: "column", or "column:value" of a category, as directions are named.
        column: that it is read from; values of one column exclude each other.
        value: what a picture has that has it, "true" of a boolean column.
    """

    name: str
    column: str
    value: str


def yes_no_attributes(
    kinds: Mapping[str, str], labels: Mapping[str, Sequence[Any]], leave_out: Iterable[str] = ()
) -> tuple[list[YesNo], dict[str, str]]:
    """The attributes with at least 20 pictures on either side, and why others are left out (name -> reason).

    Args:
        kinds: column -> "boolean", "category" or "numeric"; numbers are no yes or no.
        labels: the values of N pictures for each column, None where unknown.
        leave_out: names that are not wanted.
    """
    found, refused = [], {}
    for column, kind in kinds.items():
        if kind == "numeric":
            refused[column] = "a number, no yes or no"
            continue
        values = sorted({group_value(label) for label in labels[column] if label is not None})
        for value in ["true"] if kind == "boolean" else values:
            attribute = YesNo(column if kind == "boolean" else f"{column}:{value}", column, value)
            truth = targets([attribute], labels)
            yes, no = int((truth == 1).sum()), int((truth == 0).sum())
            if attribute.name in leave_out:
                refused[attribute.name] = "left out by the recipe"
            elif min(yes, no) < FEWEST:
                refused[attribute.name] = f"{yes} training pictures with and {no} without, {FEWEST} of each are needed"
            else:
                found.append(attribute)
    return found, refused


def targets(attributes: Sequence[YesNo], labels: Mapping[str, Sequence[Any]]) -> Tensor:
    """1 where a picture has an attribute, 0 where it has not, NaN where nobody knows: float32 [N, A], A at least 1."""
    columns = [
        [float("nan") if label is None else float(group_value(label) == attribute.value) for label in values]
        for attribute in attributes
        for values in [labels[attribute.column]]
    ]
    return torch.tensor(columns, dtype=torch.float32).T
