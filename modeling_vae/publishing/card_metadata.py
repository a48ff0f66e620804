"""What the Hub reads of a card: its metadata with model-index, and the files of .eval_results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import EvalResult, EvalResultEntry, ModelCardData, eval_result_entries_to_yaml

from modeling_vae.figures.catalogue import METRICS
from modeling_vae.files import write_whole
from modeling_vae.recipes.recipe import DataRecipe, Recipe

TASK = "unconditional-image-generation"
"""The Hub has no task "autoencoder"; of its tasks this is the one that needs nothing but the model."""
EVAL_RESULTS = ".eval_results"


def values_of(report: Mapping[str, Any]) -> list[tuple[str, str, float]]:
    """Identifier, label and value of every figure of the metadata that a report has."""
    found = []
    for figure in METRICS:
        value = figure.of(report)
        value = value.get("value") if isinstance(value, Mapping) else value
        if figure.metric is not None and isinstance(value, int | float):
            found.append((*figure.metric, value))
    return found


def hub_datasets(recipe: Recipe) -> list[str]:
    """The data sets on the Hub that the recipe names: of `publish.datasets`, and the one it reads."""
    read = hub_path(recipe.data)
    return list(dict.fromkeys([*recipe.publish.datasets, *([read] if read else [])]))


def hub_path(data: DataRecipe) -> str | None:
    """The id on the Hub of the data set that is read, None where it has none."""
    path = Recipe(data=data).published().data.path
    return path if path is not None and "/" in path else None


def measured_on(recipe: Recipe, report: dict[str, Any]) -> tuple[str | None, str]:
    """The data set on the Hub, if any, and the split that the figures are of.

    They are those of the run, unless the report says otherwise (`measured_on`).
    """
    if (other := report.get("measured_on")) is not None:
        return other["dataset"], other["split"]
    return next(iter(hub_datasets(recipe)), None), str(recipe.data.validation)


def metadata(recipe: Recipe, report: dict[str, Any], name: str) -> dict[str, Any]:
    """The metadata of the card.

    Args:
        recipe: gives licence, language, tags and data sets.
        report: evaluation.json.
        name: of the model, over its figures.
    """
    publish, datasets, (measured, split) = recipe.publish, hub_datasets(recipe), measured_on(recipe, report)
    results = [
        EvalResult(
            task_type=TASK,
            task_name="Reconstruction and generation of pictures",
            dataset_type=measured or "unpublished",
            dataset_name=measured or "held-out pictures",
            dataset_split=split,
            metric_type=identifier,
            metric_name=label,
            metric_value=value,
        )
        for identifier, label, value in values_of(report)
    ]
    data = ModelCardData(
        language=publish.language,
        license=publish.license,
        license_name=publish.license_name,
        license_link=publish.license_link,
        library_name="transformers",
        pipeline_tag=TASK,
        tags=list(dict.fromkeys(["vae", "image-to-image", "latent-directions", *publish.tags])),
        shows=publish.shows,
        datasets=datasets or None,
        base_model=recipe.published().model.get("pretrained"),
        model_name=name if results else None,
        eval_results=results or None,
    )
    result: dict[str, Any] = data.to_dict()
    return result


def write_eval_results(folder: Path, recipe: Recipe, report: dict[str, Any]) -> None:
    """One YAML file of results for a data set of the Hub, with the metrics as tasks.

    The Hub shows them where that data set is registered as a benchmark with such tasks, and ignores them elsewhere.
    For pictures that are not on the Hub there is no such file, as an entry must name a data set there.
    """
    dataset, split = measured_on(recipe, report)
    entries = [
        EvalResultEntry(dataset_id=dataset, task_id=identifier, value=value, notes=_notes(split, report))
        for identifier, _, value in values_of(report)
        if dataset is not None
    ]
    if dataset is not None and entries:
        path = folder / EVAL_RESULTS / f"{dataset.replace('/', '--')}.yaml"
        path.parent.mkdir(exist_ok=True)
        text = yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False, allow_unicode=True)
        write_whole(path, text)


def _notes(split: str, report: dict[str, Any]) -> str:
    pictures = report.get("protocol", {}).get("pictures")
    return f"split {split}" + (f", {pictures} pictures" if pictures else "")
