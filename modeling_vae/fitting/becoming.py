"""How far a face has to go to become one of a group: a few ways are tried, and a judge of pictures looks.

One distance does not suit all. What lies between its neighbours, such as a light skin between fair and tan, is passed
by who goes beyond its mean; what is rare and strange, such as a mohawk, shows at twice the way. So it is with
how far a flow's way is bent: more than shows it takes more of the face along.
"""

from __future__ import annotations

import logging
from dataclasses import replace

import torch

from modeling_vae.become import become_latents
from modeling_vae.model.attribute_directions import AttributeDirections
from modeling_vae.model.label_code import LabelCode
from modeling_vae.model.priors import FlowPrior
from modeling_vae.model.seen_curve import WHOLE
from modeling_vae.processes import each
from modeling_vae.progress import in_turn

from .seen_edits import ENOUGH, FEWEST, Trial, look_at

logger = logging.getLogger(__name__)

GUIDANCES = (1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
"""How far the way of a flow is bent, in the order in which they are tried."""
CHANCE = 0.016
"""Share of faces by which two guidances may differ and count as equal: one of 64."""

DISTANCES = (1.5, 2.0, 2.5, 3.0, 4.0, 1.25, 1.0)
"""In lengths of the way from the mean of all to that of the group, in the order in which they are tried. Nearer ones
come last: of what a judge sees at the mean itself another judge sees half."""


@torch.no_grad()
def with_distances(trial: Trial, told: LabelCode) -> AttributeDirections:
    """The directions of a trial, each of a group that the judge knows with the distance at which faces become it.

    What the prior was told needs none, for faces become it by the flow.
    """
    known = trial.directions.directions
    names = [name for name in trial.names if known[name].kind != "numeric" and not told.knows(name)]
    found = each(lambda name: nearest_distance(trial, name), in_turn(names, "Looking at what faces become"))
    distances = dict(zip(names, found, strict=True))
    return trial.directions.with_directions(
        replace(direction, becomes=distances.get(name)) for name, direction in known.items()
    )


def nearest_distance(trial: Trial, name: str, seed: int = 0) -> float | None:
    """The first distance at which nearly all faces that lacked it show it, or else that at which most do.

    None where none shows it, or too few faces lack it. Where half of them show it and most pictures have fallen
    apart, a distance does not count.
    """
    column = [attribute.name for attribute in trial.probe.attributes].index(name)
    latents = trial.lacking(column, seed)
    known, best, most = trial.directions.directions, None, 0.0
    for distance in DISTANCES if len(latents) >= FEWEST else ():
        tried = known | {name: replace(known[name], becomes=distance)}
        directions = trial.directions.with_directions(tried.values())
        moved = [directions.edit(one, directions.strengths_to_become(one, name)) for one in latents.split(1)]
        after = look_at(trial.model, trial.probe, torch.cat(moved))
        whole = float(trial.usual.whole(after.features).float().mean())
        if whole < WHOLE <= most:  # what hardly any face is, such as one in a turban, is unusual and yet whole
            continue
        seen = float((after.scores[:, column] > 0).float().mean())
        if seen > most:
            best, most = distance, seen
        if seen >= ENOUGH:
            break
    where = "nowhere" if best is None else f"at {best:g} times its mean, {most:.0%} of them"
    logger.info("faces become %s %s", name, where)
    return best


@torch.no_grad()
def with_guidance(trial: Trial, prior: FlowPrior) -> FlowPrior:
    """The prior, whose labels that the judge knows have the guidance by which faces become what they say."""
    known = {f"{attribute.column}:{attribute.value}" for attribute in trial.probe.attributes}
    names = [name for name in prior.labels.names if name in known]
    found = each(lambda name: least_guidance(trial, prior, name), in_turn(names, "Looking at what faces become"))
    guidance = {name: one for name, one in zip(names, found, strict=True) if one is not None}
    return prior.with_labels(prior.labels.guided(guidance))


def least_guidance(trial: Trial, prior: FlowPrior, name: str, seed: int = 0) -> float | None:
    """The least guidance by which as many faces that lacked a value show it as by any.

    None where too few lack it, or none shows it.
    """
    column = [f"{attribute.column}:{attribute.value}" for attribute in trial.probe.attributes].index(name)
    latents = trial.lacking(column, seed)
    seen: dict[float, float] = {}
    for guidance in GUIDANCES if len(latents) >= FEWEST else ():
        tried = prior.with_labels(prior.labels.guided({name: guidance}))
        moved = [become_latents(trial.directions, tried, one, name, torch.ones(1)) for one in latents.split(1)]
        after = look_at(trial.model, trial.probe, torch.cat(moved))
        seen[guidance] = float((after.scores[:, column] > 0).float().mean())
        if seen[guidance] >= 1 - CHANCE:
            break
    if not any(seen.values()):
        return None
    least = next(guidance for guidance, share in seen.items() if share >= max(seen.values()) - CHANCE)
    logger.info("faces become %s where the flow is bent by %g, %.0f %% of them", name, least, 100 * seen[least])
    return least
