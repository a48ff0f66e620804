"""The prior of a trained model: a Gaussian, and where there are latents enough a flow from it to them."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection

import torch
from torch import Tensor

from modeling_vae.model.attribute_directions import FEWEST as FEWEST_LABELLED
from modeling_vae.model.label_code import LabelCode, names_said
from modeling_vae.model.label_reader import LabelReader
from modeling_vae.model.latents import sample_noise
from modeling_vae.model.priors import FlowPrior
from modeling_vae.model.velocity import Velocity
from modeling_vae.progress import steps

from .latent_passes import HeldOut, TrainingLatents

logger = logging.getLogger(__name__)

FEWEST = 1000
"""Draws below which no flow is tried."""
BATCH, MOST_STEPS, EPOCHS = 128, 8000, 120
"""No latent is shown more often than so many epochs: a flow that knew them by heart would draw them again. Told labels
it has two things to learn, and twice as long."""
LEARNING_RATE, WARMUP = 2e-3, 100
ENOUGH = 0.99
"""Held-out error, 1 for none at all, above which the Gaussian stays as it is."""
UNTOLD, ONE_UNTOLD = 0.4, 0.1
"""Shares of the draws of which all labels are kept back, and of each column those of which it is, so that the velocity
learns what to do without (Ho and Salimans 2022)."""
TELLS = 0.97
"""Share of the held-out error that labels must leave, or they are dropped: of few pictures, each is known by them."""
READER_STEPS, READER_RATE, READER_DECAY = 2000, 3e-3, 0.05
SEED = 2**32
"""Of the draws from held-out pictures' posteriors: none of those that draw from the training pictures'."""
VARIED = 2048
"""Samples that say how much a flow's vary."""


def fit_prior(
    training: TrainingLatents, held_out: HeldOut, *, weights_sha256: str, leave_out: Collection[str] = ()
) -> FlowPrior:
    """The Gaussian of all posteriors, and where held-out latents gain by it a flow, learnt from draws of them.

    Where held-out latents gain by that, it is told the labels of their pictures.

    Args:
        training, held_out: of one model.
        weights_sha256: of its weights.
        leave_out: columns, or names of values, that the flow is not told.
    """
    gaussian = FlowPrior.from_moments(training.everything, weights_sha256)
    chosen, said = training.draws.chosen()
    if len(chosen) < FEWEST or not len(held_out.posterior.mean):
        return gaussian
    sample = held_out.posterior.sample(torch.Generator().manual_seed(SEED))
    # cloned, since nothing can be learnt from the tensors of an inference mode
    draws, unseen = (gaussian.whitened(latents.clone()).float() for latents in (chosen, sample))
    labels = LabelCode.learnt(said, FEWEST_LABELLED, leave_out)
    if len(labels):
        codes = labels.of(said)
        velocity = learn_velocity(draws, labels, codes)
        error = velocity_error(velocity, unseen)
        told = velocity_error(
            velocity, unseen, labels.of(names_said(held_out.labels, training.moments.kinds, len(unseen)))
        )
        logger.info("A flow that is told labels: an error of %.3f on held-out latents, and %.3f untold.", told, error)
        if told < TELLS * error and error < ENOUGH:
            reader = learn_reader(draws, labels, codes)
            return as_varied(FlowPrior(gaussian.mean, gaussian.factor, velocity, weights_sha256, labels, reader))
    velocity = learn_velocity(draws)
    error = velocity_error(velocity, unseen)
    logger.info("The flow of the prior: an error of %.3f on held-out latents, where a Gaussian's is 1.", error)
    if error >= ENOUGH:
        return gaussian
    return as_varied(FlowPrior(gaussian.mean, gaussian.factor, velocity, weights_sha256))


def as_varied(prior: FlowPrior) -> FlowPrior:
    """The prior with its factor's columns scaled so that samples vary as much as latents do.

    What a network learns of a mean velocity is a little less than all of it, so that what it moves stays too near to
    the mean: by 2 to 4 % of the deviation, which the Fréchet distance of cats has an eighth of.
    """
    noise = sample_noise(VARIED, len(prior.mean), SEED).double()
    moved = prior.whitened(prior.latents_of(noise))
    factor = prior.factor / moved.std(0)
    mean = prior.mean - factor @ moved.mean(0)
    return FlowPrior(mean, factor, prior.velocity, prior.weights_sha256, prior.labels, prior.reader)


def learn_velocity(
    latents: Tensor, labels: LabelCode | None = None, codes: Tensor | None = None, seed: int = 0
) -> Velocity:
    """A velocity from N(0, I) to latents [N, D] of mean 0 and covariance I, and to those that have some labels.

    Args:
        latents: [N, D].
        labels: what codes stand for.
        codes: [N, C] of what is known of the latents' pictures.
        seed: of weights, order, noise, and of what is kept back.
    """
    labels = LabelCode() if labels is None else labels
    codes = torch.zeros(len(latents), len(labels)) if codes is None else codes
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        velocity = Velocity(latents.shape[1], len(labels))
    generator = torch.Generator().manual_seed(seed)
    count = min(MOST_STEPS, math.ceil(EPOCHS * len(latents) / BATCH)) * (2 if len(labels) else 1)
    optimizer = torch.optim.AdamW(velocity.parameters(), LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / WARMUP) * (1 + math.cos(math.pi * step / count)) / 2
    )
    with torch.enable_grad():
        for _ in steps(count, "Learning where latents lie"):
            rows = torch.randint(len(latents), (BATCH,), generator=generator)
            told = codes[rows] * _told(labels, BATCH, generator)
            optimizer.zero_grad()
            _error(velocity, latents[rows], told, generator).backward()
            optimizer.step()
            schedule.step()
    return velocity


def learn_reader(latents: Tensor, labels: LabelCode, codes: Tensor, seed: int = 0) -> LabelReader:
    """What tells the labels of latents, where they are known; for the arguments see `learn_velocity`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        reader = LabelReader(latents.shape[1], len(labels))
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(reader.parameters(), READER_RATE, weight_decay=READER_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, READER_STEPS)
    with torch.enable_grad():
        for _ in range(READER_STEPS):
            rows = torch.randint(len(latents), (BATCH,), generator=generator)
            logits, truth = reader(latents[rows]), codes[rows]
            lost = [-(logits[:, places].log_softmax(1) * truth[:, places]).sum() for places in labels.columns]
            optimizer.zero_grad()
            (torch.stack(lost).sum() / BATCH).backward()
            optimizer.step()
            schedule.step()
    return reader


@torch.no_grad()
def velocity_error(
    velocity: Velocity, latents: Tensor, codes: Tensor | None = None, rounds: int = 8, seed: int = 0
) -> float:
    """Mean squared error of the velocity on latents [N, D] as above: 1 where nothing is known but that they are so."""
    generator = torch.Generator().manual_seed(seed)
    return float(torch.stack([_error(velocity, latents, codes, generator) for _ in range(rounds)]).mean())


def _told(labels: LabelCode, n: int, generator: torch.Generator) -> Tensor:
    """Which numbers of n codes are told, [n, C] of 1 and 0: a column is told as a whole."""
    columns = torch.rand(n, len(labels), generator=generator) > ONE_UNTOLD
    return ((torch.rand(n, 1, generator=generator) > UNTOLD) & columns[:, labels.column_of]).float()


def _error(velocity: Velocity, latents: Tensor, codes: Tensor | None, generator: torch.Generator) -> Tensor:
    """Of one draw of noise and of an angle for each latent, see `Velocity`; angles in the middle are the hardest, and
    come more often (logit-normal: Esser and others 2024)."""
    noise = torch.randn(latents.shape, generator=generator)
    angle = math.pi / 2 * torch.randn(len(latents), generator=generator).sigmoid()
    cosine, sine = angle.cos()[:, None], angle.sin()[:, None]
    found = velocity(cosine * noise + sine * latents, angle, codes)
    error: Tensor = (found - (cosine * latents - sine * noise)).square().mean()
    return error
