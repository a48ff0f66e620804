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
    """KL(wanted answers || answers on a picture) of a frozen probe, a Bernoulli for each attribute, having balanced.

    With p the probability wanted, q the one seen, and s the share of pictures that have the attribute:

        (p / s + (1 - p) / (1 - s)) / 2 * KL(p || q)

    so that all pictures that have an attribute count as much as all those that lack it. Otherwise it is cheap to lose
    what is rare: of one picture in forty that has a double chin, who misses it?

    Glasses are a few dark pixels, and neither the likelihood nor a network that learnt to name things misses them
    much. A network that learnt from these very pictures to tell who wears glasses does. What counts is what it sees
    in the picture, not what the label says, so that pictures without labels teach too.

    Args:
        network: pictures [N, C, H, W] in [0, 1], of at most 64 pixels a side -> logits [N, A].
        columns: the column that each attribute is read from, A of them; values of one column exclude each other.
        shares: of pictures that have each attribute, [A]; within [0.02, 0.98], or taken for the nearer of these.
    """

    shares: Tensor

    def __init__(self, network: nn.Module, columns: Sequence[str], shares: Tensor) -> None:
        super().__init__()
        self.columns = list(columns)
        self.register_buffer("shares", shares.float().clamp(RAREST, 1 - RAREST))
        self.network = network.eval().requires_grad_(False)

    @torch.no_grad()
    def answers(self, pixel_values: Tensor) -> Tensor:
        """The probability of each attribute in pictures [N, C, H, W] in [0, 1]: [N, A]."""
        return torch.sigmoid(self._logits(pixel_values))

    def forward(self, pixel_values: Tensor, wanted: Tensor) -> Tensor:
        """From the probabilities wanted [N, A] to those seen in pictures [N, C, H, W]: balanced nats, [N, A]."""
        logits = self._logits(pixel_values)
        with torch.autocast(pixel_values.device.type, enabled=False):
            cross_entropy = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
            divergence = cross_entropy - F.binary_cross_entropy(wanted, wanted, reduction="none")
            return (wanted / self.shares + (1 - wanted) / (1 - self.shares)) / 2 * divergence

    def _logits(self, pixel_values: Tensor) -> Tensor:
        with torch.autocast(pixel_values.device.type, enabled=False):
            return self.network(at_most(pixel_values.float(), LARGEST_SIDE))


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
        columns = [attribute.column for attribute in probe.attributes]
        write_tensors(file, weights | {"shares": probe.shares}, {"columns": columns})
    weights, description = read_tensors(file)
    shares = weights.pop("shares")
    network = ProbeNetwork(recipe.config().num_channels, len(weights["head.bias"]), torch.Generator(), CHANNELS)
    network.load_state_dict(weights)
    return AttributeDistance(network, description["columns"], shares)
