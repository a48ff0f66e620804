"""The prior of a trained model: a Gaussian, and where there are latents enough a flow from it to them."""

from __future__ import annotations

import logging
import math

import torch
from torch import Tensor

from modeling_vae.model.latents import sample_noise
from modeling_vae.model.priors import FlowPrior
from modeling_vae.model.velocity import Velocity
from modeling_vae.progress import steps

from .latent_passes import HeldOut, TrainingLatents

logger = logging.getLogger(__name__)

FEWEST = 1000
"""Draws below which no flow is tried."""
BATCH, MOST_STEPS, EPOCHS = 128, 8000, 120
"""No latent is shown more often than so many epochs: a flow that knew them by heart would draw them again."""
LEARNING_RATE, WARMUP = 2e-3, 100
ENOUGH = 0.99
"""Held-out error, 1 for none at all, above which the Gaussian stays as it is."""
SEED = 2**32
"""Of the draws from held-out pictures' posteriors: none of those that draw from the training pictures'."""
VARIED = 2048
"""Samples that say how much a flow's vary."""


def fit_prior(training: TrainingLatents, held_out: HeldOut, *, weights_sha256: str) -> FlowPrior:
    """The Gaussian of all posteriors, and where held-out latents gain by it a flow, learnt from draws of them.

    Args:
        training, held_out: of one model.
        weights_sha256: of its weights.
    """
    gaussian = FlowPrior.from_moments(training.everything, weights_sha256)
    draws = training.draws.chosen().clone()  # of an inference mode, whose tensors nothing can be learnt from
    if len(draws) < FEWEST or not len(held_out.posterior.mean):
        return gaussian
    unseen = held_out.posterior.sample(torch.Generator().manual_seed(SEED)).clone()
    velocity = learn_velocity(gaussian.whitened(draws).float())
    error = velocity_error(velocity, gaussian.whitened(unseen).float())
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
    return FlowPrior(prior.mean - factor @ moved.mean(0), factor, prior.velocity, prior.weights_sha256)


def learn_velocity(latents: Tensor, seed: int = 0) -> Velocity:
    """A velocity from N(0, I) to latents [N, D] of mean 0 and covariance I."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        velocity = Velocity(latents.shape[1])
    generator = torch.Generator().manual_seed(seed)
    count = min(MOST_STEPS, math.ceil(EPOCHS * len(latents) / BATCH))
    optimizer = torch.optim.AdamW(velocity.parameters(), LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / WARMUP) * (1 + math.cos(math.pi * step / count)) / 2
    )
    with torch.enable_grad():
        for _ in steps(count, "Learning where latents lie"):
            batch = latents[torch.randint(len(latents), (BATCH,), generator=generator)]
            optimizer.zero_grad()
            _error(velocity, batch, generator).backward()
            optimizer.step()
            schedule.step()
    return velocity


@torch.no_grad()
def velocity_error(velocity: Velocity, latents: Tensor, rounds: int = 8, seed: int = 0) -> float:
    """Mean squared error of the velocity on latents [N, D] as above: 1 where nothing is known but that they are so."""
    generator = torch.Generator().manual_seed(seed)
    return float(torch.stack([_error(velocity, latents, generator) for _ in range(rounds)]).mean())


def _error(velocity: Velocity, latents: Tensor, generator: torch.Generator) -> Tensor:
    """Of one draw of noise and of an angle for each latent, see `Velocity`; angles in the middle are the hardest, and
    come more often (logit-normal: Esser and others 2024)."""
    noise = torch.randn(latents.shape, generator=generator)
    angle = math.pi / 2 * torch.randn(len(latents), generator=generator).sigmoid()
    cosine, sine = angle.cos()[:, None], angle.sin()[:, None]
    found = velocity(cosine * noise + sine * latents, angle)
    error: Tensor = (found - (cosine * latents - sine * noise)).square().mean()
    return error
