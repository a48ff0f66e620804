"""One training run: a folder with the recipe and checkpoints, continued by the command that started it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence, Sized
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from filelock import FileLock, Timeout
from transformers import TrainerCallback, TrainingArguments, set_seed

from modeling_vae.hub.quiet_loading import quiet_loading
from modeling_vae.model.configuration_image_vae import VAEConfig
from modeling_vae.model.folder_schema import read_network
from modeling_vae.model.modeling_image_vae import VAEModel
from modeling_vae.parts import find_folder
from modeling_vae.processes import first_alone, is_first, take_weights_of_first
from modeling_vae.recipes.recipe import FILE_NAME, NETWORK_FIELDS, Recipe

from .continuing import last_whole, note_pictures, refuse_other_processes
from .growth import grown, is_twice
from .objective import TrainingObjective
from .precision import settled
from .terms.attribute_distance import attribute_distance
from .trainer import EMA_DECAY, VAETrainer, precision_of, training_arguments

if TYPE_CHECKING:
    from modeling_vae.data import PictureData

logger = logging.getLogger(__name__)

CHECKPOINTS = "checkpoints"
LOCK = ".lock"


def build_model(recipe: Recipe, start: VAEModel | None = None) -> VAEModel:
    """The network that the recipe describes: new, or with the weights of a published model, or of a backbone.

    Args:
        recipe: says where weights come from.
        start: whose weights to begin with in their place: the stage before.

    Raises:
        ValueError: where those weights are of another network, naming the settings.
        FileNotFoundError, ConnectionError: where the published model cannot be had.
    """
    config, backbone, pretrained = recipe.config(), recipe.model.get("backbone"), recipe.model.get("pretrained")
    if start is not None:
        return _continued(config, start, "the stage before")
    if backbone:
        with quiet_loading():
            return VAEModel.from_backbone(config, backbone)
    if pretrained:
        folder = find_folder(pretrained)[0]
        with quiet_loading():
            there = read_network(folder, pretrained, torch.float32).model
        return _continued(config, there, f"model.pretrained={pretrained}")
    return VAEModel(config)


def _continued(config: VAEConfig, there: VAEModel, source: str) -> VAEModel:
    """The network of this configuration with the weights of another, of this size or of half of it.

    That one's decoder may be shallower: what else there is in this one is silent at first.
    """
    before = cast(VAEConfig, there.config)
    config.encoder_backbone = before.encoder_backbone
    if is_twice(before, config):
        try:
            return grown(there, config)
        except ValueError as error:
            raise ValueError(f"{source}: {error}") from None
    ours, theirs = _network(config), _network(before)
    if before.decoder_block == "modulated":
        theirs["decoder_layers"] = max(theirs["decoder_layers"], ours["decoder_layers"])
    if different := [f"model.{name}={value}" for name, value in theirs.items() if ours[name] != value]:
        raise ValueError(f"{source} is another network: set {', '.join(different)}, or leave it out.")
    model = VAEModel(config)
    model.load_state_dict(model.state_dict() | there.state_dict())
    return model


def _network(config: VAEConfig) -> dict[str, Any]:
    """What weights belong to."""
    return {name: getattr(config, name) for name in NETWORK_FIELDS} | {"decoder_channels": config.decoder_widths}


def prepare(output: Path, recipe: Recipe) -> TrainingArguments:
    """Make the run's folder and write the recipe into it, or check that the run there is of the same recipe.

    Raises:
        ValueError: where a run of another recipe is there (settings of the `training` section may differ), or where
            that section is not possible.
        OSError: where the folder cannot be written.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        file = output / FILE_NAME
        if file.exists() and (output / CHECKPOINTS).is_dir():
            before = Recipe.read(file)
            looked_for = ["attributes"] if recipe.objective.attribute_consistency else []
            for section in ("model", "objective", "data", *looked_for):
                if getattr(before, section) != getattr(recipe, section):
                    raise ValueError(
                        f"{output} holds a run whose {section} section differs from this recipe's: continue it with "
                        "its own recipe, give another output folder, or delete it."
                    )
        arguments = training_arguments(recipe.training, output / CHECKPOINTS)
        recipe.write(file)
        result: TrainingArguments = arguments
        return result
    except OSError as error:
        raise OSError(f"the output folder {output} cannot be written: {error.strerror or error}") from error


@contextmanager
def alone_in(output: Path) -> Iterator[None]:
    """Within it no other process trains in the folder, which is made if need be; the end of a process ends it too.

    Raises:
        ValueError: another does.
        OSError: the folder cannot be written.
    """
    lock = FileLock(output / LOCK)
    try:
        output.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise ValueError(
            f"another process trains in {output}: wait until it ends, or give this run a folder of its own (--output)."
        ) from None
    except OSError as error:
        raise OSError(f"the output folder {output} cannot be written: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


def train(
    recipe: Recipe,
    data: PictureData,
    output: Path,
    callbacks: Sequence[TrainerCallback] = (),
    start: VAEModel | None = None,
) -> tuple[VAEModel, int]:
    """Train, from the last whole checkpoint where there is one; returns the averaged model on the CPU, and its steps.

    Ctrl-C leaves the last checkpoint; the same call goes on from there. Callbacks get the `TrainingObjective` as
    their `model`. A `start` gives a new run its first weights, see `build_model`.
    """
    with first_alone():
        arguments = prepare(output, recipe)
    batch = arguments.train_batch_size
    if isinstance(data.train, Sized) and len(data.train) < batch:
        raise ValueError(
            f"{len(data.train)} training pictures are fewer than training.per_device_train_batch_size={batch}: set it "
            "lower, or add pictures."
        )
    if isinstance(data.validation, Sized) and len(data.validation) < 2:
        raise ValueError(
            f"{len(data.validation)} validation picture is too few to evaluate what is trained, which takes 2: set "
            "data.validation to a larger split or share, or add pictures."
        )
    set_seed(arguments.seed)
    model = build_model(recipe, start)
    checkpoints = output / CHECKPOINTS
    if precision_of(recipe.training) == "auto":
        with first_alone():
            precision = settled(model, batch, checkpoints, arguments.device)
        arguments = training_arguments(recipe.training | {"precision": precision}, checkpoints)
    with first_alone():
        attributes = attribute_distance(recipe, data, checkpoints, arguments.device, arguments.bf16)
    objective = TrainingObjective(model, recipe.objective, recipe.training.get("ema_decay", EMA_DECAY), attributes)
    objective.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch types it for tensors only
    from modeling_vae.data import collate

    trainer = VAETrainer(
        objective,
        arguments,
        train_dataset=data.train,
        eval_dataset=data.validation,
        data_collator=collate,
        callbacks=list(callbacks),
    )
    checkpoint = last_whole(checkpoints)
    if checkpoint is not None:
        logger.info("Continuing from %s.", checkpoint)
    if is_first():
        note_pictures(data, checkpoints)
    if checkpoint is not None and trainer.is_finished(str(checkpoint)):  # the Trainer would take one step more
        trainer.restore(str(checkpoint))
    else:
        if checkpoint is not None:
            refuse_other_processes(checkpoint)
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint is not None else None)
    averaged = objective.ema.eval()  # type: ignore[no-untyped-call]
    cast(torch.nn.Module, averaged).to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    take_weights_of_first(averaged)  # the statistics of batch norms are each process's own
    averaged.to("cpu")
    return averaged, trainer.state.global_step
