"""The command line of benchmarks of a whole training: a recipe, what is otherwise, and how often."""

from __future__ import annotations

import argparse


def recipe_parser(description: str | None, rounds: int = 3) -> argparse.ArgumentParser:
    """With `recipe`, `overrides` and `--rounds`; read it with `parse_intermixed_args`, as a training's is."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", help="the name of a recipe here, a folder with a recipe.yaml, or such a file")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="dotted keys, such as data.path=PICTURES")
    parser.add_argument("--rounds", type=int, default=rounds)
    return parser
