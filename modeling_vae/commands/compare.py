"""`modeling-vae compare FOLDER_OR_ID FOLDER_OR_ID ... --data PATH_OR_ID`."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from modeling_vae.files import write_whole
from modeling_vae.hub.network import refuse_unreachable

from .examination_options import add_options, check_output

if TYPE_CHECKING:
    from modeling_vae.public import VAEPipeline

logger = logging.getLogger(__name__)

TABLE_SUFFIX = ".md"
Kind = tuple[int, int, int]
"""Height, width and channels of a model's pictures."""


def parser(program: str) -> argparse.ArgumentParser:
    """What the command is told."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Measure published models as `evaluate` does, with one protocol for all: the same pictures, seed, "
        "feature network and probe of attributes. What is not said comes from the first model's recipe. Prints one "
        "table; the folders stay as they are.",
        epilog="Example: %(prog)s runs/cats/published runs/plain/published --data my_cats",
    )
    parser.add_argument(
        "models", metavar="MODEL", nargs="+", type=_name, help="published folders, or user/name on the Hub"
    )
    add_options(parser)
    parser.add_argument(
        "--baseline",
        metavar="MODEL",
        type=_name,
        help="say how much of this model's gap to real pictures each one closes",
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write the figures there as JSON, and the table beside it as .md"
    )
    parser.add_argument(
        "--sheets",
        type=Path,
        metavar="FOLDER",
        help="write a page there (README.md) with the table, what the models are, and sheets to look at: "
        "reconstructions of pictures of the data, interpolations, samples, averages; models of several sizes are then "
        "measured in a table for each size",
    )
    return parser


def run(arguments: list[str], program: str) -> None:
    options = parser(program).parse_args(arguments)
    names = list(dict.fromkeys(options.models))
    baseline, output, folder = options.baseline, options.output, options.sheets
    if baseline is not None and not options.features:
        raise ValueError("--baseline is about Fréchet distances: give --features NETWORK to measure them with.")
    if baseline is not None and baseline not in names:
        names.append(baseline)
    check_output(output)
    check_output(folder)
    if output is not None and output.suffix == TABLE_SUFFIX:
        raise ValueError(f"--output {output} is where the table goes: name the file of the figures, such as .json.")
    refuse_unreachable(*names, options.data, options.features)
    # Imported here, so that what can be said without them is said at once.
    from modeling_vae.evaluation.comparison_sheets import RECONSTRUCTED
    from modeling_vae.figures.comparison import comparison, comparison_text
    from modeling_vae.figures.evaluation_report import write_json
    from modeling_vae.public import VAEPipeline

    from .comparison_folder import check_folder, write_comparison
    from .examination import Examination, published_recipe, recipe_of

    check_folder(folder)
    pipes = {name: VAEPipeline.from_pretrained(name, device=options.device) for name in names}
    if folder is None or baseline is not None:
        check_pictures(pipes)
    recipe = recipe_of(pipes[names[0]], names[0], options)
    recipes = {name: published_recipe(pipe, name) for name, pipe in pipes.items()} if folder is not None else {}
    examinations: dict[Kind, Examination] = {}
    reports = {}
    for name, pipe in pipes.items():
        logger.info("%s:", name)
        kind = _kind(pipe)
        if kind not in examinations:
            examinations[kind] = Examination.prepare(pipe.model.config, recipe, options)
        reports[name] = examinations[kind].figures(pipe)
    found = comparison(reports, baseline)
    text = comparison_text(found)
    if output is not None:
        write_json(found, output)
        write_whole(output.with_suffix(TABLE_SUFFIX), text)
    if folder is not None:
        pictures = {name: examinations[_kind(pipe)].held_out(pipe, RECONSTRUCTED) for name, pipe in pipes.items()}
        write_comparison(folder, pipes, recipes, pictures, text, options.seed)
    print(text, end="")


def check_pictures(pipes: Mapping[str, VAEPipeline]) -> None:
    """Raise a ValueError where the models are not all of pictures of one size and number of channels."""
    kinds = {name: _kind(pipe) for name, pipe in pipes.items()}
    first, wanted = next(iter(kinds.items()))
    for name, kind in kinds.items():
        if kind != wanted:
            raise ValueError(
                f"{name} is a model of {_described(kind)}, but {first} is one of {_described(wanted)}: compare models "
                "of the same pictures."
            )


def _kind(pipe: VAEPipeline) -> Kind:
    return (*pipe.model.config.height_and_width, pipe.model.config.num_channels)


def _described(kind: Kind) -> str:
    height, width, channels = kind
    return f"{height} x {width} pictures with {channels} {'channel' if channels == 1 else 'channels'}"


def _name(text: str) -> str:
    """A folder is the same with and without a slash at its end."""
    return text.rstrip("/") or text
