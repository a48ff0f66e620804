"""`modeling-vae directions FOLDER --shard I/N --moments FILE`, and `--merge FILES`: one pass by many processes."""

from __future__ import annotations

import argparse
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from . import teaching
from .examination_options import check_output

if TYPE_CHECKING:
    from modeling_vae.data import PictureData
    from modeling_vae.model.latent_moments import LatentMoments
    from modeling_vae.public import VAEPipeline

logger = logging.getLogger(__name__)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Register what says which share of the training pictures is read, and where its sums are."""
    group = parser.add_argument_group(
        "many pictures, by many processes or machines",
        "Each reads one share of the training pictures and writes their sums, which take no more room for more "
        "pictures; merged, they give the directions of one pass over all. What has its file is not read again.",
    )
    group.add_argument(
        "--shard", dest="share", type=_share, metavar="I/N", help="read the I-th of N shares alone, for --moments"
    )
    group.add_argument("--moments", type=Path, metavar="FILE", help="where the sums of the share are written")
    group.add_argument(
        "--merge", type=Path, nargs="+", default=[], metavar="FILE", help="the sums of all shares; their columns count"
    )


def check_options(options: argparse.Namespace) -> None:
    """Raise a ValueError or an OSError for what does not go together."""
    if (options.share is None) != (options.moments is None):
        raise ValueError("--shard I/N says which share is read, and --moments FILE where its sums go: give both.")
    asked = {
        "--shard": options.share is not None,
        "--merge": bool(options.merge),
        "few examples": teaching.asked(options),
    }
    if sum(asked.values()) > 1:
        both = " and ".join(name for name, is_asked in asked.items() if is_asked)
        raise ValueError(f"{both} are steps of their own: give one at a time.")
    if options.merge and options.attributes:
        raise ValueError("--merge takes the columns from the files: leave --attributes out.")
    if options.share is not None and options.output is not None:
        raise ValueError("--output is for directions, which --shard makes none of: give it with --merge.")
    check_output(options.moments)
    for file in options.merge:
        if not file.is_file():
            raise FileNotFoundError(f"{file} is not there: make it by --shard I/N --moments {file}.")


def write(
    options: argparse.Namespace, pipe: VAEPipeline, columns: dict[str, str], read: Callable[[], PictureData]
) -> None:
    """The sums of one share into their file; where it is there already no picture is looked for."""
    from modeling_vae.fitting.moment_files import MomentShard
    from modeling_vae.fitting.new_directions import read_moments

    file: Path = options.moments
    (i, n), sha256 = options.share, pipe.weights_sha256
    if file.exists():
        there = MomentShard.read(file)
        if (there.share, there.weights_sha256, there.moments.kinds) != (options.share, sha256, columns):
            raise ValueError(
                f"{file} holds another share, or one of another model or of other columns: name another file, or "
                "delete it."
            )
        logger.info("%s is there already: %s pictures.", file, f"{there.moments.count:,}")
        return
    shard = MomentShard(read_moments(pipe.model, read(), columns, options.share), options.share, sha256)
    shard.save(file)
    logger.info("Share %d of %d, %s pictures: written to %s.", i + 1, n, f"{shard.moments.count:,}", file)


def merge(options: argparse.Namespace, pipe: VAEPipeline) -> LatentMoments:
    """The sums over all pictures, from the files."""
    from modeling_vae.fitting.moment_files import merged

    return merged(options.merge, pipe.weights_sha256)


def _share(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is no share: give 1/8 for the first of eight, up to 8/8")
    return int(found[1]) - 1, int(found[2])
