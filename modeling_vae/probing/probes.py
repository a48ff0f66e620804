"""A probe: a small network that learns from the pixels of real pictures to see attributes, and then looks at others.

It is trained from scratch, so that it shares no weights with the model it judges, nor with a network that took part in
that model's training.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from modeling_vae.data import labelled_batches
from modeling_vae.progress import steps as announced

from .augmentation import Augmentation, shifted
from .yes_no import YesNo, targets, yes_no_attributes

logger = logging.getLogger(__name__)

CHANNELS = (32, 64, 128, 192)
CELLS = 16
"""Of the last map, 4 x 4."""
LARGEST_SIDE = 64
"""Pixels; larger pictures are averaged down to it, which bounds the time."""
MOST_BYTES = 2**30
"""Of training pictures that are kept in memory, 8 bits a value."""
EPOCHS, BATCH = 20, 64
MOST_SEEN = 250_000
"""Pictures learnt from, each epoch counted: of larger sets there are fewer epochs, which bounds the time."""
LEARNING_RATE, WEIGHT_DECAY, WARMUP = 2e-3, 0.05, 0.1
ASIDE = 0.2
"""Share of the training pictures that the weights do not learn from: the thresholds are chosen on them."""


class Probe:
    """A trained probe.

    Args:
        attributes: what it sees, A of them.
        network: pictures -> logits.
        thresholds: logits above which it says yes, [A].
        protocol: how it was trained, for the report.
        left_out: attributes that it did not learn, and why.
    """

    def __init__(
        self,
        attributes: Sequence[YesNo],
        network: nn.Module,
        thresholds: Tensor,
        protocol: Mapping[str, Any],
        left_out: Mapping[str, str] | None = None,
    ) -> None:
        self.attributes, self.network, self.thresholds = list(attributes), network, thresholds
        self.protocol, self.left_out = dict(protocol), dict(left_out or {})

    @torch.no_grad()
    def __call__(self, pixel_values: Tensor) -> Tensor:
        """pixel_values [N, C, H, W] in [0, 1] -> by how much each logit passes its threshold, float32 [N, A] on the
        CPU: the probe sees an attribute where it is above 0."""
        result: Tensor = (self.network(self._inputs(pixel_values)) - self.thresholds).cpu()
        return result

    @torch.no_grad()
    def look(self, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        """Its answer, as when called, and what it sees on the way: the means of its last map, float32 [N, F], CPU.

        Pictures go through the network once for both; it has to be a `ProbeNetwork`.
        """
        assert isinstance(self.network, ProbeNetwork)
        maps = self.network.maps(self._inputs(pixel_values))
        scores = self.network.logits(maps) - self.thresholds
        return scores.cpu(), maps.unflatten(1, (-1, CELLS)).mean(2).float().cpu()

    def _inputs(self, pixel_values: Tensor) -> Tensor:
        inputs = at_most(pixel_values.float(), LARGEST_SIDE).to(self.thresholds.device)
        return inputs.contiguous(memory_format=torch.channels_last)


class ProbeNetwork(nn.Module):
    """Strided convolutions and a linear layer on the last map's 4 x 4 cells: [N, C, H, W] -> logits [N, A].

    Its weights are drawn from the generator alone.
    """

    def __init__(
        self, num_channels: int, outputs: int, generator: torch.Generator, channels: Sequence[int] = CHANNELS
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        with torch.device("meta"):  # so that nothing is drawn from the global generator
            for before, after in zip((num_channels, *channels), channels, strict=False):
                layers += [
                    nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False),
                    nn.BatchNorm2d(after),
                    nn.ReLU(),
                ]
            self.body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(4), nn.Flatten())
            self.head = nn.Linear(CELLS * channels[-1], outputs)
        self.to_empty(device="cpu")
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu", generator=generator)
            elif isinstance(layer, nn.BatchNorm2d):
                layer.reset_parameters()
        nn.init.normal_(self.head.weight, std=0.01, generator=generator)
        nn.init.zeros_(self.head.bias)

    def forward(self, pixel_values: Tensor) -> Tensor:
        return self.logits(self.maps(pixel_values))

    def maps(self, pixel_values: Tensor) -> Tensor:
        """The last map, flat: [N, CELLS F]."""
        result: Tensor = self.body(2 * pixel_values - 1)
        return result

    def logits(self, maps: Tensor) -> Tensor:
        """[N, A] of last maps."""
        with torch.autocast(maps.device.type, enabled=False):  # rounded logits would tie
            result: Tensor = self.head(maps.float())
            return result


def at_most(pixel_values: Tensor, side: int) -> Tensor:
    """pixel_values [N, C, H, W], averaged down where the longer side is above `side`."""
    height, width = pixel_values.shape[2:]
    if max(height, width) <= side:
        return pixel_values
    scale = side / max(height, width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    return F.interpolate(pixel_values, size=size, mode="bilinear", antialias=True)


def labelled_pictures(
    batches: Iterable[tuple[Tensor, Mapping[str, Sequence[Any]]]], columns: Iterable[str]
) -> tuple[Tensor, dict[str, list[Any]]]:
    """The pictures that have any label, as the probe sees them: uint8 [N, H, W, C], and N labels for each column.

    Only the first ones, where all of them would take more than 1 GiB.
    """
    columns = list(columns)
    pictures: list[Tensor] = []
    kept: dict[str, list[Any]] = {column: [] for column in columns}
    taken = 0
    for pixel_values, labels in batches:
        rows = [i for i in range(len(pixel_values)) if any(labels[column][i] is not None for column in columns)]
        levels = at_most(pixel_values[rows], LARGEST_SIDE).mul(255).round().byte().permute(0, 2, 3, 1).contiguous()
        taken += levels.numel()
        if taken > MOST_BYTES:
            break
        pictures.append(levels)
        for column in columns:
            kept[column] += [labels[column][i] for i in rows]
    return torch.cat(pictures) if pictures else torch.zeros(0, 1, 1, 1, dtype=torch.uint8), kept


class Lesson(NamedTuple):
    """What probes learn from.

    Args:
        pictures: uint8 [N, H, W, C], see `labelled_pictures`.
        truth: [N, A], 1, 0, or NaN where unknown.
        attributes: A of them, each with pictures on either side.
        left_out: the attributes that have too few, and why.
    """

    pictures: Tensor
    truth: Tensor
    attributes: list[YesNo]
    left_out: dict[str, str]


def read_lesson(
    train: Any, kinds: Mapping[str, str], leave_out: Iterable[str] = (), batch_size: int = 64
) -> Lesson | None:
    """What a data set of real pictures has to teach; None where it has pictures enough for no attribute.

    Args:
        train: data set with labels, as `load_data` gives it.
        kinds: column -> "boolean", "category" or "numeric".
        leave_out: names of attributes that no probe shall learn.
        batch_size: pictures that are read at once.
    """
    columns = [column for column, kind in kinds.items() if kind != "numeric"]
    if not columns:  # then no picture is worth reading
        return None
    pictures, labels = labelled_pictures(labelled_batches(train, batch_size), columns)
    found, left_out = yes_no_attributes(kinds, labels, leave_out)
    for name, reason in left_out.items():
        logger.info("no probe of %s: %s", name, reason)
    return Lesson(pictures, targets(found, labels), found, left_out) if found else None


def learn_probe(
    train: Any,
    kinds: Mapping[str, str],
    *,
    leave_out: Iterable[str] = (),
    epochs: int | None = None,
    batch_size: int = 64,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> Probe | None:
    """A probe of the attributes of a data set of real pictures; None where none has pictures enough.

    It knows of no model, so that one probe judges as many as there are.

    Args:
        train, kinds, leave_out, batch_size: see `read_lesson`.
        epochs, seed, device: see `train_probe`.
    """
    lesson = read_lesson(train, kinds, leave_out, batch_size)
    if lesson is None:
        return None
    probe = train_probe(lesson.pictures, lesson.truth, lesson.attributes, epochs=epochs, seed=seed, device=device)
    probe.left_out = lesson.left_out
    return probe


@torch.enable_grad()
def train_probe(
    pictures: Tensor,
    truth: Tensor,
    attributes: Sequence[YesNo],
    *,
    epochs: int | None = None,
    seed: int = 0,
    channels: Sequence[int] = CHANNELS,
    augment: Augmentation = shifted,
    device: str | torch.device = "cpu",
    bfloat16: bool = False,
) -> Probe:
    """Train a probe; the same for a seed, and nothing global is touched.

    The loss is the binary cross-entropy over what is known; what is not is left out. A probe says yes above the logit
    at which it says so as often as the labels do, on a fifth of the pictures that its weights do not learn from: then
    it neither misses rare attributes, as it would at a probability of one half, nor sees them everywhere, as where
    both kinds of error are weighed alike. Where it tells these pictures apart, that is in the middle between them.

    Args:
        pictures: uint8 [N, H, W, C], see `labelled_pictures`.
        truth: [N, A], 1, 0, or NaN where unknown, see `yes_no.targets`.
        attributes: A of them, each with pictures on either side.
        epochs: how often each picture is learnt from; 20 where none is given, fewer for more than 12,500 pictures.
        seed: of weights, order, shifts, and of the pictures set aside.
        channels: of the network, after each halving.
        augment: what is done to each batch.
        device: to train and stay on.
        bfloat16: compute all but the last layer in it, which many processors do far slower than float32.
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(pictures), generator=generator)
    aside, learnt = order[: round(ASIDE * len(order))], order[round(ASIDE * len(order)) :]
    network: Any = ProbeNetwork(pictures.shape[3], len(attributes), generator, channels)
    network = network.to(device=device, memory_format=torch.channels_last).train()
    batch = min(BATCH, len(learnt))
    epochs = epochs or max(1, min(EPOCHS, MOST_SEEN // len(learnt)))
    steps = max(1, epochs * len(learnt) // batch)
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    warmup = max(1, round(WARMUP * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, (steps - step) / (steps - warmup + 1))
    )
    sequence = torch.cat([torch.randperm(len(learnt), generator=generator) for _ in range(epochs + 1)])
    purpose = f"Training a probe that judges {len(attributes)} attributes, on {len(pictures)} pictures"
    for step in announced(steps, purpose):
        rows = learnt[sequence[step * batch : (step + 1) * batch]]
        inputs, wanted = augment(pictures[rows], generator).to(device), truth[rows].to(device)
        known = ~wanted.isnan()
        with torch.autocast(inputs.device.type, torch.bfloat16, enabled=bfloat16):
            logits = network(inputs)
        loss = F.binary_cross_entropy_with_logits(logits[known], wanted[known])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        if (step + 1) % max(1, steps // 5) == 0:
            logger.info("probe: step %d of %d, loss %.3f", step + 1, steps, loss.item())
    protocol = {
        "training_pictures": len(learnt),
        "threshold_pictures": len(aside),
        "height": pictures.shape[1],
        "width": pictures.shape[2],
        "epochs": epochs,
        "seed": seed,
    }
    probe = Probe(attributes, network.eval(), torch.zeros(len(attributes), device=device), protocol)
    probe.thresholds = _thresholds(probe, pictures[aside], truth[aside]).to(device)
    return probe


def _thresholds(probe: Probe, pictures: Tensor, truth: Tensor) -> Tensor:
    """The logits above which the probe says yes as often as the labels do, [A].

    Args:
        probe: with thresholds 0.
        pictures: set aside, uint8 [n, H, W, C], with their truth [n, A]; where none of them has an attribute, or all
            have it, the threshold is beyond all of them.
    """
    logits = torch.cat([probe(part.permute(0, 3, 1, 2).float() / 255) for part in pictures.split(256)])
    thresholds = []
    for scores, answers in zip(logits.T, truth.T, strict=True):
        known = scores[~answers.isnan()].sort(descending=True).values
        yes = int(answers.nansum())
        ends = torch.cat([known[:1] + 1, known, known[-1:] - 1])  # beyond the first and the last
        thresholds.append(ends[yes : yes + 2].mean() if len(known) else scores.new_zeros(()))
    return torch.stack(thresholds)
