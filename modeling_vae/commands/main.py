"""The command line: `python -m modeling_vae COMMAND ...`. Each command is one function in a module of its own."""

from __future__ import annotations

import argparse
import logging
import sys

from .compare import add_compare
from .evaluate import add_evaluate
from .prepare import add_prepare
from .push import add_push
from .push_space import add_push_space

COMMANDS = (add_evaluate, add_compare, add_push, add_push_space, add_prepare)
"""Functions that register a sub-command, with its function as `run`."""


def main(argv: list[str] | None = None) -> int:
    """Parse and run; what a person did wrong or the world refused comes as one line, and status 1."""
    parser = argparse.ArgumentParser(prog="python -m modeling_vae", description="Image VAEs: measure, publish.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in COMMANDS:
        add(commands)
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    try:
        options.run(options)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped.", file=sys.stderr)
        return 130
    return 0
