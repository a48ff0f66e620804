"""How often a face becomes what it is asked to be, in the eyes of a network that looks at pixels and knows no model.

    python benchmarks/becoming.py hub_configs/drawn-people-128 data.path=PICTURES --pictures 100

A probe learns the attributes from the training pictures. Reconstructions of held-out pictures in which it does not
see an attribute are edited: by 2.5 standard deviations, by as much as a click on "full", the straight way to another
value, and by `become`. Seen: the share in which the probe sees it then. Leak: the share of its decisions about
attributes of other columns that changed. Stray: the share of those that changed without need, that is of columns whose
value was read in the face and goes with what it became in some training picture.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import torch
from pixel_judge import add_model_options, judged_model
from torch import Tensor

from modeling_vae import VAEPipeline
from modeling_vae.become import become_latents
from modeling_vae.data import labelled_batches
from modeling_vae.passes import decoded, encode_all
from modeling_vae.probing.probes import Probe

USUAL, BATCH = 2.5, 50
Edit = Callable[[Tensor], Tensor]


class Outcome(NamedTuple):
    """Means over pictures."""

    seen: float
    leak: float
    stray: float


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
        print(f"| {name} | {' | '.join(map(said, outcomes.values()))} |", flush=True)
    means = {way: Outcome(*torch.tensor([line[way] for line in lines]).mean(0).tolist()) for way in lines[0]}
    print(f"| mean | {' | '.join(map(said, means.values()))} |")
    print(f"| seen, leak, stray | {' | '.join(means)} |")


def said(outcome: Outcome) -> str:
    return f"{outcome.seen:.3f}, {outcome.leak:.3f}, {outcome.stray:.3f}"


def judged(pipe: VAEPipeline, probe: Probe, latents: Tensor) -> Iterator[tuple[str, dict[str, Outcome]]]:
    """Each attribute with what came of it, by the way it was asked for."""
    assert pipe.directions is not None and pipe.prior is not None
    before = scores(pipe, probe, latents)
    for index, attribute in enumerate(probe.attributes):
        lacking = before[:, index] <= 0
        if attribute.name not in pipe.directions.directions or not lacking.any():
            continue
        asked = latents[lacking]
        others = torch.tensor([other.column != attribute.column for other in probe.attributes])
        staying = torch.cat([stays(pipe, probe, latent, attribute.name) for latent in asked.split(1)])[:, others]
        outcomes = {}
        for way, edit in ways(pipe, attribute.name).items():
            after = scores(pipe, probe, edit(asked))
            flipped = ((after > 0) != (before[lacking] > 0))[:, others].float()
            seen, stray = (after[:, index] > 0).float().mean(), flipped[staying].mean()
            outcomes[way] = Outcome(seen.item(), flipped.mean().item(), stray.item())
        yield attribute.name, outcomes


def stays(pipe: VAEPipeline, probe: Probe, latent: Tensor, target: str) -> Tensor:
    """Whether each attribute of the probe, [1, A], is of a column whose value can stay as it is."""
    assert pipe.prior is not None
    labels = pipe.prior.labels
    wanted = labels.instead(pipe.prior.shown(latent)[0], target)
    said = {name.partition(":")[0] for name, asked in zip(labels.names, wanted.tolist(), strict=True) if asked}
    return torch.tensor([[attribute.column in said for attribute in probe.attributes]])


def ways(pipe: VAEPipeline, name: str) -> Mapping[str, Edit]:
    """What is done to latents [N, D] so that they show an attribute, by its name in the table."""
    directions = pipe.directions
    assert directions is not None

    def straight(latent: Tensor) -> Tensor:
        return directions.edit(latent, directions.strengths_to_become(latent, name))

    def become(latent: Tensor) -> Tensor:
        return become_latents(directions, pipe.prior, latent, name, torch.ones(1))

    full = directions.directions[name].full()
    return {
        f"edit by {USUAL:g}": lambda latents: directions.edit(latents, {name: USUAL}),
        "edit in full": lambda latents: directions.edit(latents, {name: full}),
        "straight to another": lambda latents: torch.cat([straight(latent) for latent in latents.split(1)]),
        "become": lambda latents: torch.cat([become(latent) for latent in latents.split(1)]),
    }


def scores(pipe: VAEPipeline, probe: Probe, latents: Tensor) -> Tensor:
    """What the probe says of the pictures of latents [N, D]: [N, A], above 0 where it sees an attribute."""
    return torch.cat([probe(pixel_values) for pixel_values in decoded(pipe.model, latents.float(), BATCH)])


if __name__ == "__main__":
    main()
