"""What the browser needs of a model, as one file: its decoder, prior and directions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor
from transformers import PreTrainedConfig

from modeling_vae.parts import Parts

SCRIPTS = Path(__file__).parent / "scripts"
"""The folder that a page loads the code from."""
PAGE = Path(__file__).parent / "page"
"""A page of its own, which needs no server that computes; its index.html belongs one folder up."""
FILE_NAME, ENCODER_NAME = "browser.safetensors", "encoder.safetensors"
FORMAT = "browser-model/1"
CHANNELS = 8
"""Widths have to be multiples of this, which the kernel computes at a time."""


def drawable(config: PreTrainedConfig) -> bool:
    """Whether the browser can decode a model by itself: all that `ModulatedDecoder` is but other activations."""
    leaky = config.activation == "leaky_relu" or (config.activation == "relu" and config.decoder_layers == 1)
    widths = [*config.decoder_widths, config.modulation_dim]
    return config.decoder_block == "modulated" and leaky and not any(width % CHANNELS for width in widths)


def browser_model(parts: Parts) -> bytes:
    """A safetensors file for `face_maker.js`. Pictures made of it are those of the model, to a grey level at most.

    Raises:
        ValueError: the browser cannot draw with this model, see `drawable`.
    """
    config = parts.model.config
    if not drawable(config):
        raise ValueError(
            f"decoder_block={config.decoder_block!r} with widths {config.decoder_widths} is not drawn in the browser: "
            f"give a modulated decoder with leaky_relu and widths that are multiples of {CHANNELS}."
        )
    weights = parts.model.decoder.state_dict()
    tensors = {f"decoder.{name}": weight.to(parts.storage_dtype) for name, weight in weights.items()}
    tensors |= _of_prior(parts) | _of_directions(parts)
    description = {
        "format": FORMAT,
        "weights_sha256": parts.sha256,
        "config": {
            "image_size": [*config.height_and_width],
            "num_channels": config.num_channels,
            "latent_dim": config.latent_dim,
            "negative_slope": config.negative_slope if config.activation == "leaky_relu" else 0.0,
            "bare_stem": config.bare_stem,
        },
        "attributes": _attributes(parts),
    }
    return save(
        {name: tensor.contiguous() for name, tensor in tensors.items()}, {"description": json.dumps(description)}
    )


def encodable(config: PreTrainedConfig) -> bool:
    """Whether the browser can encode for a model: plain blocks of 4 x 4, without norms, of square pictures."""
    plain = config.encoder_backbone is None and config.encoder_block == "plain" and config.encoder_dense is None
    height, width = config.height_and_width
    leaky = config.activation in ("leaky_relu", "relu")
    simple = config.norm == "none" and config.kernel_size == 4 and height == width and leaky
    return plain and simple and not any(channels % 4 for channels in config.hidden_channels)


def browser_encoder(parts: Parts) -> bytes:
    """A safetensors file for `encoder.js`: what gives the means of posteriors.

    Raises:
        ValueError: the browser cannot encode for this model, see `encodable`.
    """
    model = parts.model
    if not encodable(model.config):
        raise ValueError("encoder_block, norm and kernel_size are not those of an encoder that runs in the browser.")
    tensors = {f"encoder.{name}": weight for name, weight in model.encoder.state_dict().items()}
    (width, side), dimensions = (model.config.hidden_channels[-1], model.config.grid[0]), model.config.latent_dim
    dense = {name: weight[:dimensions] for name, weight in model.to_posterior.state_dict().items()}
    tensors |= {"to_mean.weight": dense["weight"].unflatten(1, (width, side, side)), "to_mean.bias": dense["bias"]}
    return save({name: tensor.to(parts.storage_dtype).contiguous() for name, tensor in tensors.items()})


def _of_prior(parts: Parts) -> dict[str, Tensor]:
    """What `FlowPrior.sample` needs."""
    if parts.prior is None:
        return {}
    tensors = {f"prior.{name}": tensor for name, tensor in parts.prior.tensors().items()}
    columns = {"prior.columns": parts.prior.labels.column_of.float()} if len(parts.prior.labels) else {}
    return tensors | columns


def _of_directions(parts: Parts) -> dict[str, Tensor]:
    """What one deviation of each attribute alone adds to a latent, [A, D], and the readouts' correlations, [A, A]."""
    directions = parts.directions
    if directions is None or not len(directions):
        return {}
    moves = torch.stack([directions.delta({name: 1.0}) for name in directions.names])
    return {"directions.moves": moves, "directions.correlations": directions.correlations()}


def _attributes(parts: Parts) -> list[dict[str, Any]]:
    """Of each direction, in the order of the tensors, its name, its place among those on offer, and its slider."""
    if parts.directions is None:
        return []
    offered = parts.directions.offered
    return [
        {
            "name": direction.name,
            "place": offered.index(direction.name),
            "reach": [*direction.reach],
            "full": [direction.full(losing=True), direction.full()],
            "drawable": direction.drawable is not False,
        }
        for direction in parts.directions.directions.values()
    ]
