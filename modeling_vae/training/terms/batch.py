"""What the terms of the objective are asked about, and what the earlier ones leave for the later ones."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor, nn

from modeling_vae.model.modeling_image_vae import VAEModel

from .attribute_distance import AttributeDistance
from .perceptual_distance import Comparison, PerceptualDistance
from .running_readouts import Edited


@dataclass
class Batch:
    """One batch of a training, in which each term finds what it looks at.

    Args:
        model: that is trained.
        pixel_values: [N, C, H, W] in [0, 1].
        reconstruction: the model's, [N, C, H, W].
        latents: drawn from the posterior, [N, D].
        nll, kl: means over the batch in nats, scalars.
        step: optimizer steps done so far.
        progress: share of the training done so far, which every schedule follows.
        figures: what terms note for the log, without a gradient.
        visible: the sum of all terms about reconstructions, a scalar.
        eyes, compared: the network that the perceptual term looks through, and what it saw.
        probes, seen: those of the attribute term, and the probabilities [N, A] that they saw in the pictures.
        samples: pictures [n, C, H, W] of latents drawn from the running fit, a quarter of a batch.
        edited: what was asked of these latents, where they were moved.
    """

    model: VAEModel
    pixel_values: Tensor
    reconstruction: Tensor
    latents: Tensor
    nll: Tensor
    kl: Tensor
    step: int
    progress: float
    figures: dict[str, Tensor] = field(default_factory=dict)
    visible: Tensor | None = None
    eyes: PerceptualDistance | None = None
    compared: Comparison | None = None
    probes: AttributeDistance | None = None
    seen: Tensor | None = None
    samples: Tensor | None = None
    edited: Edited | None = None

    def note(self, **figures: Tensor) -> None:
        """For the log."""
        self.figures |= {name: figure.detach() for name, figure in figures.items()}


class Term(nn.Module):
    """A term of the objective. Called with a `Batch`, it returns what it adds to the loss, weighed: a scalar.

    Args:
        weight: what its distance is multiplied by.
        start_ratio: share of the training without it.
    """

    def __init__(self, weight: float, start_ratio: float = 0.0) -> None:
        super().__init__()
        self.weight, self.start_ratio = weight, start_ratio

    def started(self, progress: float) -> bool:
        """Whether the training has come to where it starts."""
        return progress >= self.start_ratio

    def observe(self, batch: Batch) -> None:
        """Learn from a batch; called in every step, before it starts too."""


def ramp(progress: float, start: float, length: float) -> float:
    """0 up to `start`, then linearly to 1 within `length`; all are shares of the training."""
    if progress < start:
        return 0.0
    return min(1.0, (progress - start) / length) if length else 1.0
