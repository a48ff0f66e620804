"""`modeling-vae directions FOLDER --with FOLDER --without FOLDER`, and the same from a table: one more direction."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modeling_vae.few_examples import Taught
    from modeling_vae.public import VAEPipeline

logger = logging.getLogger(__name__)

TOLD = 0.3
"""Deviations by which a published attribute has to move along to be named."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Register what says which examples there are, and where the direction goes."""
    group = parser.add_argument_group(
        "an attribute from few examples",
        "5 to 50 pictures with it and as many without, in two folders, or in one with a table (--data and --column).",
    )
    group.add_argument("--with", dest="having", type=Path, metavar="FOLDER", help="pictures with it")
    group.add_argument("--without", dest="lacking", type=Path, metavar="FOLDER", help="pictures without it")
    group.add_argument("--column", help="of the table of --data, which says yes or no; empty cells are left out")
    group.add_argument("--named", metavar="NAME", help="default: the name of the folder --with, or of the column")


def asked(options: argparse.Namespace) -> bool:
    """Whether a direction is to be taught."""
    return any(value is not None for value in (options.having, options.lacking, options.column))


def teach_from(pipe: VAEPipeline, options: argparse.Namespace) -> Taught:
    """The direction of the examples that the command line names, and a line on what it is worth."""
    if options.column is not None:
        if options.having is not None or options.lacking is not None or options.data is None:
            raise ValueError("--column goes with --data alone: leave out --with and --without, or the column.")
        name, (having, lacking) = options.column, _from_table(options.data, options.column, options.train_split)
    else:
        if options.having is None or options.lacking is None:
            raise ValueError("an attribute is taught by both kinds: give --with FOLDER and --without FOLDER.")
        name, having, lacking = options.having.resolve().name, _in(options.having), _in(options.lacking)
    taught = pipe.teach(options.named or name, having, lacking)
    direction = taught.direction
    logger.info(
        "%s, from %d pictures with it and %d without: of pairs that were left out %.0f %% are in order.",
        direction.name, direction.positives, direction.negatives, 100 * taught.held_out,
    )  # fmt: skip
    along = [f"{other} {move:+.1f}" for other, move in taught.moves.items() if abs(move) >= TOLD]
    if along:
        logger.info("A strength of 1 also moves %s; hold what shall stay.", ", ".join(along[:5]))
    return taught


def _in(folder: Path) -> list[str]:
    from modeling_vae.data.picture_folder import PictureFolder

    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder: give one with pictures.")
    found = [str(folder / name) for name in PictureFolder(str(folder)).pictures]
    if not found:
        raise ValueError(f"{folder} holds no pictures: give a folder with five at least.")
    return found


def _from_table(path: str, column: str, split: str | None) -> tuple[Sequence[Any], Sequence[Any]]:
    from modeling_vae.data.sources import Source
    from modeling_vae.recipes.recipe import DataRecipe

    split = split or "train"
    source = Source(DataRecipe(path=path, train=split, validation=0.5), {column: "boolean"})
    rows = [(row.labels[column], row.data or row.path) for row in source.rows(split)]
    having, lacking = ([picture for label, picture in rows if label is wanted] for wanted in (True, False))
    if not having or not lacking:
        raise ValueError(f"the column {column} says yes of {len(having)} pictures and no of {len(lacking)}: "
                         "give some of both.")  # fmt: skip
    return having, lacking
