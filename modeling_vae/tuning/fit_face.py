"""Pivotal tuning (Roich, Mokady, Bermano and Cohen-Or 2021): first the latent is fitted to a photo, then the decoder.

The decoder changes near the latent only: now and then it is drawn back to what it was, half way to a random face, so
that the directions of the latent space still mean there what they meant.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from modeling_vae.model.gaussian import Gaussian
from modeling_vae.model.modeling_image_vae import VAEModel

from .likeness import Likeness

Progress = Callable[[int, int], None]
"""Called before each step with the steps done and all steps; what it raises ends the fit."""


@dataclass(frozen=True)
class TuningSettings:
    """How a face is fitted.

    Args:
        latent_steps, decoder_steps: of Adam.
        latent_rate, decoder_rate: its learning rates at first; they fall to 0 along half a cosine.
        pixels, maps, textures: weights of `Likeness`.
        keep_every, keep: in every so many decoder steps the decoder is drawn back elsewhere, with this weight of the
            mean absolute difference of pixel values.
        seed: of the faces that it is drawn back at.
    """

    latent_steps: int = 30
    decoder_steps: int = 210
    latent_rate: float = 0.03
    decoder_rate: float = 5e-4
    pixels: float = 40.0
    maps: float = 1.0
    textures: float = 0.5
    keep_every: int = 6
    keep: float = 8.0
    seed: int = 0

    @property
    def steps(self) -> int:
        return self.latent_steps + self.decoder_steps


DEFAULT = TuningSettings()


def fit_face(
    model: VAEModel,
    photos: Tensor,
    latents: Gaussian,
    settings: TuningSettings,
    progress: Progress | None = None,
) -> tuple[Tensor, nn.Module]:
    """Latents [K, D] of K photos of one face, and a decoder that draws them; the model stays as it is.

    Args:
        model: in evaluation mode, on the CPU or elsewhere, where all of it is computed in float32.
        photos: pixel_values [K, C, H, W] in [0, 1].
        latents: of the model's pictures, from which random faces are drawn.
        settings: see there.
        progress: see `Progress`.
    """
    photos = photos.to(model.device)
    likeness = Likeness(model, photos, pixels=settings.pixels, maps=settings.maps, textures=settings.textures)
    counter = _Counter(settings.steps, progress)
    with torch.enable_grad():
        with torch.no_grad():
            start = model.encode(photos.to(model.dtype)).mean.float()
        fitted = _fit_latents(model, start, likeness, settings, counter)
        decoder = _fit_decoder(model, fitted, latents, likeness, settings, counter)
    counter.done()
    return fitted, decoder


class _Counter:
    def __init__(self, steps: int, progress: Progress | None) -> None:
        self.steps, self.step, self.progress = steps, 0, progress

    def __call__(self) -> None:
        if self.progress is not None:
            self.progress(self.step, self.steps)
        self.step += 1

    def done(self) -> None:
        if self.progress is not None:
            self.progress(self.steps, self.steps)


def _fit_latents(
    model: VAEModel, start: Tensor, likeness: Likeness, settings: TuningSettings, counter: _Counter
) -> Tensor:
    latents = start.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([latents], lr=settings.latent_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(1, settings.latent_steps))
    for _ in range(settings.latent_steps):
        counter()
        (gradient,) = torch.autograd.grad(likeness(_pictures(model.decoder, latents)), latents)
        latents.grad = gradient
        optimizer.step()
        schedule.step()
    return latents.detach()


def _fit_decoder(
    model: VAEModel,
    fitted: Tensor,
    latents: Gaussian,
    likeness: Likeness,
    settings: TuningSettings,
    counter: _Counter,
) -> nn.Module:
    decoder = cast(nn.Module, copy.deepcopy(model.decoder)).requires_grad_(True)
    optimizer = torch.optim.Adam(decoder.parameters(), lr=settings.decoder_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(1, settings.decoder_steps))
    generator = torch.Generator().manual_seed(settings.seed)
    mean, factor = latents.mean.float(), latents.factor().float()
    for step in range(settings.decoder_steps):
        counter()
        loss = likeness(_pictures(decoder, fitted))
        if settings.keep_every and step % settings.keep_every == 0:
            random = mean + factor @ torch.randn(len(mean), generator=generator)
            between = (fitted[step % len(fitted)] + random.to(fitted)) / 2
            with torch.no_grad():
                before = _pictures(model.decoder, between[None])
            loss = loss + settings.keep * (_pictures(decoder, between[None]) - before).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return decoder.eval().requires_grad_(False)


def _pictures(decoder: nn.Module, latents: Tensor) -> Tensor:
    return torch.sigmoid(decoder(latents))
