"""How far the reconstructions of held-out pictures lie from them, in one pass."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from modeling_vae.model.modeling_image_vae import VAEModel
from modeling_vae.passes import decode_all, encode_all
from modeling_vae.photos.reconstruction_errors import ReconstructionErrors, reconstruction_error
from modeling_vae.processes import each


def measure_errors(
    model: VAEModel, held_out: Iterable[tuple[Tensor, Any]], weights_sha256: str
) -> ReconstructionErrors:
    """Of all batches of pixel_values [N, C, H, W], and labels that are not looked at."""

    def error(batch: tuple[Tensor, Any]) -> Tensor:
        return reconstruction_error(decode_all(model, encode_all(model, batch[0])), batch[0])

    return ReconstructionErrors.from_errors(torch.cat(each(error, held_out)), weights_sha256)
