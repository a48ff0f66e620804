"""The spectrum term: a reconstruction shall have as much of every fineness as its picture has."""

from __future__ import annotations

import torch
from torch import Tensor

from .batch import Batch, Term

FLOOR = 1 / (12 * 255**2)
"""Power of what 8 bits round away, below which nothing counts."""


class SpectrumTerm(Term):
    """Of |log P(reconstruction) - log P(picture)|, averaged over rings of frequencies and channels.

    What a latent does not hold is averaged away by the other terms, and with it contrast and fineness. Where they are
    Gaussian, the picture nearest to it that has the power of real ones is that average with each frequency amplified
    (Freirich, Michaeli and Meir 2021). After the spectral term of Durall, Keuper and Keuper 2020.
    """

    def forward(self, batch: Batch) -> Tensor:
        ours, theirs = log_spectrum(batch.reconstruction), log_spectrum(batch.pixel_values)
        distance = (ours - theirs).abs().mean()
        batch.note(spectrum=distance)
        result: Tensor = self.weight * distance
        return result


def log_spectrum(pictures: Tensor) -> Tensor:
    """The log of the mean power in each ring of frequencies: [N, C, H, W] in [0, 1] -> float32 [N, C, R].

    Pictures fade out towards their borders (Hann), so that what does not fit together there is not seen as fineness.
    """
    with torch.autocast(pictures.device.type, enabled=False):
        pictures = pictures.float()
        height, width = pictures.shape[-2:]
        fading = [torch.hann_window(length, periodic=False, device=pictures.device) for length in (height, width)]
        window = fading[0][:, None] * fading[1]
        window = window / window.square().mean().sqrt()
        centred = pictures - pictures.mean((2, 3), keepdim=True)
        power = torch.fft.fft2(centred * window, norm="ortho").abs().square().flatten(2)
        rings = rings_of(height, width).to(pictures.device)
        counts = torch.bincount(rings)
        sums = power.new_zeros(*power.shape[:2], len(counts)).index_add_(2, rings, power)
        result: Tensor = ((sums / counts)[..., 1:] + FLOOR).log()
        return result


def rings_of(height: int, width: int) -> Tensor:
    """The ring of each frequency of `torch.fft.fft2`, [H W]; 0 for the mean of the picture alone.

    They are two cycles a picture wide, up to half a cycle a pixel; what lies in the corners is of the last.
    """
    count = min(height, width) // 4
    down, right = torch.fft.fftfreq(height), torch.fft.fftfreq(width)
    radius = (down[:, None].square() + right.square()).sqrt().flatten()
    rings: Tensor = (radius * 2 * count).ceil().long().clamp_max(count)
    return rings
