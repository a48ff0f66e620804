"""The attribute term: how far two pictures are apart in the eyes of a probe of the annotated columns."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from modeling_vae.probing.probes import learn_probe

if TYPE_CHECKING:
    from modeling_vae.data import PictureData

    from .recipe import Recipe

logger = logging.getLogger(__name__)

CHANNELS, SEED = (48, 96, 160, 224), 1
"""Another network than the probe that judges afterwards, and other pictures set aside."""


class AttributeDistance(nn.Module):
    """Kullback-Leibler divergence between a frozen probe's answers on two pictures, averaged over the attributes.

    Glasses are a few dark pixels: neither the likelihood nor a network that learnt to name things misses them much.
    A network that learnt from these very pictures who wears glasses does. What counts is what it sees in the picture,
    not what the label says, so that pictures without labels teach too.

    Args:
        network: pictures [N, C, H, W] in [0, 1] -> logits [N, A].
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> AttributeDistance:
        return super().train(False)  # its statistics stay as they are

    def state_dict(self, *args: Any, destination: Any = None, **kwargs: Any) -> Any:
        """Nothing: it never changes, and each start of a run learns the same one again."""
        return {} if destination is None else destination

    def forward(self, reconstruction: Tensor, pixel_values: Tensor) -> Tensor:
        """From [N, C, H, W] to [N, C, H, W], both in [0, 1]: a scalar in nats, 0 where the probe sees the same."""
        with torch.autocast(pixel_values.device.type, enabled=False):
            with torch.no_grad():
                wanted = torch.sigmoid(self.network(pixel_values.float()))
                entropy = F.binary_cross_entropy(wanted, wanted)
            return F.binary_cross_entropy_with_logits(self.network(reconstruction.float()), wanted) - entropy


def learn_attribute_distance(recipe: Recipe, data: PictureData) -> AttributeDistance | None:
    """What the recipe's attribute term needs; None where it has none, or where no column is annotated well enough."""
    if recipe.objective.attributes is None:
        return None
    leave_out = recipe.publish.leave_out
    probe = learn_probe(data.train, recipe.attributes, leave_out=leave_out, seed=SEED, channels=CHANNELS)
    if probe is None:
        logger.info("objective.attributes: no column has pictures enough with and without an attribute, so it is off.")
        return None
    return AttributeDistance(probe.network)
