"""How often a face becomes what it is asked to be, in the eyes of a network that looks at pixels and knows no model.

    python benchmarks/becoming.py hub_configs/drawn-people-128 data.path=PICTURES --pictures 100

A probe learns the attributes from the training pictures. Reconstructions of held-out pictures in which it does not
see an attribute are edited: by 2.5 standard deviations, by as much as a click on "full", and by `become`, alone and
with all attributes of other columns held. Seen: the share in which the probe sees it then. Leak: the share of its
decisions about attributes of other columns that changed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

import torch
from pixel_judge import add_model_options, judged_model
from torch import Tensor

from modeling_vae import VAEPipeline
from modeling_vae.data import labelled_batches
from modeling_vae.evaluation.edits import holdable
from modeling_vae.model.attribute_directions import AttributeDirections
from modeling_vae.passes import decoded, encode_all
from modeling_vae.probing.probes import Probe

USUAL, BATCH = 2.5, 50
Edit = Callable[[Tensor], Tensor]


class Outcome(NamedTuple):
    """Means over pictures."""

    seen: float
    leak: float


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks/becoming.py", description="Edits and what faces become, judged.")
    add_model_options(parser)
    parser.add_argument("--pictures", type=int, default=100, help="held-out pictures")
    options = parser.parse_args(argv)
    pipe, data, probe = judged_model(options.folder, options.overrides)
    pictures, _ = next(iter(labelled_batches(data.validation, options.pictures, options.pictures)))
    lines = []
    for name, outcomes in judged(pipe, probe, encode_all(pipe.model, pictures)):
        lines.append(outcomes)
        print(f"| {name} | " + " | ".join(f"{o.seen:.2f}, {o.leak:.3f}" for o in outcomes.values()) + " |", flush=True)
    means = {way: torch.tensor([line[way] for line in lines]).mean(0).tolist() for way in lines[0]}
    print("| mean | " + " | ".join(f"{seen:.2f}, {leak:.3f}" for seen, leak in means.values()) + " |")
    print("| seen, leak | " + " | ".join(means) + " |")


def judged(pipe: VAEPipeline, probe: Probe, latents: Tensor) -> Iterator[tuple[str, dict[str, Outcome]]]:
    """Each attribute with what came of it, by the way it was asked for."""
    before = scores(pipe, probe, latents)
    for index, attribute in enumerate(probe.attributes):
        lacking = before[:, index] <= 0
        others = torch.tensor([other.column != attribute.column for other in probe.attributes])
        if pipe.directions is None or attribute.name not in pipe.directions.directions or not lacking.any():
            continue
        outcomes = {}
        for way, edit in ways(pipe, attribute.name).items():
            after = scores(pipe, probe, edit(latents[lacking]))
            flipped = ((after > 0) != (before[lacking] > 0))[:, others]
            outcomes[way] = Outcome((after[:, index] > 0).float().mean().item(), flipped.float().mean().item())
        yield attribute.name, outcomes


def ways(pipe: VAEPipeline, name: str) -> Mapping[str, Edit]:
    """What is done to latents [N, D] so that they show an attribute, by its name in the table."""
    directions = pipe.directions
    assert directions is not None

    def become(latents: Tensor, hold: list[str]) -> Tensor:
        asked = [(latent, directions.strengths_to_become(latent, name)) for latent in latents.split(1)]
        return torch.cat([directions.edit(latent, strengths, hold) for latent, strengths in asked])

    full, held = directions.directions[name].full(), holdable_beside(directions, name)
    return {
        f"edit by {USUAL:g}": lambda latents: directions.edit(latents, {name: USUAL}),
        "edit in full": lambda latents: directions.edit(latents, {name: full}),
        "become": lambda latents: become(latents, []),
        "become, others held": lambda latents: become(latents, held),
    }


def holdable_beside(directions: AttributeDirections, name: str) -> list[str]:
    """What can be held while all values of a column are set: less than while one is."""
    values = dict.fromkeys(directions.strengths_to_become(directions.mean[None], name), 1.0)
    held: list[str] = []
    for other in holdable(directions, name):
        with suppress(ValueError):  # it says what those say
            directions.delta(values, [*held, other])
            held.append(other)
    return held


def scores(pipe: VAEPipeline, probe: Probe, latents: Tensor) -> Tensor:
    """What the probe says of the pictures of latents [N, D]: [N, A], above 0 where it sees an attribute."""
    return torch.cat([probe(pixel_values) for pixel_values in decoded(pipe.model, latents.float(), BATCH)])


if __name__ == "__main__":
    main()
