"""`python -m modeling_vae evaluate FOLDER_OR_ID --data PATH_OR_ID`."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import Any

import torch

from modeling_vae.evaluation.attributes import EDITED
from modeling_vae.evaluation.evaluate import evaluate
from modeling_vae.evaluation.features import FeatureNetwork
from modeling_vae.evaluation.report import JSON_NAME, whole_text, write_json, write_report
from modeling_vae.model.hub_files import fetch
from modeling_vae.pipeline import VAEPipeline
from modeling_vae.training.recipe import FILE_NAME, DataRecipe, Recipe

from .card import write_card
from .published_folder import NEAREST

logger = logging.getLogger(__name__)

KEPT = ("run", "directions")
"""What evaluation.json says of the training; it stays when the figures are made anew."""


def add_evaluate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the sub-command."""
    parser = commands.add_parser(
        "evaluate",
        help="measure a model on held-out pictures",
        description="Measure a published model: fidelity, Fréchet and kernel distances, sharpness, copies, and what "
        "becomes of attributes. Prints the tables; for a folder, writes evaluation.json and the card in it anew.",
    )
    parser.add_argument("model", metavar="MODEL", help="a published folder, or user/name on the Hub")
    parser.add_argument("--data", metavar="PATH_OR_ID", help="pictures with their labels (default: the recipe's)")
    parser.add_argument("--name", help="configuration of the data set, where it has several")
    parser.add_argument("--split", help="measured on, unseen in training (default: the recipe's validation)")
    parser.add_argument("--train-split", metavar="SPLIT", help="that the model was trained on (default: the recipe's)")
    parser.add_argument("--image-column", metavar="COLUMN", help="default: the recipe's")
    parser.add_argument("--pictures", type=_positive, default=10_000, metavar="N", help="at most (default: 10000)")
    parser.add_argument(
        "--edited", type=_positive, default=EDITED, metavar="N", help="for each attribute, at most (default: 500)"
    )
    parser.add_argument(
        "--features",
        metavar="NETWORK",
        help="vision model of transformers, a folder or an id on the Hub, that distances are measured with "
        "(default: none are measured)",
    )
    parser.add_argument(
        "--resize", type=_positive, default=128, metavar="SIDE", help="that it is shown pictures at (default: 128)"
    )
    parser.add_argument("--revision", help="branch, tag or commit of a model on the Hub")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    parser.add_argument("--device", type=_device, default="cpu", help="cpu or cuda (default: cpu)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the figures there, and leave the folder be")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    pipe = VAEPipeline.from_pretrained(options.model, revision=options.revision, device=options.device)
    folder = Path(options.model)
    local, output = pipe.hub_id is None, options.output
    if output is not None and not output.parent.is_dir():
        raise FileNotFoundError(f"{output.parent} is no folder, so {output.name} cannot be written there: make it.")
    known = _kept(folder / JSON_NAME) if local else {}
    recipe = _recipe(pipe, options)
    report = figures(pipe, recipe, options) | known
    text = whole_text(report)
    if output is not None:
        write_json(report, output)
    elif local:
        write_report(report, folder)
        if (folder / FILE_NAME).is_file():
            write_card(folder, pipe, recipe, report)
        else:
            logger.warning("%s has no %s, so its card stays as it is.", folder, FILE_NAME)
    print(text, end="")


def figures(pipe: VAEPipeline, recipe: Recipe, options: argparse.Namespace) -> dict[str, Any]:
    """The figures of `evaluate` on the data that the recipe names."""
    from modeling_vae.data import load_data

    network = FeatureNetwork(options.features, options.resize) if options.features else None
    config = pipe.model.config
    data = load_data(
        recipe.data,
        image_size=config.height_and_width,
        num_channels=config.num_channels,
        attributes=dict(recipe.attributes),
    )
    logger.info("%s", data.report)
    return evaluate(
        pipe,
        data.validation,
        data.train,
        network=network.to(pipe.model.device) if network is not None else None,
        most=options.pictures,
        nearest=NEAREST,
        attributes=dict(recipe.attributes),
        leave_out=recipe.publish.leave_out,
        edited=options.edited,
        seed=options.seed,
    )


def _recipe(pipe: VAEPipeline, options: argparse.Namespace) -> Recipe:
    """The recipe that the model was trained by, with the data that the figures are made on.

    Where the model has no recipe, the attributes are those of its directions.

    Raises:
        ValueError: neither the recipe nor the command line says where the pictures are.
    """
    file = _recipe_file(pipe, Path(options.model))
    if file is not None:
        recipe = Recipe.read(file)
    else:
        logger.warning("%s has no %s: attributes are taken from its directions.", options.model, FILE_NAME)
        directions = pipe.directions.directions.values() if pipe.directions is not None else ()
        kinds: Any = {d.name.partition(":")[0] if d.kind == "category" else d.name: d.kind for d in directions}
        recipe = Recipe(attributes=kinds, data=DataRecipe(crop=pipe.processor.crop))
    said = {
        "path": options.data,
        "name": options.name,
        "train": options.train_split,
        "validation": options.split,
        "image_column": options.image_column,
    }
    data = recipe.data.model_copy(update={key: value for key, value in said.items() if value is not None})
    if data.path is None:
        raise ValueError(f"the recipe of {options.model} does not say where its pictures are: give --data PATH_OR_ID.")
    return recipe.model_copy(update={"data": data})


def _recipe_file(pipe: VAEPipeline, folder: Path) -> Path | None:
    if pipe.hub_id is None:
        file = folder / FILE_NAME
        return file if file.is_file() else None
    commit = pipe.folder.name if pipe.folder is not None else None
    try:
        return fetch(pipe.hub_id, (FILE_NAME,), revision=commit) / FILE_NAME
    except FileNotFoundError:
        return None


def _kept(file: Path) -> dict[str, Any]:
    """What an evaluation.json says of the training."""
    if not file.is_file():
        return {}
    try:
        older = json.loads(file.read_text(encoding="utf-8"))
        return {key: older[key] for key in KEPT if key in older}
    except (ValueError, TypeError) as error:
        raise ValueError(f"{file} is damaged ({error}): delete it, or restore it.") from error


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return int(text)


def _device(text: str) -> torch.device:
    try:
        device = torch.device(text)
    except RuntimeError:
        raise argparse.ArgumentTypeError(f"{text!r} is no device: give cpu or cuda") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise argparse.ArgumentTypeError("there is no GPU here that PyTorch can use: leave --device out")
    return device
