"""What `evaluate` and `compare` are told both, without what they work with."""

from __future__ import annotations

import argparse
from pathlib import Path

from .crop_option import HELP, crop


def add_options(parser: argparse.ArgumentParser) -> None:
    """Register the options that say what a model is measured on and with."""
    add_data_options(parser)
    parser.add_argument("--pictures", type=_several, default=10_000, metavar="N", help="at most (default: 10000)")
    parser.add_argument("--edited", type=positive, metavar="N", help="for each attribute, at most (default: 500)")
    parser.add_argument(
        "--features",
        metavar="NETWORK",
        help="vision model of transformers, a folder or an id on the Hub, that distances are measured with "
        "(default: none are measured)",
    )
    parser.add_argument(
        "--resize", type=positive, default=128, metavar="SIDE", help="that it is shown pictures at (default: 128)"
    )
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    parser.add_argument("--device", type=_device, default="cpu", help="cpu or cuda (default: cpu)")


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Register the options that say which pictures a model is measured on."""
    parser.add_argument("--data", metavar="PATH_OR_ID", help="pictures with their labels (default: the recipe's)")
    parser.add_argument("--name", help="configuration of the data set, where it has several")
    parser.add_argument("--split", help="measured on, unseen in training (default: the recipe's validation)")
    parser.add_argument("--train-split", metavar="SPLIT", help="that the model was trained on (default: the recipe's)")
    parser.add_argument("--image-column", metavar="COLUMN", help="default: the recipe's")
    parser.add_argument("--crop", type=crop, metavar="HOW", help=f"{HELP} (default: the recipe's)")


def check_output(file: Path | None) -> None:
    """Raise a FileNotFoundError where a file shall be written into a folder that is not there."""
    if file is not None and not file.parent.is_dir():
        raise FileNotFoundError(f"{file.parent} is no folder, so {file.name} cannot be written there: make it.")


def positive(text: str, least: int = 1) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least {least}")
    return int(text)


def _several(text: str) -> int:
    return positive(text, least=2)


def _device(text: str) -> str:
    if text == "cpu":
        return text
    import torch  # takes seconds, and only who asks for a device waits for it

    try:
        device = torch.device(text)
    except RuntimeError:
        raise argparse.ArgumentTypeError(f"{text!r} is no device: give cpu or cuda") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise argparse.ArgumentTypeError("there is no GPU here that PyTorch can use: leave --device out")
    return text
