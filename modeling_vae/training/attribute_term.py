"""The attribute term: how far two pictures are apart in the eyes of probes of the annotated columns."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from modeling_vae.model.tensor_files import read_tensors, write_tensors
from modeling_vae.probing.augmentation import SHIFT, Augmentation, disturbed, shifted
from modeling_vae.probing.probes import LARGEST_SIDE, ProbeNetwork, at_most, read_lesson, train_probe

from .onlooker import Onlooker

if TYPE_CHECKING:
    from modeling_vae.data import PictureData
    from modeling_vae.recipes.recipe import Recipe

logger = logging.getLogger(__name__)

FILE_NAME = "attribute_probes.safetensors"


class Look(NamedTuple):
    """One of the networks that the terms look through, and how it learns; see `train_probe`."""

    seed: int
    channels: tuple[int, ...]
    augment: Augmentation


LOOKS = (Look(61_129, (48, 96, 160, 224), shifted), Look(61_130, (40, 80, 144, 208), disturbed))
"""Other networks than the probe that judges afterwards, and other seeds than anybody gives that one."""


class AttributeDistance(Onlooker):
    """KL(wanted answers || answers on a picture) of frozen probes: a Bernoulli for each attribute, the probes' mean.

    Glasses are a few dark pixels, and neither the likelihood nor a network that learnt to name things misses them
    much. A network that learnt from these very pictures to tell who wears glasses does. What counts is what it sees
    in the picture, not what the label says, so that pictures without labels teach too.

    One network alone, which always looks from the same place, is soon satisfied by what no other would take for
    glasses. So there are several, and pictures are moved at random before they look: as far as when they learnt.

    Args:
        networks: each pictures [N, C, H, W] in [0, 1], of at most 64 pixels a side -> logits [N, A].
        columns: the column that each attribute is read from, A of them; values of one column exclude each other.
    """

    def __init__(self, networks: Iterable[nn.Module], columns: Sequence[str]) -> None:
        super().__init__()
        self.columns = list(columns)
        self.networks = nn.ModuleList(networks).eval().requires_grad_(False)

    def forward(self, reconstruction: Tensor, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        """From what is seen in pictures [N, C, H, W] to what is seen in others, both in [0, 1] and moved alike.

        Returns:
            nats of each attribute, [N, A], and its probability in `pixel_values`, [N, A], without a gradient.
        """
        ours, theirs = (at_most(pictures.float(), LARGEST_SIDE) for pictures in (reconstruction, pixel_values))
        shift = random_shift(*theirs.shape[2:])
        with torch.no_grad():
            wanted = self._logits(theirs, shift).sigmoid()
        return _divergence(self._logits(ours, shift), wanted), wanted.mean(0)

    def asked(self, pixel_values: Tensor, wanted: Tensor) -> Tensor:
        """From the probabilities wanted [N, A] to those seen in pictures [N, C, H, W] in [0, 1]: nats, [N, A]."""
        pixel_values = at_most(pixel_values.float(), LARGEST_SIDE)
        return _divergence(self._logits(pixel_values, random_shift(*pixel_values.shape[2:])), wanted)

    def _logits(self, pixel_values: Tensor, shift: tuple[int, int]) -> Tensor:
        """Of each network, [K, N, A]. The networks compute as autocast says, but for their last layer."""
        inputs = moved(pixel_values, shift).contiguous(memory_format=torch.channels_last)
        return torch.stack([network(inputs) for network in self.networks])


def random_shift(height: int, width: int) -> tuple[int, int]:
    """Pixels downwards and to the right, each up to the share of the side that probes know from their training."""
    down, right = (int(torch.randint(-most, most + 1, ())) for most in (round(SHIFT * height), round(SHIFT * width)))
    return down, right


def moved(pixel_values: Tensor, shift: tuple[int, int]) -> Tensor:
    """Pictures [N, C, H, W], all moved downwards and to the right by so many pixels, their border drawn out."""
    down, right = shift
    padded = F.pad(pixel_values, [max(right, 0), max(-right, 0), max(down, 0), max(-down, 0)], "replicate")
    height, width = pixel_values.shape[2:]
    return padded[..., max(-down, 0) :, max(-right, 0) :][..., :height, :width]


def _divergence(logits: Tensor, wanted: Tensor) -> Tensor:
    """From probabilities [K, N, A], or [N, A] for all K networks, to logits [K, N, A]: their mean in nats, [N, A]."""
    with torch.autocast(logits.device.type, enabled=False):
        wanted = wanted.float().expand_as(logits)
        cross_entropy = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
        return (cross_entropy - F.binary_cross_entropy(wanted, wanted, reduction="none")).mean(0)


def attribute_distance(
    recipe: Recipe,
    data: PictureData,
    checkpoints: Path,
    device: str | torch.device = "cpu",
    bfloat16: bool = False,
) -> AttributeDistance | None:
    """What the recipe's attribute and edit terms look through: the probes that lie beside the checkpoints, or new
    ones, which stay there, and learn on the device, in bfloat16 where the run computes in it.

    Returns None where the recipe has no such term, or where no column is annotated well enough.
    """
    if recipe.objective.attribute_consistency is None:
        return None
    file = checkpoints / FILE_NAME
    if not file.exists():
        lesson = read_lesson(data.train, recipe.attributes, recipe.publish.leave_out)
        if lesson is None:
            logger.info("No column has pictures enough with and without an attribute: no term can look at attributes.")
            return None
        weights: dict[str, Tensor] = {}
        for index, look in enumerate(LOOKS):
            probe = train_probe(
                lesson.pictures, lesson.truth, lesson.attributes,
                seed=look.seed, channels=look.channels, augment=look.augment, device=device, bfloat16=bfloat16,
            )  # fmt: skip
            weights |= {f"{index}.{name}": weight.cpu() for name, weight in probe.network.state_dict().items()}
        checkpoints.mkdir(parents=True, exist_ok=True)
        write_tensors(file, weights, {"columns": [attribute.column for attribute in lesson.attributes]})
    weights, description = read_tensors(file)
    channels, outputs = recipe.config().num_channels, len(description["columns"])
    networks = nn.ModuleList(ProbeNetwork(channels, outputs, torch.Generator(), look.channels) for look in LOOKS)
    networks.load_state_dict(weights)
    return AttributeDistance(networks, description["columns"])
