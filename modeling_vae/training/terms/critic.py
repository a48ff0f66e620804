"""The critic of the adversarial term: what a pretrained network sees, is that of a real picture?"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from modeling_vae.processes import mean_of_all_processes, together

FLOOR = 1e-3
"""Added to variances: a channel that is silent in real pictures is not amplified without end."""


class Critic(nn.Module):
    """A small judge for each depth of a frozen network.

    A critic of pixels has to learn what a picture is before it can say what is wrong with one, which takes longer than
    the whole training of a small model on a CPU. A network that learnt to name things knows; judges of its feature
    maps say from the first hundred steps on which maps no real picture has. The idea is that of projected GANs (Sauer,
    Chitta, Mueller and Geiger 2021), without their random mixing of maps.

    Judges see every channel standardised by what real pictures show there. Their weights have a spectral norm of 1
    (Miyato et al. 2018), which bounds how steep an opinion can be.

    Args:
        channels: of each map.
        width: channels within a judge.
    """

    def __init__(self, channels: Sequence[int], width: int) -> None:
        super().__init__()
        self.standards = nn.ModuleList(Standard(count) for count in channels)
        self.judges = nn.ModuleList(
            nn.Sequential(
                spectral_norm(nn.Conv2d(count, width, 1)), nn.LeakyReLU(0.2),
                spectral_norm(nn.Conv2d(width, width, 3, padding=1)), nn.LeakyReLU(0.2),
                spectral_norm(nn.Conv2d(width, 1, 1)),
            )
            for count in channels
        )  # fmt: skip

    def update(self, real: Sequence[Tensor]) -> None:
        """Take real pictures' maps, each [N, C, H, W], into the standards."""
        for standard, maps in zip(self.standards, real, strict=True):
            assert isinstance(standard, Standard)
            standard.update(maps)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Maps of the same pictures, each [N, C, H, W] -> logits of being real, each [N, H W]: of every place."""
        parts = zip(self.judges, self.standards, maps, strict=True)
        return [judge(standard(seen)).flatten(1).float() for judge, standard, seen in parts]


class Standard(nn.Module):
    """Brings channels to a mean of 0 and a variance of at most 1 over all places of all maps it was updated with."""

    mean: Tensor
    square: Tensor
    places: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("square", torch.zeros(channels))
        self.register_buffer("places", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def update(self, maps: Tensor) -> None:
        """Take in maps [N, C, H, W]."""
        channels = maps.float().transpose(0, 1).flatten(1)
        places = together() * channels.shape[1]
        self.places.add_(places)
        share = places / self.places
        self.mean.lerp_(mean_of_all_processes(channels.mean(1)), share)
        self.square.lerp_(mean_of_all_processes(channels.square().mean(1)), share)

    def forward(self, maps: Tensor) -> Tensor:
        variance = (self.square - self.mean.square()).clamp_min(0) + FLOOR
        return (maps - self.mean[:, None, None]) / variance.sqrt()[:, None, None]


def taken_for_real(logits: Sequence[Tensor]) -> Tensor:
    """Minus the mean logit, which the model minimises: the mean over judges, a scalar."""
    return -torch.stack([each.mean() for each in logits]).mean()


def told_apart(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """The hinge loss, which the critic minimises (Lim and Ye 2017): the mean over judges, a scalar."""
    losses = [F.relu(1 - yes).mean() + F.relu(1 + no).mean() for yes, no in zip(real, fake, strict=True)]
    return torch.stack(losses).mean()
