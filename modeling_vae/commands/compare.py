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
    return parser


def run(arguments: list[str], program: str) -> None:
    options = parser(program).parse_args(arguments)
    names, baseline, output = list(dict.fromkeys(options.models)), options.baseline, options.output
    if baseline is not None and not options.features:
        raise ValueError("--baseline is about Fréchet distances: give --features NETWORK to measure them with.")
    if baseline is not None and baseline not in names:
        names.append(baseline)
    check_output(output)
    if output is not None and output.suffix == TABLE_SUFFIX:
        raise ValueError(f"--output {output} is where the table goes: name the file of the figures, such as .json.")
    refuse_unreachable(*names, options.data, options.features)
    # Imported here, so that what can be said without them is said at once.
    from modeling_vae.figures.comparison import comparison, comparison_text
    from modeling_vae.figures.evaluation_report import write_json
    from modeling_vae.public import VAEPipeline

    from .examination import Examination, recipe_of

    pipes = {name: VAEPipeline.from_pretrained(name, device=options.device) for name in names}
    check_pictures(pipes)
    first = pipes[names[0]]
    examination = Examination.prepare(first.model.config, recipe_of(first, names[0], options), options)
    reports = {}
    for name, pipe in pipes.items():
        logger.info("%s:", name)
        reports[name] = examination.figures(pipe)
    found = comparison(reports, baseline)
    text = comparison_text(found)
    if output is not None:
        write_json(found, output)
        write_whole(output.with_suffix(TABLE_SUFFIX), text)
    print(text, end="")


def check_pictures(pipes: Mapping[str, VAEPipeline]) -> None:
    """Raise a ValueError where the models are not all of pictures of one size and number of channels."""
    kinds = {
        name: (*pipe.model.config.height_and_width, pipe.model.config.num_channels) for name, pipe in pipes.items()
    }
    first, wanted = next(iter(kinds.items()))
    for name, kind in kinds.items():
        if kind != wanted:
            raise ValueError(
                f"{name} is a model of {_described(kind)}, but {first} is one of {_described(wanted)}: compare models "
                "of the same pictures."
            )


def _described(kind: tuple[int, int, int]) -> str:
    height, width, channels = kind
    return f"{height} x {width} pictures with {channels} {'channel' if channels == 1 else 'channels'}"


def _name(text: str) -> str:
    """A folder is the same with and without a slash at its end."""
    return text.rstrip("/") or text
