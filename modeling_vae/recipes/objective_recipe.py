"""The objective of a recipe: which terms a training has, and their weights."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from .section import Section

MOBILENET_LAYERS = ["conv_stem", "layer.1", "layer.3", "layer.6", "layer.10", "layer.13", "layer.15", "conv_1x1"]
"""From fine to coarse: what the perceptual term compares where a recipe does not say."""


class Perceptual(Section):
    """Relative L1 distance between feature maps of a pretrained network (after Johnson, Alahi and Fei-Fei 2016)."""

    backbone: str = Field(
        "google/mobilenet_v2_1.0_224", description="folder or Hub id of a convolutional vision model of transformers"
    )
    weight: float = Field(0.5, ge=0)
    texture_weight: float = Field(0.0, ge=0, description="of the distance between local deviations of the same maps")
    layers: list[str] = Field(MOBILENET_LAYERS, min_length=1, description="its modules whose output is compared")
    enlargement: int = Field(1, ge=1, description="the network sees pictures this many times as large (bicubic)")
    batch_ratio: float = Field(1.0, gt=0, le=1, description="share of each batch that the network sees")


class Spectrum(Section):
    """A reconstruction shall have the power of its picture at every frequency (Durall, Keuper and Keuper 2020).

    It is for the last part of a training: while pictures are flat, its gradient is steep.
    """

    weight: float = Field(1.0, ge=0, description="of the mean difference of log powers, in nats")


class Likeness(Section):
    """A network that tells people apart shall see the same person in a reconstruction (Richardson and others 2021)."""

    backbone: str | None = Field(
        None,
        description="folder or Hub id of a model of transformers whose pooled output is nearly the same in two "
        "pictures of one person; examples/face-network makes one",
    )
    weight: float = Field(30.0, ge=0, description="of 1 - cosine between its answers")
    window: tuple[float, float, float, float] = Field(
        (0.0, 0.0, 1.0, 1.0), description="left, top, right and bottom of what it sees, as shares of the picture"
    )
    size: int = Field(112, ge=1, description="pixels a side at which it sees that (bicubic)")
    batch_ratio: float = Field(0.5, gt=0, le=1, description="share of each batch that it sees")

    @model_validator(mode="after")
    def _window_is_one(self) -> Self:
        left, top, right, bottom = self.window
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise ValueError(f"objective.likeness.window={list(self.window)}: left < right, top < bottom, in 0 to 1.")
        return self


class Adversarial(Section):
    """A critic that tells what the perceptual network sees in reconstructions and samples from real pictures'."""

    weight: float = Field(0.2, ge=0, description="gradient at the last layer, relative to other terms but the edits'")
    most: float = Field(1e4, gt=0, description="cap of the adaptive factor")
    start_ratio: float = Field(0.25, ge=0, le=1, description="share of the training without it")
    ramp_ratio: float = Field(0.1, ge=0, le=1, description="share of the training in which its weight grows")
    layers: list[str] | None = Field(
        None, min_length=1, description="which of the perceptual network's it judges; null: all"
    )
    channels: int = Field(64, ge=1, description="within each judge")
    learning_rate: float | None = Field(None, gt=0, description="the training's own where null")


class AttributeConsistency(Section):
    """What probes of the annotated columns see in a picture, they shall see in the reconstruction."""

    weight: float = Field(
        10.0,
        ge=0,
        description="of the divergence in nats, averaged over attributes; those who have one count together as "
        "much as those who lack it",
    )


class Edits(Section):
    """Samples moved along the directions of attributes shall show what their latents then say, and be read so."""

    weight: float = Field(10.0, ge=0, description="of the probes' divergence from the readouts, in nats")
    reencoding_weight: float = Field(1.0, ge=0, description="of (value read off the picture - value asked for)^2")
    strength: float = Field(2.5, gt=0, description="standard deviations that samples are moved by, at most")
    start_ratio: float = Field(0.1, ge=0, le=1)


class ObjectiveRecipe(Section):
    likelihood: Literal["bernoulli", "gaussian", "laplace"] = "gaussian"
    variance: float | Literal["optimal"] = "optimal"
    kl_weight: float = Field(1.0, ge=0)
    free_bits: float = Field(0.0, ge=0)
    kl_warmup_ratio: float = Field(0.0, ge=0, le=1, description="share of the training in which it grows from 0")
    perceptual: Perceptual | None = None
    spectrum: Spectrum | None = None
    likeness: Likeness | None = None
    attribute_consistency: AttributeConsistency | None = None
    adversarial: Adversarial | None = None
    edits: Edits | None = None

    @model_validator(mode="after")
    def _critic_has_eyes(self) -> Self:
        if self.adversarial is None:
            return self
        if self.perceptual is None:
            raise ValueError(
                "objective.adversarial needs objective.perceptual, through whose network the critic sees: give that "
                "section as well, or set objective.adversarial=null."
            )
        if others := set(self.adversarial.layers or []).difference(self.perceptual.layers):
            raise ValueError(f"objective.adversarial.layers: {min(others)!r} is none of objective.perceptual.layers.")
        return self

    @model_validator(mode="after")
    def _edits_are_judged(self) -> Self:
        if self.edits is not None and self.attribute_consistency is None:
            raise ValueError(
                "objective.edits needs objective.attribute_consistency, whose probes judge them: give that section as "
                "well, or set objective.edits=null."
            )
        return self
