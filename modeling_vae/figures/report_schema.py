"""evaluation.json as it is read again, from whomever it came: what cards and tables take from it is checked first."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StrictInt, StrictStr, ValidationError

from modeling_vae.model.tensor_files import read_table

Count = Annotated[StrictInt, Field(ge=0)]
Side = Annotated[StrictInt, Field(ge=1)]
Share = Annotated[FiniteFloat, Field(ge=0, le=1)]
Words = Annotated[StrictStr, Field(max_length=1000)]
_OF_OURS = re.compile(r"dictionary( or instance of \w+)?")
"""What messages of pydantic call a table."""
KEPT = ("run", "directions", "prior", "alignment", "latents")
"""What evaluation.json says of the training, and of latents; it stays when the figures are made anew."""
DEEPEST = 10
"""Tables and lists within each other at most."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow")


class _Figure(_Part):
    value: FiniteFloat | None
    low: FiniteFloat | None = None
    high: FiniteFloat | None = None
    deviation: FiniteFloat | None = None


class _Features(_Part):
    architecture: Words
    resolution: Side
    resize_filter: Words


class _Protocol(_Part):
    pictures: Count
    image_size: tuple[Side, Side]
    feature_network: _Features | None = None


class _Reconstruction(_Part):
    __pydantic_extra__: dict[str, _Figure | FiniteFloat | None]
    active_units: Count
    latent_dim: Side


class _Nearest(_Part):
    samples: Count
    median_of_samples: FiniteFloat
    median_of_unseen: FiniteFloat
    share_of_copies: Share


class _Numbers(_Part):
    edited: Count = 0
    encoded_again: Count = 0


class _Learnt(_Part):
    training_pictures: Count


class _Attributes(_Part):
    pictures: _Numbers
    probe_learnt_from: _Learnt
    mean: dict[str, _Figure]
    each: dict[str, dict[str, _Figure | FiniteFloat | list[Words] | Words | None]]


class _Directions(_Part):
    refused: dict[str, Words] = Field(default_factory=dict)


class _Latents(_Part):
    pictures: Count
    dimensions: Side
    active_units: Count
    differ_from_the_prior: Count
    ks_median: Share
    ks_largest: Share


class _Measured(_Part):
    dataset: Words | None
    split: Words


class Report(BaseModel):
    """What an evaluation.json may hold; what no reader looks at may be anything that is small and flat."""

    model_config = ConfigDict(extra="allow")
    protocol: _Protocol | None = None
    reconstruction: _Reconstruction | None = None
    sharpness: dict[str, _Figure] = Field(default_factory=dict)
    frechet_distance: dict[str, _Figure] = Field(default_factory=dict)
    kernel_distance: dict[str, _Figure] = Field(default_factory=dict)
    nearest_training_picture: dict[str, _Nearest] = Field(default_factory=dict)
    attributes: _Attributes | None = None
    run: dict[str, Any] = Field(default_factory=dict)
    directions: _Directions = _Directions()
    measured_on: _Measured | None = None
    latents: _Latents | None = None


def read_report(file: Path, only: Collection[str] | None = None) -> dict[str, Any]:
    """The figures that an evaluation.json holds, as they are written there; `only` those of its parts, where given.

    Raises:
        ValueError: it is damaged, larger or deeper than such a file, or a figure in it is none; naming file and field.
    """
    values = read_table(file)
    _check_depth(values, file)
    values = {key: value for key, value in values.items() if only is None or key in only}
    try:
        Report.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        field = ".".join(str(part) for part in problem["loc"] if not str(part).startswith("_"))
        said = f"{problem['input']!r:.80}" if not isinstance(problem["input"], dict | list) else "a table or list"
        raise ValueError(
            f"{file}: {field[:200]} is {said} ({_OF_OURS.sub('table', problem['msg'])}): delete the file, or evaluate "
            "the model anew."
        ) from None
    return values


def _check_depth(values: Any, file: Path) -> None:
    level = [values]
    for _ in range(DEEPEST):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return
    raise ValueError(f"{file} is nested more than {DEEPEST} levels deep: delete it, or evaluate the model anew.")
