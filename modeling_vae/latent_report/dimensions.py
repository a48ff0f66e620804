"""What each latent dimension does: how far from the prior it is, how much it says of a picture, whether it is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from modeling_vae.model.elbo import kl_divergence

from .latent_sample import LatentSample

ACTIVE = 0.01
"""Variance of the means over pictures above which a dimension counts as used (Burda, Grosse, Salakhutdinov 2016)."""
SIGNIFICANT = 0.01


@dataclass(frozen=True)
class Dimensions:
    """Figures of D dimensions over N pictures, float64 [D] each.

    Args:
        drawn: one latent of each posterior, [N, D].
        ks: Kolmogorov-Smirnov distance of the aggregate posterior from N(0, 1): the largest difference of the two
            distribution functions, 0 to 1.
        p: the chance of such a distance, or a larger one, for N draws of N(0, 1) itself.
        kl: mean KL divergence of the posteriors from N(0, 1), nats.
        variance: of the posteriors' means.
    """

    drawn: np.ndarray
    ks: np.ndarray
    p: np.ndarray
    kl: np.ndarray
    variance: np.ndarray

    @classmethod
    def of(cls, sample: LatentSample, seed: int = 0) -> Dimensions:
        from scipy.stats import kstest

        drawn = sample.draw(seed).numpy()
        tests = [kstest(column, "norm") for column in drawn.T]
        return cls(
            drawn,
            np.array([test.statistic for test in tests]),
            np.array([test.pvalue for test in tests]),
            kl_divergence(sample.means.double(), sample.logvars.double()).mean(0).numpy(),
            sample.means.double().var(0).numpy(),
        )

    @property
    def active(self) -> int:
        return int((self.variance > ACTIVE).sum())

    def figures(self) -> dict[str, Any]:
        """What evaluation.json says of them."""
        return {
            "pictures": len(self.drawn),
            "dimensions": len(self.ks),
            "active_units": self.active,
            "ks_median": _short(np.median(self.ks)),
            "ks_largest": _short(self.ks.max()),
            "differ_from_the_prior": int((self.p < SIGNIFICANT).sum()),
            "ks": [_short(value) for value in self.ks],
            "kl": [_short(value) for value in self.kl],
        }


def _short(value: float) -> float:
    return float(f"{value:.4g}")
