"""The command line: `modeling-vae COMMAND ...`, or `python -m modeling_vae COMMAND ...`; a file for each command."""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
from functools import partial
from importlib.metadata import version

from modeling_vae.refusals import answered

PROGRAM = "modeling-vae"
COMMANDS = {
    "train": "train a recipe, from pictures to a published folder",
    "studio": "open the studio on a model",
    "evaluate": "measure a model on held-out pictures",
    "directions": "measure what edits show, or give a model new attributes without training",
    "annotate": "ask about each picture of a folder, by keys, into a column",
    "compare": "measure several models on the same held-out pictures",
    "prepare": "make a data set ready for training and publish it",
    "export": "write a model for other programs, as ONNX files",
    "push": "publish a folder to the Hub",
    "push-space": "run the studio with a model of the Hub as a Space",
}
"""What there is: each is a module of this room, which is imported when it is asked for, with a function `run`."""


def main(argv: list[str] | None = None) -> int:
    """Parse and run; what a person did wrong or the world refused comes as one line, and status 1, see `answered`."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Image VAEs: train on pictures, play in the studio, measure, publish.",
        epilog="\n".join(["commands:", *(f"  {name:<12}{words}" for name, words in COMMANDS.items())])
        + f"\n\nExample: {PROGRAM} studio. What a command takes: {PROGRAM} COMMAND --help.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {version(PROGRAM)}")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of those below")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="of the command")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for talkative in ("httpx", "httpx2", "accelerate"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    command = importlib.import_module(f"{__package__}.{options.command.replace('-', '_')}")
    work = partial(command.run, options.arguments, f"{PROGRAM} {options.command}")
    return answered(work, "stopped: the same command goes on.")
