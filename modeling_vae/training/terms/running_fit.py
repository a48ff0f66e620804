"""A Gaussian fitted to the most recent latents of a training run."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from modeling_vae.model.gaussian import Gaussian
from modeling_vae.processes import of_all_processes


class RunningFit(nn.Module):
    """N(mean, covariance) of the last `size` latents seen, kept in buffers so that checkpoints carry it.

    Early on, while the queue is short of `size`, the unit Gaussian stands in for what is missing.
    """

    queue: Tensor
    position: Tensor

    def __init__(self, latent_dim: int, size: int = 2560) -> None:
        super().__init__()
        # numpy-free and fixed: the start must not depend on, or disturb, any generator
        start = torch.randn(size, latent_dim, generator=torch.Generator().manual_seed(0))
        self.register_buffer("queue", start)
        self.register_buffer("position", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def update(self, latents: Tensor) -> None:
        """Put latents [N, D] in the place of the oldest ones."""
        latents = of_all_processes(latents.detach().to(self.queue.dtype))[-len(self.queue) :]
        places = (self.position + torch.arange(len(latents), device=latents.device)) % len(self.queue)
        self.queue[places] = latents
        self.position.add_(len(latents)).remainder_(len(self.queue))

    @torch.no_grad()
    def draw(self, count: int) -> Tensor:
        """Latents [count, D], from the global generator of the CPU or the device that the queue is on."""
        gaussian = self.gaussian()
        noise = torch.randn(count, len(gaussian.mean), device=gaussian.mean.device)
        return gaussian.mean + noise @ gaussian.factor().T

    @torch.no_grad()
    def gaussian(self) -> Gaussian:
        """Of the latents in the queue."""
        mean = self.queue.mean(0)
        centred = self.queue - mean
        return Gaussian(mean, centred.T @ centred / (len(self.queue) - 1)).ridged(1e-4)
