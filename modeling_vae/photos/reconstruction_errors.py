"""How far a model's reconstructions usually are from the pictures: what is more than that is worth a word."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from modeling_vae.model.tensor_files import find_file, read_part, refuse_other_weights, usable, write_tensors

FILE_NAME = "reconstruction_errors.safetensors"
FORMAT = "reconstruction-errors/1"
PERCENTILES = 101


def reconstruction_error(reconstruction: Tensor, pixel_values: Tensor) -> Tensor:
    """Root of the mean squared difference of two batches [N, C, H, W] in [0, 1]: [N], in grey levels of 255."""
    return (reconstruction.float() - pixel_values.float()).square().flatten(1).mean(1).sqrt() * 255


class ReconstructionErrors:
    """The errors of a model's reconstructions of held-out pictures.

    Args:
        percentiles: [101], from the least to the greatest, in grey levels.
        weights_sha256: of the weights of the model.
    """

    def __init__(self, percentiles: Tensor, weights_sha256: str = "") -> None:
        if percentiles.shape != (PERCENTILES,):
            raise ValueError(f"percentiles has the shape {list(percentiles.shape)}: give [{PERCENTILES}].")
        self.percentiles, self.weights_sha256 = percentiles.float(), weights_sha256

    @classmethod
    def from_errors(cls, errors: Tensor, weights_sha256: str = "") -> ReconstructionErrors:
        """Of the errors [N] of all held-out pictures, at least one."""
        return cls(errors.double().quantile(torch.linspace(0, 1, PERCENTILES, dtype=torch.float64)), weights_sha256)

    @property
    def largest(self) -> float:
        """What 99 of 100 held-out pictures do not exceed."""
        return float(self.percentiles[99])

    def sentence(self, error: float) -> str:
        """What to say of a picture whose error is larger."""
        return (
            f"the model's picture is far from the photo: {error:.0f} grey levels off (root mean square), where 99 of "
            f"100 pictures it was tested on were at most {self.largest:.0f} off, so the edit may not fit. A face that "
            "is larger, straight on and evenly lit does better."
        )

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write reconstruction_errors.safetensors into a folder; whole or not at all."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        description = {"format": FORMAT, "weights_sha256": self.weights_sha256}
        write_tensors(Path(folder) / FILE_NAME, {"percentiles": self.percentiles}, description)

    @classmethod
    def from_pretrained(cls, folder_or_id: str | os.PathLike[str], **hub: Any) -> ReconstructionErrors:
        """Read reconstruction_errors.safetensors from a folder or a Hub repository."""
        path = find_file(folder_or_id, FILE_NAME, **hub)
        tensors, description = read_part(path, FORMAT, {"percentiles": (PERCENTILES,)})
        with usable(path):
            percentiles = tensors["percentiles"]
            if percentiles.min() < 0 or (percentiles.diff() < 0).any():
                raise ValueError("percentiles must rise, from 0 or more.")
            return cls(percentiles, description["weights_sha256"])

    def check_weights(self, sha256: str) -> None:
        """Raise a ValueError where these are another model's errors."""
        refuse_other_weights("these reconstruction errors belong", self.weights_sha256, sha256)
