"""What edits do in the eyes of a probe: does it see what was asked for, and what else does it see change?"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from modeling_vae.figures.catalogue import EDIT_STRENGTH
from modeling_vae.passes import decoded
from modeling_vae.processes import each
from modeling_vae.progress import in_turn

from .weighted import weighted_mean

if TYPE_CHECKING:
    from modeling_vae.model.attribute_directions import AttributeDirections
    from modeling_vae.model.modeling_image_vae import VAEModel
    from modeling_vae.probing.probes import Probe

logger = logging.getLogger(__name__)

HELD = "_with_hold"


@dataclass(frozen=True)
class EditOutcome:
    """What became of N reconstructions when one attribute was edited by +2.5 and by -2.5 standard deviations.

    Args:
        given: [N], 1 where the probe sees the attribute after +2.5, else 0; NaN where it does not know it.
        taken: [N], 1 where it does not see it after -2.5.
        leak: [N], the share of the other attributes' decisions that flip, the mean of both edits; NaN without others.
    """

    given: Tensor
    taken: Tensor
    leak: Tensor

    @property
    def success(self) -> Tensor:
        """[N], the mean of `given` and `taken`: one half on average where an edit does nothing."""
        return (self.given + self.taken) / 2


def holdable(directions: AttributeDirections, name: str) -> list[str]:
    """All attributes of other columns that can be held while one is edited.

    They are taken one after the other; one that says the same as those before it, as the last value of a category does
    whose other values are held, stays out: it is held with them.
    """
    column = directions.directions[name].column
    others = (other for other, direction in directions.directions.items() if direction.column != column)
    return directions.independent([name, *others])[1:]


@torch.no_grad()
def edit_outcome(
    model: VAEModel,
    directions: AttributeDirections,
    probe: Probe,
    latents: Tensor,
    before: Tensor,
    name: str,
    hold: Sequence[str] = (),
    batch_size: int = 64,
) -> EditOutcome:
    """Edit an attribute of latents up and down, decode, and ask the probe.

    Args:
        model, directions: what is judged.
        probe: of pictures like the model's.
        latents: [N, D].
        before: what the probe says of their reconstructions, [N, A].
        name: of a direction.
        hold: names of directions.
        batch_size: pictures that go through a network at once.
    """
    column = directions.directions[name].column
    others = [i for i, attribute in enumerate(probe.attributes) if attribute.column != column]
    own = [i for i, attribute in enumerate(probe.attributes) if attribute.name == name]
    seen, flipped = [], []
    for strength in (EDIT_STRENGTH, -EDIT_STRENGTH):
        edited = directions.edit(latents, {name: strength}, hold)
        scores = torch.cat([probe(pixel_values) for pixel_values in decoded(model, edited, batch_size)])
        wanted = scores[:, own] > 0 if strength > 0 else scores[:, own] <= 0
        seen.append(wanted.float().mean(dim=1))  # NaN where the probe does not know it
        flipped.append(((scores > 0) != (before > 0))[:, others].float().mean(dim=1))
    return EditOutcome(seen[0], seen[1], (flipped[0] + flipped[1]) / 2)


def edit_figures(
    model: VAEModel,
    directions: AttributeDirections,
    probe: Probe,
    latents: Tensor,
    before: Tensor,
    counts: Tensor,
    batch_size: int = 64,
) -> tuple[dict[str, Tensor], dict[str, list[str]]]:
    """Edits of every direction, alone and with all others held.

    Args:
        counts: [R, N], see `weighted`; the others as in `edit_outcome`.

    Returns:
        name of a figure -> [R, A], A being the number of directions; and for each direction the names of other
        columns that could not be held.
    """

    def edited(name: str) -> tuple[list[str], dict[str, EditOutcome]]:
        held = holdable(directions, name)
        outcomes = {
            suffix: edit_outcome(model, directions, probe, latents, before, name, hold, batch_size)
            for suffix, hold in (("", []), (HELD, held))
        }
        return held, outcomes

    found = each(edited, in_turn(directions.names, "Editing attributes, alone and with the others held"))
    columns: dict[str, list[Tensor]] = {}
    not_held = {}
    for name, (held, outcomes) in zip(directions.names, found, strict=True):
        for suffix, outcome in outcomes.items():
            for figure in ("success", "given", "taken", "leak"):
                columns.setdefault(figure + suffix, []).append(getattr(outcome, figure))
        known, same = directions.directions, directions.directions[name].column
        not_held[name] = [n for n in known if n not in held and known[n].column != same]
        means = {key: float(columns[key][-1].mean()) for key in ("success", "leak", "leak" + HELD)}
        known_means = (f"{key} {mean:.3f}" for key, mean in means.items() if math.isfinite(mean))
        logger.info("edits of %s: %s", name, ", ".join(known_means))
    return {figure: weighted_mean(torch.stack(c, dim=1), counts) for figure, c in columns.items()}, not_held
