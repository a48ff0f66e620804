"""A published model, the pictures of its recipe, and a network that learnt from their pixels to judge its edits."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NamedTuple

from modeling_vae import VAEPipeline
from modeling_vae.commands.whole_run import read
from modeling_vae.data import PictureData, boolean_columns
from modeling_vae.probing.probes import Probe, learn_probe
from modeling_vae.recipes.recipe import Recipe

SEED = 101
"""Of the probe; that of trainings has another."""


class Judged(NamedTuple):
    """The probe has seen the training pictures alone."""

    pipe: VAEPipeline
    data: PictureData
    probe: Probe


def add_model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", help="a published folder with a recipe, whose attributes the probe learns")
    parser.add_argument("overrides", nargs="+", metavar="key=value", help="of the recipe, such as data.path=PICTURES")


def judged_model(folder: str, overrides: Sequence[str]) -> Judged:
    """Read the pictures, and teach the probe.

    Raises:
        ValueError: the pictures have too few labels for it.
    """
    pipe = VAEPipeline.from_pretrained(folder)
    recipe = Recipe.read(folder, overrides).resolved(boolean_columns)
    data = read(recipe)
    probe = learn_probe(data.train, recipe.columns, leave_out=recipe.publish.leave_out, seed=SEED)
    if probe is None:
        raise ValueError(f"{recipe.data.path} has too few labels for a probe: give its columns.")
    return Judged(pipe, data, probe)
