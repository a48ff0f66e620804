"""`modeling-vae prepare SOURCE --to user/dataset`."""

from __future__ import annotations

import argparse
import re

from modeling_vae.hub.network import refuse_unreachable

from .crop_option import HELP, crop

KINDS = ("boolean", "category", "numeric")

LARGEST_SIDE = 2048
"""Pixels: eight times what a model can have, and 12 MB a picture."""


def parser(program: str) -> argparse.ArgumentParser:
    """What the command is told."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Read a data set of pictures, leave out duplicates and broken ones, crop and resize the others, "
        "divide them into train and validation, and publish the result or write it to a folder as parquet.",
        epilog="Example: %(prog)s my_pictures --to ./ready --size 64 --attributes smiling:boolean",
    )
    parser.add_argument("source", metavar="SOURCE", help="folder of pictures, parquet or tar files, or a Hub id")
    parser.add_argument(
        "--to", required=True, metavar="TARGET", help="user/dataset on the Hub, or a new folder such as ./faces"
    )
    parser.add_argument("--name", help="configuration of the source, where it has several")
    parser.add_argument("--image-column", default="image", metavar="COLUMN", help="default: %(default)s")
    add_attributes(parser, "label columns to keep")
    parser.add_argument(
        "--size", type=_size, default=_size("64"), metavar="SIDE", help="of the pictures: 64, or HEIGHTxWIDTH"
    )
    parser.add_argument("--channels", type=int, choices=(1, 3), default=3, help="3 is RGB, 1 grey")
    parser.add_argument("--crop", type=crop, default="center", metavar="HOW", help=f"{HELP} (default: %(default)s)")
    parser.add_argument("--train", default="train", metavar="SPLIT", help="default: %(default)s")
    parser.add_argument(
        "--validation",
        type=_validation,
        default=0.1,
        metavar="SHARE",
        help="share of the pictures, or the name of a split (default: %(default)s)",
    )
    parser.add_argument("--max-pictures", type=int, metavar="N", help="take only the first ones")
    parser.add_argument("--license", help="of the pictures, for the card, such as cc-by-4.0")
    parser.add_argument("--private", action="store_true", help="make a new repository private")
    return parser


def run(arguments: list[str], program: str) -> None:
    options = parser(program).parse_args(arguments)
    refuse_unreachable(options.source)
    refuse_unreachable(options.to, cached=False)
    # Imported here, so that what can be said without them is said at once.
    import modeling_vae.public  # noqa: F401  # with which HEIC is read
    from modeling_vae.publishing.dataset_repository import prepare_data
    from modeling_vae.recipes.recipe import checked_data

    data = checked_data(
        {
            "path": options.source,
            "name": options.name,
            "train": options.train,
            "validation": options.validation,
            "image_column": options.image_column,
            "crop": options.crop,
            "max_pictures": options.max_pictures,
        }
    )
    print(
        prepare_data(
            data,
            options.to,
            image_size=options.size,
            num_channels=options.channels,
            attributes=dict(options.attributes),
            license=options.license,
            private=options.private or None,
        )
    )


def add_attributes(parser: argparse.ArgumentParser, purpose: str) -> None:
    """Register `--attributes`: pairs of a column and its kind, none by default."""
    parser.add_argument(
        "--attributes",
        nargs="+",
        default=[],
        type=_attribute,
        metavar="COLUMN:KIND",
        help=f"{purpose}, and what they are: {', '.join(KINDS)}",
    )


def _attribute(text: str) -> tuple[str, str]:
    column, _, kind = text.rpartition(":")
    if not column or kind not in KINDS:
        raise argparse.ArgumentTypeError(f"{text!r} is not COLUMN:KIND with a kind of {', '.join(KINDS)}")
    return column, kind


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([1-9]\d*)(?:x([1-9]\d*))?", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no size in pixels: give 64, or HEIGHTxWIDTH such as 224x192")
    height, width = int(found[1]), int(found[2] or found[1])
    if max(height, width) > LARGEST_SIDE:
        raise argparse.ArgumentTypeError(f"{text!r} is more than {LARGEST_SIDE} pixels a side")
    return height, width


def _validation(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text
