"""Train a recipe: from a data set to a published folder.

    python train.py hub_configs/pictures-64 data.path=PICTURES training.max_steps=2000

See modeling_vae/commands/train.py.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from modeling_vae.commands.train import parser, refuse_hopeless
from modeling_vae.refusals import answered


def main(argv: list[str] | None = None) -> Path:
    """Parse, build, train and publish to disk; returns the published folder."""
    options = parser("train.py").parse_intermixed_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    refuse_hopeless(options)
    from modeling_vae.commands.whole_run import train_recipe  # takes seconds, and those above need none of it

    return train_recipe(options)


def run() -> None:
    main()


if __name__ == "__main__":
    sys.exit(min(1, answered(run, "stopped: the same command goes on from the last checkpoint.")))
