"""How far a model's pictures are from real ones in the eyes of a network that no training looked through.

    python benchmarks/other_eyes.py hub_configs/cats-128 --baseline BASELINE --data PICTURES

Fréchet distances of 1,280 features of MobileNetV2 flatter a model that was trained to please MobileNetV2. Here the
features are those of probes (192 each, Fréchet distances of another scale) that learn the attributes from the training
pictures and from nothing else, each from a seed of its own. Every set has as many pictures as are held out.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from modeling_vae import VAEPipeline
from modeling_vae.commands.whole_run import read
from modeling_vae.data import PictureData, labelled_batches
from modeling_vae.evaluation.frechet import FeatureStatistics, frechet_distance
from modeling_vae.figures.comparison import closed
from modeling_vae.passes import decoded, posteriors
from modeling_vae.probing.probes import Probe, learn_probe
from modeling_vae.recipes.recipe import Recipe

SEEDS = (101, 102, 103)
"""Of the probes; those of trainings have others."""
BATCH = 64


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks/other_eyes.py", description="Measure with unseen eyes.")
    parser.add_argument("folder", help="a published folder with a recipe, whose attributes the probes learn")
    parser.add_argument("--baseline", required=True, help="a published folder of pictures of the same size")
    parser.add_argument("--data", required=True, help="the pictures, as data.path in a recipe")
    options = parser.parse_args(argv)
    pipes = {name: VAEPipeline.from_pretrained(name) for name in (options.folder, options.baseline)}
    recipe = Recipe.read(options.folder, [f"data.path={options.data}"])
    data = read(recipe)
    for seed in SEEDS:
        probe = learn_probe(data.train, recipe.columns, leave_out=recipe.publish.leave_out, seed=seed)
        if probe is None:
            raise ValueError(
                f"{options.data} has too few labels for a probe: give pictures with the recipe's columns."
            )
        print(json.dumps({"probe": seed} | distances(pipes, options.baseline, data, probe), indent=2), flush=True)


def distances(pipes: dict[str, VAEPipeline], baseline: str, data: PictureData, probe: Probe) -> dict[str, Any]:
    """Distances from the held-out pictures, and what of the baseline's each model has closed."""
    real = statistics(probe, pixels(data.validation))
    training = frechet_distance(statistics(probe, pixels(data.train, real.count)), real)
    found: dict[str, dict[str, float]] = {}
    for name, pipe in pipes.items():
        means = torch.cat([each.mean for each in posteriors(pipe.model, pixels(data.validation))])
        latents = {"reconstructions": means, "fitted samples": pipe.sample(real.count, seed=0)}
        found[name] = {
            kind: frechet_distance(statistics(probe, decoded(pipe.model, z, BATCH)), real)
            for kind, z in latents.items()
        }
    shares = {
        name: {kind: closed(value, found[baseline][kind], training) for kind, value in figures.items()}
        for name, figures in found.items()
    }
    return {"training pictures": training, "distances": found, "closed": shares}


def pixels(split: Any, most: int | None = None) -> Iterator[Tensor]:
    return (pixel_values for pixel_values, _ in labelled_batches(split, BATCH, most))


def statistics(probe: Probe, batches: Iterable[Tensor]) -> FeatureStatistics:
    return FeatureStatistics.of(torch.cat([probe.look(batch)[1] for batch in batches]))


if __name__ == "__main__":
    main()
