"""A run from its recipe to a published folder, and to the Hub where the recipe says so."""

from __future__ import annotations

import argparse
import importlib.util
import logging
import platform
import shlex
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
import transformers
from PIL import Image
from transformers import TrainerCallback

from modeling_vae.data import PictureData, boolean_columns, labelled_batches, load_data
from modeling_vae.evaluation.features import FeatureNetwork
from modeling_vae.evaluation.measuring import NEAREST, evaluate
from modeling_vae.fitting.fit import fit
from modeling_vae.fitting.learn import learn
from modeling_vae.hub.downloads import check_repo_id
from modeling_vae.media import RECONSTRUCTED, draw_media, webp
from modeling_vae.processes import first_alone, is_first, started_together
from modeling_vae.public import VAEModel, VAEPipeline
from modeling_vae.publishing.checkpoints import PushCheckpoints
from modeling_vae.publishing.folder import recover, write_published_folder
from modeling_vae.publishing.repository import push_folder
from modeling_vae.recipes import bundled
from modeling_vae.recipes.recipe import Recipe
from modeling_vae.training.allocator import keep_freed_memory
from modeling_vae.training.film import TrainingFilm
from modeling_vae.training.film_files import training_films
from modeling_vae.training.losses import losses, read_history
from modeling_vae.training.run import CHECKPOINTS, alone_in, prepare, train
from modeling_vae.training.stages import FOLDER, stage_recipes, train_stages
from modeling_vae.training.trainer import HOUSE

from .phases import Phases, UntilTheFirstStep

FILM = "film"
EDITED = 200
"""Pictures that are edited for each attribute: a run shall end soon; the command `evaluate` takes more."""


def train_recipe(options: argparse.Namespace) -> Path:
    """Build, train, publish to disk and, where the recipe says so, to the Hub; returns the published folder."""
    file = bundled.find(options.recipe)
    for talkative in ("httpx2", "accelerate"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    keep_freed_memory()
    original, recipe = Recipe.read(file), Recipe.read(file, options.overrides)
    name = file.name if file.is_dir() else file.stem
    output = options.output or Path("runs") / name
    if recipe.data.path is None:
        raise ValueError(
            "data.path has no value in this recipe: say where the pictures are, data.path=FOLDER_OR_HUB_ID."
        )
    if recipe.objective.likeness is not None and recipe.objective.likeness.backbone is None:
        raise ValueError(
            "objective.likeness.backbone has no value in this recipe: say which network tells people apart "
            "(examples/face-network makes one), or do without: objective.likeness=null."
        )
    if recipe.attributes == "all":
        recipe = recipe.resolved(boolean_columns)
        logging.info("attributes: all stands for %s.", ", ".join(recipe.columns) or "nothing, as no column is boolean")
    if recipe.push_to_hub is not None:
        check_repo_id(recipe.push_to_hub)
    stage_recipes(recipe)
    if not is_first():
        logging.getLogger().setLevel(logging.WARNING)
    with alone_in(output) if is_first() else nullcontext():
        return _train(recipe, original, output)


def _train(recipe: Recipe, original: Recipe, output: Path) -> Path:
    with first_alone():
        prepare(output, recipe)  # what cannot work is said before the pictures are read
        if is_first():
            recover(output / "published")
    network = _feature_network(recipe)
    phases = Phases()
    start, before = train_stages(recipe, read, output, filmed)
    if before:
        phases.ended("stages")
    data = read(recipe)
    phases.ended("reading pictures")
    callbacks = [*filmed(output, data), UntilTheFirstStep(phases, "probes and setting up")]
    if recipe.push_to_hub is not None and recipe.push_checkpoints:
        callbacks.append(PushCheckpoints(recipe, recipe.push_to_hub, original=original))
    model, steps = train(recipe, data, output, callbacks, start)
    phases.ended("training")
    facts = run_facts(data, steps, before, round(sum(phases.seconds.values())))
    published = publish(model, recipe, data, output, original=original, facts=facts, network=network, phases=phases)
    logging.info("%s", phases)
    logging.info("Published folder: %s", published)
    if recipe.push_to_hub is not None and is_first():
        _push(published, recipe.push_to_hub)
    return published


def publish(
    model: VAEModel,
    recipe: Recipe,
    data: PictureData,
    output: Path,
    *,
    original: Recipe,
    facts: dict[str, Any],
    network: FeatureNetwork | None,
    phases: Phases | None = None,
) -> Path:
    """From a trained model to its published folder: learn, fit, measure, draw, write; each is a phase of its own.

    Several processes share out all but the last two, which are the first one's.
    """
    phases = phases or Phases()
    steps = facts["steps"] + sum((facts["steps of stages before"] or {}).values())
    learnt = learn(recipe, data, steps=steps)
    phases.ended("alignment and probes")
    parts, fitted = fit(model, recipe, data, learnt)
    phases.ended("fitting")
    pipe = VAEPipeline(**vars(parts))
    figures = evaluate(
        pipe, data.validation, data.train, network=network, probe=learnt.probe, nearest=NEAREST, edited=EDITED
    )
    report = figures | {"run": facts, **fitted}
    phases.ended("measuring")
    if not is_first():
        return output / "published"
    judged, shown = report.get("attributes", {}).get("each"), recipe.publish.show_data
    media = draw_media(pipe, judged, _held_out(pipe, data) if shown else ()) | _of_training(output, recipe)
    write_published_folder(output / "published", parts, recipe, report, media, original=original)
    phases.ended("drawing and writing")
    return output / "published"


def _of_training(output: Path, recipe: Recipe) -> dict[str, bytes]:
    """The films of a run and the plot of its losses, by the names of their files."""
    folders = [*(output / FOLDER / name for name in recipe.stages), output]
    films = training_films([folder / FILM for folder in folders], recipe.publish.show_data)
    if importlib.util.find_spec("matplotlib") is None:
        logging.warning("There is no plot of the losses, which takes matplotlib: pip install matplotlib.")
        return films
    plot = losses(read_history(*(folder / CHECKPOINTS for folder in folders)))
    return films if plot is None else films | {"losses.webp": webp(plot)}


def _held_out(pipe: VAEPipeline, data: PictureData) -> list[Image.Image]:
    """Held-out pictures to show, always the same."""
    pixel_values, _ = next(iter(labelled_batches(data.validation, RECONSTRUCTED, RECONSTRUCTED)))
    return pipe.processor.postprocess(pixel_values)


def read(recipe: Recipe) -> PictureData:
    """The pictures of a recipe, at the size of its model."""
    config = recipe.config()
    with first_alone():
        data = load_data(
            recipe.data,
            image_size=config.height_and_width,
            num_channels=config.num_channels,
            attributes=recipe.columns,
            seed=recipe.training.get("seed", HOUSE["seed"]),
        )
    logging.info("%s", data.report)
    return data


def filmed(folder: Path, data: PictureData) -> list[TrainerCallback]:
    """What takes the film of a training into its folder."""
    return [TrainingFilm(folder / FILM, data.validation)]


def run_facts(data: PictureData, steps: int, before: dict[str, int], seconds: int) -> dict[str, Any]:
    """What evaluation.json says about a run; `before` are the steps of its stages."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return {
        "steps": steps,
        "steps of stages before": before or None,
        "processes": started_together(),
        "seconds_since_last_start": seconds,
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads, {gpu}",
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "data": data.report.counts(),
    }


def _feature_network(recipe: Recipe) -> FeatureNetwork | None:
    """What looks on in training measures afterwards too."""
    perceptual = recipe.objective.perceptual
    if perceptual is None:
        return None
    try:
        return FeatureNetwork(perceptual.backbone)
    except OSError as error:
        raise OSError(
            f"objective.perceptual.backbone: {error}\n"
            "Or train without such a network: objective.perceptual=null objective.adversarial=null"
        ) from error


def _push(published: Path, repo_id: str) -> None:
    try:
        push_folder(published, repo_id)
    except (ValueError, OSError) as error:
        raise ConnectionError(
            f"the run is complete in {published}, but it was not published: {error}\n"
            f"Publish it later: python -m modeling_vae push {shlex.quote(str(published))} {repo_id}"
        ) from error
