"""Train a recipe: from a data set to a published folder.

    python train.py hub_configs/cats-64 data.path=PICTURES training.max_steps=2000

See modeling_vae/commands/train.py.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from modeling_vae.commands.train import add_options, run


def main(argv: list[str] | None = None) -> Path:
    """Parse, build, train and publish to disk; returns the published folder."""
    parser = argparse.ArgumentParser(prog="train.py", description="Train a recipe and write a published folder.")
    add_options(parser)
    options = parser.parse_intermixed_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    return run(options)


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped: the same command goes on from the last checkpoint.")
