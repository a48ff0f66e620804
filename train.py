"""Train a recipe: from a data set to a published folder.

    python train.py hub_configs/cats-64 data.path=PICTURES training.max_steps=2000

The same command continues a run that was stopped, from its last checkpoint. With push_to_hub=user/name the published
folder goes to the Hub at the end, and with push_checkpoints=true the state of each checkpoint before it.
"""

from __future__ import annotations

import argparse
import logging
import platform
import shlex
import sys
import time
from pathlib import Path

import torch
import transformers
from transformers import TrainerCallback

from modeling_vae.data import PictureData, load_data
from modeling_vae.evaluation.features import FeatureNetwork
from modeling_vae.hub.checkpoints import PushCheckpoints
from modeling_vae.hub.published_folder import write_published_folder
from modeling_vae.hub.publishing import push_folder
from modeling_vae.hub.training_film import TrainingFilm, read_frames
from modeling_vae.model.hub_files import check_repo_id
from modeling_vae.training.allocator import keep_freed_memory
from modeling_vae.training.recipe import Recipe
from modeling_vae.training.run import prepare, train
from modeling_vae.training.stages import FOLDER, stage_recipes, train_stages

FILM = "film"


def read(recipe: Recipe) -> PictureData:
    """The pictures of a recipe, at the size of its model."""
    config = recipe.config()
    data = load_data(
        recipe.data,
        image_size=config.height_and_width,
        num_channels=config.num_channels,
        attributes=recipe.attributes,
        seed=recipe.training.get("seed", 42),
    )
    logging.info("%s", data.report)
    return data


def filmed(folder: Path, data: PictureData) -> list[TrainerCallback]:
    """What takes the film of a training into its folder."""
    return [TrainingFilm(folder / FILM, data.validation)]


def main(argv: list[str] | None = None) -> Path:
    """Parse, build, train and publish to disk; returns the published folder."""
    parser = argparse.ArgumentParser(prog="train.py", description="Train a recipe and write a published folder.")
    parser.add_argument("recipe", type=Path, help="a folder with a recipe.yaml, or such a file")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="dotted keys, such as data.path=PICTURES")
    parser.add_argument("--output", type=Path, help="folder of the run (default: runs/NAME)")
    options = parser.parse_intermixed_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for talkative in ("httpx2", "accelerate"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    keep_freed_memory()
    original, recipe = Recipe.read(options.recipe), Recipe.read(options.recipe, options.overrides)
    name = options.recipe.name if options.recipe.is_dir() else options.recipe.stem
    output = options.output or Path("runs") / name
    if recipe.data.path is None:
        raise ValueError(
            "data.path has no value in this recipe: say where the pictures are, data.path=FOLDER_OR_HUB_ID."
        )
    if recipe.push_to_hub is not None:
        check_repo_id(recipe.push_to_hub)
    stage_recipes(recipe)
    prepare(output, recipe)  # what cannot work is said before the pictures are read
    network = None
    if (perceptual := recipe.objective.perceptual) is not None:  # what looks on in training measures afterwards too
        try:
            network = FeatureNetwork(perceptual.backbone)
        except OSError as error:
            raise OSError(
                f"objective.perceptual.backbone: {error}\n"
                "Or train without such a network: objective.perceptual=null objective.adversarial=null"
            ) from error
    started = time.monotonic()
    start, before = train_stages(recipe, read, output, filmed)
    data = read(recipe)
    callbacks = filmed(output, data)
    if recipe.push_to_hub is not None and recipe.push_checkpoints:
        callbacks.append(PushCheckpoints(recipe, recipe.push_to_hub, original=original))
    model, steps = train(recipe, data, output, callbacks, start)
    run = {
        "steps": steps,
        "steps of stages before": before or None,
        "seconds_since_last_start": round(time.monotonic() - started),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads, "
        + (torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "data": {
            "pictures": dict(data.report.pictures),
            "exact duplicates left out": data.report.duplicates,
            "broken and left out": len(data.report.broken),
        },
    }
    published = output / "published"
    film = read_frames(*(output / FOLDER / name / FILM for name in before), output / FILM)
    write_published_folder(model, recipe, data, published, original=original, run=run, network=network, film=film)
    logging.info("Published folder: %s", published)
    if recipe.push_to_hub is not None:
        try:
            push_folder(published, recipe.push_to_hub)
        except (ValueError, OSError) as error:
            raise ConnectionError(
                f"the run is complete in {published}, but it was not published: {error}\n"
                f"Publish it later: python -m modeling_vae push {shlex.quote(str(published))} {recipe.push_to_hub}"
            ) from error
    return published


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped: the same command goes on from the last checkpoint.")
