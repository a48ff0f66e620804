"""One training run: a folder with the recipe and checkpoints, continued by the command that started it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
from transformers import set_seed
from transformers.trainer_utils import get_last_checkpoint

from modeling_vae.model.modeling_image_vae import VAEModel

from .objective import TrainingObjective
from .recipe import FILE_NAME, Recipe
from .trainer import VAETrainer, training_arguments

if TYPE_CHECKING:
    from modeling_vae.data import PictureData

logger = logging.getLogger(__name__)

CHECKPOINTS = "checkpoints"


def build_model(recipe: Recipe) -> VAEModel:
    """A new network as the recipe describes it, with pretrained weights where it names a backbone."""
    config = recipe.config()
    backbone = recipe.model.get("backbone")
    return VAEModel.from_backbone(config, backbone) if backbone else VAEModel(config)


def prepare(output: Path, recipe: Recipe) -> None:
    """Make the run's folder and write the recipe into it, or check that the run there is of the same recipe.

    Raises:
        ValueError: where a run of another recipe is there; settings of the `training` section may differ.
        OSError: where the folder cannot be written.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        file = output / FILE_NAME
        if file.exists() and (output / CHECKPOINTS).is_dir():
            before = Recipe.read(file)
            for section in ("model", "objective", "data"):
                if getattr(before, section) != getattr(recipe, section):
                    raise ValueError(
                        f"{output} holds a run whose {section} section differs from this recipe's: continue it with "
                        "its own recipe, give another output folder, or delete it."
                    )
        recipe.write(file)
    except OSError as error:
        raise OSError(f"the output folder {output} cannot be written: {error.strerror or error}") from error


def train(recipe: Recipe, data: PictureData, output: Path) -> tuple[VAEModel, int]:
    """Train, from the last whole checkpoint where there is one; returns the averaged model on the CPU, and its steps.

    Ctrl-C leaves the last checkpoint; the same call goes on from there.
    """
    prepare(output, recipe)
    arguments = training_arguments(recipe.training, output / CHECKPOINTS)
    set_seed(arguments.seed)
    objective = TrainingObjective(build_model(recipe), recipe.objective, recipe.training.get("ema_decay", 0.999))
    objective.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch types it for tensors only
    from modeling_vae.data import collate

    trainer = VAETrainer(
        objective, arguments, train_dataset=data.train, eval_dataset=data.validation, data_collator=collate
    )
    checkpoint = get_last_checkpoint(arguments.output_dir) if Path(arguments.output_dir).is_dir() else None
    if checkpoint:
        logger.info("Continuing from %s.", checkpoint)
    trainer.train(resume_from_checkpoint=checkpoint)
    model = objective.ema.eval()
    cast(torch.nn.Module, model).to("cpu").to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return model, trainer.state.global_step
