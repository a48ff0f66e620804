"""The attribute term: how far two pictures are apart in the eyes of a probe of the annotated columns."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from modeling_vae.model.tensor_files import read_tensors, write_tensors
from modeling_vae.probing.probes import LARGEST_SIDE, ProbeNetwork, at_most, learn_probe

from .onlooker import Onlooker
from .running_mean import take_in

if TYPE_CHECKING:
    from modeling_vae.data import PictureData

    from .recipe import Recipe

logger = logging.getLogger(__name__)

FILE_NAME = "attribute_probe.safetensors"
CHANNELS, SEED = (48, 96, 160, 224), 61_129
"""Another network than the probe that judges afterwards, and another seed than anybody gives that one."""
RAREST = 0.02
"""Share of the pictures below which an attribute, or its absence, counts no more for being rarer still."""


class AttributeDistance(Onlooker):
    """KL(wanted answers || answers on a picture) of a frozen probe: a Bernoulli for each attribute.

    Glasses are a few dark pixels, and neither the likelihood nor a network that learnt to name things misses them
    much. A network that learnt from these very pictures to tell who wears glasses does. What counts is what it sees
    in the picture, not what the label says, so that pictures without labels teach too.

    Args:
        network: pictures [N, C, H, W] in [0, 1], of at most 64 pixels a side -> logits [N, A].
        columns: the column that each attribute is read from, A of them; values of one column exclude each other.
    """

    def __init__(self, network: nn.Module, columns: Sequence[str]) -> None:
        super().__init__()
        self.columns = list(columns)
        self.network = network.eval().requires_grad_(False)

    @torch.no_grad()
    def answers(self, pixel_values: Tensor) -> Tensor:
        """The probability of each attribute in pictures [N, C, H, W] in [0, 1]: [N, A]."""
        return torch.sigmoid(self._logits(pixel_values))

    def forward(self, pixel_values: Tensor, wanted: Tensor) -> Tensor:
        """From the probabilities wanted [N, A] to those seen in pictures [N, C, H, W]: nats of each, [N, A]."""
        logits = self._logits(pixel_values)
        with torch.autocast(pixel_values.device.type, enabled=False):
            cross_entropy = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
            return cross_entropy - F.binary_cross_entropy(wanted, wanted, reduction="none")

    def _logits(self, pixel_values: Tensor) -> Tensor:
        with torch.autocast(pixel_values.device.type, enabled=False):
            return self.network(at_most(pixel_values.float(), LARGEST_SIDE))


class RunningShares(nn.Module):
    """How common A attributes are in the pictures of a run, and how much each answer therefore counts.

    With p the probability of an attribute in a picture, and s its mean over the latest pictures:

        weight  (p / s + (1 - p) / (1 - s)) / 2

    so that the pictures that have an attribute count together as much as those that lack it, and 1 on average.
    Otherwise what is rare is cheap to lose: of forty faces with one double chin, who misses it?

    Args:
        attributes: A.
    """

    shares: Tensor
    seen: Tensor

    def __init__(self, attributes: int) -> None:
        super().__init__()
        self.register_buffer("shares", torch.zeros(attributes))
        self.register_buffer("seen", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def update(self, answers: Tensor) -> None:
        """Take in the probabilities [N, A] of what is in N pictures."""
        take_in(self.shares, self.seen, answers.mean(0), len(answers))

    def balance(self, answers: Tensor) -> Tensor:
        """The weights [N, A] of probabilities [N, A]; shares within [0.02, 0.98], or taken for the nearer of these."""
        shares = self.shares.clamp(RAREST, 1 - RAREST)
        return (answers / shares + (1 - answers) / (1 - shares)) / 2


def attribute_distance(
    recipe: Recipe, data: PictureData, checkpoints: Path, device: str | torch.device = "cpu"
) -> AttributeDistance | None:
    """What the recipe's attribute and edit terms look through: the probe that lies beside the checkpoints, or a new
    one, which stays there.

    Returns None where the recipe has no such term, or where no column is annotated well enough.
    """
    if recipe.objective.attribute_consistency is None:
        return None
    file = checkpoints / FILE_NAME
    if not file.exists():
        kinds, leave_out = recipe.attributes, recipe.publish.leave_out
        probe = learn_probe(data.train, kinds, leave_out=leave_out, seed=SEED, channels=CHANNELS, device=device)
        if probe is None:
            logger.info("No column has pictures enough with and without an attribute: no term can look at attributes.")
            return None
        checkpoints.mkdir(parents=True, exist_ok=True)
        weights = {name: weight.cpu() for name, weight in probe.network.state_dict().items()}
        write_tensors(file, weights, {"columns": [attribute.column for attribute in probe.attributes]})
    weights, description = read_tensors(file)
    network = ProbeNetwork(recipe.config().num_channels, len(weights["head.bias"]), torch.Generator(), CHANNELS)
    network.load_state_dict(weights)
    return AttributeDistance(network, description["columns"])
