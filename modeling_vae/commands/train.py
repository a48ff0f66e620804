"""`modeling-vae train RECIPE key=value ...`: from a data set to a published folder.

    modeling-vae train pictures-64 data.path=PICTURES training.max_steps=2000

The same command continues a run that was stopped, from its last checkpoint. With push_to_hub=user/name the published
folder goes to the Hub at the end, and with push_checkpoints=true the state of each checkpoint before it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from modeling_vae.hub.network import refuse_unreachable
from modeling_vae.recipes import bundled
from modeling_vae.recipes.yaml_text import override_value, read_file

FETCHED = {
    "data.path": "",
    "model.backbone": "",
    "model.pretrained": "",
    "objective.perceptual.backbone": " Or do without: objective.perceptual=null objective.adversarial=null.",
    "objective.likeness.backbone": " Or do without: objective.likeness=null.",
}
"""Keys of a recipe that may name what is on the Hub, without which no run begins, and what else could be done."""


def parser(program: str) -> argparse.ArgumentParser:
    """What the command is told."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Train a recipe and write a published folder. The same command goes on after a stop.",
        epilog=f"Example: %(prog)s pictures-64 data.path=my_pictures. Recipes here: {', '.join(bundled.names())}.",
    )
    parser.add_argument("recipe", help="the name of a recipe here, a folder with a recipe.yaml, or such a file")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="dotted keys, such as data.path=PICTURES")
    parser.add_argument("--output", type=Path, help="folder of the run (default: runs/NAME)")
    return parser


def run(arguments: list[str], program: str) -> None:
    options = parser(program).parse_intermixed_args(arguments)
    refuse_hopeless(options)
    from .whole_run import train_recipe  # takes seconds, and those above need none of it

    train_recipe(options)


def refuse_hopeless(options: argparse.Namespace) -> None:
    """Raise a ValueError or an OSError where it can be said at once that nothing will come of a run."""
    values = read_file(bundled.recipe(options.recipe))
    for override in options.overrides:
        override_value(values, override)
    for key, instead in FETCHED.items():
        try:
            refuse_unreachable(_value(values, key))
        except ConnectionError as error:
            raise ConnectionError(f"{key}: {error}{instead}") from error


def _value(values: Any, key: str) -> Any:
    for name in key.split("."):
        values = values.get(name) if isinstance(values, dict) else None
    return values
