"""Stages: what is trained before a recipe's own training, such as a model of half the size that then grows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from transformers import TrainerCallback

from modeling_vae.model.modeling_image_vae import VAEModel
from modeling_vae.recipes.recipe import Recipe, explain

from .run import train

if TYPE_CHECKING:
    from modeling_vae.data import PictureData

FOLDER = "stages"


def stage_recipes(recipe: Recipe) -> dict[str, Recipe]:
    """The recipe of each stage, in order: the recipe's own, with the stage's tables laid over it key by key.

    A term of the objective that the recipe leaves out, no stage has, whatever it says of it.

    Raises:
        ValueError: where a stage is no recipe, naming it.
    """
    values = recipe.model_dump(mode="json", exclude={"stages", "push_to_hub", "push_checkpoints"})
    stages = {}
    for name, stage in recipe.stages.items():
        try:
            stages[name] = Recipe.model_validate(_laid_over(values, stage.model_dump(exclude_unset=True)))
        except ValidationError as error:
            raise ValueError(f"stages.{name}: {explain(error)}") from None
        stages[name].config()
    return stages


def _laid_over(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    laid = dict(values)
    for key, change in changes.items():
        below = values.get(key, {})
        if isinstance(change, Mapping):
            laid[key] = _laid_over(below, change) if isinstance(below, Mapping) else below
        else:
            laid[key] = change
    return laid


def train_stages(
    recipe: Recipe,
    read: Callable[[Recipe], PictureData],
    output: Path,
    callbacks: Callable[[Path, PictureData], list[TrainerCallback]],
) -> tuple[VAEModel | None, dict[str, int]]:
    """Train all stages, each in a folder of its own below `output`, and each from the weights of the one before.

    The same call goes on where a run was stopped; of a stage that is finished only the weights are read.

    Args:
        recipe: whose stages they are.
        read: the pictures at the size that a recipe's model has.
        output: of the run.
        callbacks: of a stage, from its folder and its pictures.

    Returns:
        The last stage's averaged model, None without stages, and the steps of each.
    """
    model, steps = None, {}
    for name, stage in stage_recipes(recipe).items():
        data, folder = read(stage), output / FOLDER / name
        model, steps[name] = train(stage, data, folder, callbacks(folder, data), model)
    return model, steps
