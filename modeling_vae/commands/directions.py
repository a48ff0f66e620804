"""`modeling-vae directions FOLDER`: what its edits show, new directions of columns, or one of few examples.

The passes over pictures that new directions take can be shared out (`shares`); few examples are of `teaching`.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modeling_vae.hub.network import refuse_unreachable

from . import shares, teaching
from .examination_options import add_data_options, positive
from .prepare import add_attributes

if TYPE_CHECKING:
    from modeling_vae.data import PictureData
    from modeling_vae.public import AttributeDirections, VAEPipeline
    from modeling_vae.recipes.recipe import Recipe

logger = logging.getLogger(__name__)


def parser(program: str) -> argparse.ArgumentParser:
    """What the command is told."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Measure what edits of a published folder show: at which strengths nine in ten pictures show an "
        "attribute, or lose it, and how far faces go to become one of a group, in the eyes of a network that learns "
        "from real ones. Or give it new attributes without training: of columns of a data set, or of few examples. "
        "Writes directions.safetensors, the prior with how far its flow is bent, and the card anew.",
        epilog="Example: %(prog)s runs/cats/published --with grumpy --without friendly",
    )
    parser.add_argument("model", type=Path, metavar="FOLDER", help="a published folder")
    add_data_options(parser)
    add_attributes(parser, "columns of --data that get new directions (without: those that are there are measured)")
    parser.add_argument(
        "--output", type=Path, metavar="NEW", help="write the new directions alone there, and leave the folder be"
    )
    parser.add_argument(
        "--tried", type=positive, metavar="N", help="pictures for each strength, at most (default: 64)"
    )
    shares.add_options(parser)
    teaching.add_options(parser)
    return parser


def run(arguments: list[str], program: str) -> None:
    options = parser(program).parse_args(arguments)
    folder: Path = options.model
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder: give a published one, whose directions are written anew.")
    _check_options(options)
    refuse_unreachable(options.data)
    if teaching.asked(options):
        return _teach(folder, options)
    # Imported here, so that what can be said without them is said at once.
    from modeling_vae.public import VAEPipeline

    pipe = VAEPipeline.from_pretrained(folder)
    if options.share is not None:
        recipe = _recipe(folder, pipe, options)
        columns = dict(options.attributes) or recipe.columns
        shares.write(options, pipe, columns, lambda: _read(pipe, recipe, columns))
    elif options.attributes or options.merge:
        _add(folder, pipe, options)
    else:
        _measure(folder, pipe, options)


def _check_options(options: argparse.Namespace) -> None:
    if options.attributes and teaching.asked(options):
        raise ValueError("--attributes and few examples (--with, --without, --column) are two ways: give one.")
    shares.check_options(options)
    if options.output is not None and not (options.attributes or options.merge or teaching.asked(options)):
        raise ValueError("--output is for new directions: give --attributes, or --with and --without.")


def _add(folder: Path, pipe: VAEPipeline, options: argparse.Namespace) -> None:
    """Directions of new columns, into the folder or alone into another."""
    from modeling_vae.fitting.new_directions import added, new_directions, read_moments

    moments = shares.merge(options, pipe) if options.merge else None
    columns = moments.kinds if moments is not None else dict(options.attributes)
    data = _read(pipe, _recipe(folder, pipe, options), columns)
    if moments is None:
        moments = read_moments(pipe.model, data, columns)
    found = new_directions(pipe.model, pipe.directions, moments, data, pipe.weights_sha256)
    for name, why in found.refused.items():
        logger.warning("%s gets no direction: %s.", name, why)
    directions = found.directions
    if not len(directions):
        raise ValueError(
            f"there is no direction to write: {'; '.join(f'{n}: {w}' for n, w in found.refused.items())}."
        )
    directions = _with_curves(pipe, directions, data, columns, options)
    for direction in directions.directions.values():
        figure = "not measured" if direction.held_out is None else f"{direction.held_out:.3f}"
        name = "R2" if direction.kind == "numeric" else "AUC"
        counts = f"{direction.positives:,} with, {direction.negatives:,} without"
        print(f"{direction.name}: {counts}; held-out {name} {figure}")
    if options.output is not None:
        directions.save_pretrained(options.output)
        return
    write(folder, pipe, added(pipe.directions, directions), {"added": sorted(columns)})


def _with_curves(
    pipe: VAEPipeline,
    directions: AttributeDirections,
    data: PictureData,
    columns: dict[str, str],
    options: argparse.Namespace,
) -> AttributeDirections:
    """Directions with what their edits show, where a judge can learn to see it."""
    from modeling_vae.fitting.fit_seen import fit_seen, learn_judge
    from modeling_vae.fitting.seen_edits import TRIED

    judge = learn_judge(data, columns)
    if judge is None or pipe.prior is None:
        logger.warning("What edits show is not measured: there are too few pictures for a judge to learn it from.")
        return directions
    return fit_seen(pipe.model, directions, pipe.prior, data, columns, judge, options.tried or TRIED)[0]


def _measure(folder: Path, pipe: VAEPipeline, options: argparse.Namespace) -> None:
    """What edits by the folder's own directions show."""
    from modeling_vae.fitting.fit_seen import fit_seen, learn_judge
    from modeling_vae.fitting.seen_edits import TRIED

    if pipe.directions is None or not len(pipe.directions) or pipe.prior is None:
        raise ValueError(f"{folder} lacks directions or a prior, so that there are no edits to look at.")
    recipe = _recipe(folder, pipe, options)
    data = _read(pipe, recipe, recipe.columns)
    judge = learn_judge(data, recipe.columns, recipe.publish.leave_out)
    if judge is None:
        raise ValueError(f"no attribute of {recipe.data.path} has pictures enough for a judge to learn it from.")
    parts = pipe.model, pipe.directions, pipe.prior
    directions, prior, said = fit_seen(*parts, data, recipe.columns, judge, options.tried or TRIED)
    prior.save_pretrained(folder)
    write(folder, pipe, directions, said)


def _recipe(folder: Path, pipe: VAEPipeline, options: argparse.Namespace) -> Recipe:
    from .examination import recipe_of

    return recipe_of(pipe, str(folder), options)


def _read(pipe: VAEPipeline, recipe: Recipe, columns: dict[str, str]) -> PictureData:
    """The recipe's pictures, with these columns."""
    from modeling_vae.data import load_data

    config = pipe.model.config
    data = load_data(
        recipe.data, image_size=config.height_and_width, num_channels=config.num_channels, attributes=columns
    )
    logger.info("%s", data.report)
    return data


def _teach(folder: Path, options: argparse.Namespace) -> None:
    from modeling_vae.public import VAEPipeline

    pipe = VAEPipeline.from_pretrained(folder)
    taught = teaching.teach_from(pipe, options)
    if options.output is not None:
        taught.directions.save_pretrained(options.output)
        logger.info('Written to %s: pipe.load_directions("%s") adds it.', options.output, options.output)
        return
    pipe.add_directions(taught.directions)
    if pipe.directions is not None:
        write(folder, pipe, pipe.directions, {})


def write(folder: Path, pipe: VAEPipeline, directions: AttributeDirections, said: dict[str, Any]) -> None:
    """Write a folder's directions, what its evaluation.json says of them, and its card."""
    from modeling_vae.figures.evaluation_report import JSON_NAME, write_json
    from modeling_vae.figures.report_schema import read_report
    from modeling_vae.publishing.card import write_card
    from modeling_vae.recipes.recipe import FILE_NAME, Recipe

    report_file, recipe_file = folder / JSON_NAME, folder / FILE_NAME
    whole = report_file.is_file() and recipe_file.is_file()
    report = read_report(report_file) if whole else {}
    directions.save_pretrained(folder)
    pipe.directions = directions
    if not whole:
        logger.warning("%s lacks %s or %s, so its card stays as it is.", folder, JSON_NAME, FILE_NAME)
        return
    report["directions"] = report.get("directions", {}) | said
    write_json(report, report_file)
    write_card(folder, pipe.parts, Recipe.read(recipe_file), report)
