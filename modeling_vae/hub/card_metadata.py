"""What the Hub reads of a card: its metadata with model-index, and the files of .eval_results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import EvalResult, EvalResultEntry, ModelCardData, eval_result_entries_to_yaml

from modeling_vae.files import write_whole
from modeling_vae.training.recipe import DataRecipe, Recipe

TASK = "unconditional-image-generation"
"""The Hub has no task "autoencoder"; of its tasks this is the one that needs nothing but the model."""
EVAL_RESULTS = ".eval_results"


@dataclass(frozen=True)
class Metric:
    """A figure of the report: where it stands there, its identifier, and its name for people."""

    place: tuple[str, ...]
    type: str
    label: str


METRICS = (
    Metric(("reconstruction", "psnr"), "psnr", "PSNR of reconstructions, dB"),
    Metric(("reconstruction", "ssim"), "ssim", "SSIM of reconstructions"),
    Metric(("reconstruction", "bits_per_dimension"), "bits_per_dimension", "Bits per dimension (density)"),
    Metric(
        ("reconstruction", "bits_per_dimension_8_bit"),
        "bits_per_dimension_8_bit",
        "Bits per dimension (8-bit pictures)",
    ),
    Metric(
        ("frechet_distance", "reconstructions"),
        "frechet_distance_reconstructions",
        "Fréchet distance, reconstructions",
    ),
    Metric(("frechet_distance", "fitted_samples"), "frechet_distance_samples", "Fréchet distance, fitted samples"),
    Metric(("frechet_distance", "standard_samples"), "frechet_distance_standard", "Fréchet distance, N(0, I) samples"),
    Metric(
        ("frechet_distance", "morph_midpoints"), "frechet_distance_morphs", "Fréchet distance, midpoints of morphs"
    ),
    Metric(("frechet_distance", "training"), "frechet_distance_training", "Fréchet distance, real training pictures"),
    Metric(("kernel_distance", "reconstructions"), "kid_reconstructions", "KID x 1000, reconstructions"),
    Metric(("kernel_distance", "fitted_samples"), "kid_samples", "KID x 1000, fitted samples"),
    Metric(("sharpness", "validation"), "sharpness_real", "Sharpness, real validation pictures"),
    Metric(("sharpness", "reconstructions"), "sharpness_reconstructions", "Sharpness, reconstructions"),
    Metric(("sharpness", "fitted_samples"), "sharpness_samples", "Sharpness, fitted samples"),
    Metric(("attributes", "mean", "survival"), "attribute_survival", "Survival of attributes in reconstructions"),
    Metric(("attributes", "mean", "success"), "edit_success", "Success of edits"),
    Metric(("attributes", "mean", "leak"), "edit_leak", "Leak of edits"),
    Metric(("attributes", "mean", "leak_with_hold"), "edit_leak_held", "Leak of edits, the other attributes held"),
)


def figure(report: dict[str, Any], metric: Metric) -> tuple[float | None, float | None, float | None]:
    """Value and interval of a metric, None where the report has none."""
    found: Any = report
    for key in metric.place:
        found = found.get(key) if isinstance(found, dict) else None
    if isinstance(found, dict):
        return found.get("value"), found.get("low"), found.get("high")
    return found if isinstance(found, int | float) else None, None, None


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
            metric_type=metric.type,
            metric_name=metric.label,
            metric_value=value,
        )
        for metric in METRICS
        if (value := figure(report, metric)[0]) is not None
    ]
    data = ModelCardData(
        language=publish.language,
        license=publish.license,
        license_name=publish.license_name,
        license_link=publish.license_link,
        library_name="transformers",
        pipeline_tag=TASK,
        tags=list(dict.fromkeys(["vae", "image-to-image", "latent-directions", *publish.tags])),
        datasets=datasets or None,
        base_model=recipe.published().model.get("pretrained"),
        model_name=name if results else None,
        eval_results=results or None,
    )
    return data.to_dict()


def write_eval_results(folder: Path, recipe: Recipe, report: dict[str, Any]) -> None:
    """One YAML file of results for a data set of the Hub, with the metrics as tasks.

    The Hub shows them where that data set is registered as a benchmark with such tasks, and ignores them elsewhere.
    For pictures that are not on the Hub there is no such file, as an entry must name a data set there.
    """
    dataset, split = measured_on(recipe, report)
    entries = [
        EvalResultEntry(dataset_id=dataset, task_id=metric.type, value=value, notes=_notes(split, report))
        for metric in METRICS
        if dataset is not None and (value := figure(report, metric)[0]) is not None
    ]
    if dataset is not None and entries:
        path = folder / EVAL_RESULTS / f"{dataset.replace('/', '--')}.yaml"
        path.parent.mkdir(exist_ok=True)
        text = yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False, allow_unicode=True)
        write_whole(path, text)


def _notes(split: str, report: dict[str, Any]) -> str:
    pictures = report.get("protocol", {}).get("pictures")
    return f"split {split}" + (f", {pictures} pictures" if pictures else "")
