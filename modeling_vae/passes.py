"""Any number of pictures or latents through a network, a batch at a time; what comes back is float32 on the CPU."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from .model.modeling_image_vae import VAEModel
from .model.posterior import DiagonalGaussian

BATCH = 64


@torch.no_grad()
def posterior_of(model: VAEModel, pixel_values: Tensor) -> DiagonalGaussian:
    """The posterior of pixel_values [N, C, H, W], which go through the network at once."""
    posterior = model.encode(pixel_values.to(model.device, model.dtype))
    return DiagonalGaussian(posterior.mean.float().cpu(), posterior.logvar.float().cpu())


@torch.no_grad()
def posteriors(model: VAEModel, batches: Iterable[Tensor]) -> Iterator[DiagonalGaussian]:
    """The posterior of each batch of pixel_values [N, C, H, W]."""
    for pixel_values in batches:
        yield posterior_of(model, pixel_values)


@torch.no_grad()
def decoded(model: VAEModel, latents: Tensor, batch_size: int = BATCH) -> Iterator[Tensor]:
    """Pictures [n, C, H, W] in [0, 1] of latents [N, D], a batch at a time."""
    for batch in latents.split(batch_size):
        yield model.decode(batch.to(model.device, model.dtype)).float().cpu()


def encode_all(model: VAEModel, pixel_values: Tensor, batch_size: int = BATCH) -> Tensor:
    """The posterior means [N, D] of pixel_values [N, C, H, W]."""
    means = [posterior.mean for posterior in posteriors(model, pixel_values.split(batch_size))]
    return torch.cat(means) if means else torch.zeros(0, model.config.latent_dim)


def decode_all(model: VAEModel, latents: Tensor, batch_size: int = BATCH) -> Tensor:
    """Pictures [N, C, H, W] in [0, 1] of latents [N, D]."""
    pictures = list(decoded(model, latents, batch_size)) if len(latents) else []
    config = model.config
    return torch.cat(pictures) if pictures else torch.zeros(0, config.num_channels, *config.height_and_width)
