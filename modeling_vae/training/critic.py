"""The critic of the adversarial term: what a pretrained network sees, is that of a real picture?"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class Critic(nn.Module):
    """A small judge for each depth of a frozen network (Sauer et al. 2021, "Projected GANs Converge Faster").

    A critic of pixels has to learn what a picture is before it can say what is wrong with one, which takes longer than
    the whole training of a small model on a CPU. A network that learnt to name things knows; judges of its feature
    maps say from the first hundred steps on which maps no real picture has.

    Judges see every channel standardised by what real pictures show there, and their weights have a spectral norm of
    1, so that none can be surer than the maps allow.

    Args:
        channels: of each map.
        width: channels within a judge.
    """

    def __init__(self, channels: Sequence[int], width: int) -> None:
        super().__init__()
        # a mean over all real pictures so far, which soon stands still, as the network itself does
        self.standards = nn.ModuleList(nn.BatchNorm2d(count, 1e-3, momentum=None, affine=False) for count in channels)
        self.judges = nn.ModuleList(
            nn.Sequential(
                spectral_norm(nn.Conv2d(count, width, 1)), nn.LeakyReLU(0.2),
                spectral_norm(nn.Conv2d(width, width, 3, padding=1)), nn.LeakyReLU(0.2),
                spectral_norm(nn.Conv2d(width, 1, 1)),
            )
            for count in channels
        )  # fmt: skip

    @torch.no_grad()
    def update(self, real: Sequence[Tensor]) -> None:
        """Take the statistics of real pictures' maps, each [N, C, H, W], into the standards."""
        for standard, maps in zip(self.standards, real, strict=True):
            standard.train()(maps)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Maps of the same pictures, each [N, C, H, W] -> logits of being real, each [N, H W]: of every place."""
        parts = zip(self.judges, self.standards, maps, strict=True)
        return [judge(standard.eval()(seen)).flatten(1).float() for judge, standard, seen in parts]


def taken_for_real(logits: Sequence[Tensor]) -> Tensor:
    """Minus the mean logit, which the model minimises: the mean over judges, a scalar."""
    return -torch.stack([each.mean() for each in logits]).mean()


def told_apart(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """The hinge loss, which the critic minimises (Lim and Ye 2017): the mean over judges, a scalar."""
    losses = [F.relu(1 - yes).mean() + F.relu(1 + no).mean() for yes, no in zip(real, fake, strict=True)]
    return torch.stack(losses).mean()
