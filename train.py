"""Train a recipe: from a data set to a published folder.

    python train.py hub_configs/cats-64 data.path=PICTURES training.max_steps=2000

See modeling_vae/commands/train.py.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from modeling_vae.commands.train import parser, train_recipe


def main(argv: list[str] | None = None) -> Path:
    """Parse, build, train and publish to disk; returns the published folder."""
    options = parser("train.py").parse_intermixed_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    return train_recipe(options)


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped: the same command goes on from the last checkpoint.")
