"""Growing a trained model to twice the size, so that the larger one need not learn again what a face is.

After Karras, Aila, Laine and Lehtinen 2018 (Progressive Growing of GANs), without their fading in: the new scale is
silent at first, and what the smaller model draws is enlarged.
"""

from __future__ import annotations

import re
from typing import cast

import torch
import torch.nn.functional as F

from modeling_vae.model.configuration_image_vae import VAEConfig
from modeling_vae.model.modeling_image_vae import VAEModel
from modeling_vae.recipes.recipe import NETWORK_FIELDS

POSITIVE = ("leaky_relu", "relu")
"""Activations that leave what is positive, such as the mean of pixel values, as it is."""


def grown(small: VAEModel, config: VAEConfig) -> VAEModel:
    """A model of twice the size that begins as the small one.

    Its encoder first takes the mean of each 2 x 2 square and then does what the small one does: the posterior of a
    picture is that of the picture at half the size. Its decoder draws what the small one draws, enlarged; of the small
    one's last 3 x 3 convolution the sum over its places stays, as only the last scale looks at neighbours.

    Args:
        small: plain encoder blocks without norm, leaky_relu or relu, modulated decoder.
        config: of the larger model: the same, but for twice the `image_size`, one more of `hidden_channels` in front,
            at least as many as a picture has, one more of `decoder_channels` at the end, and perhaps more
            `decoder_layers`.

    Raises:
        ValueError: where the larger model is another network, naming the settings.
    """
    before = cast(VAEConfig, small.config)
    check_growth(before, config)
    model, scales = VAEModel(config), len(before.hidden_channels)
    weights = model.state_dict()
    for name, weight in small.state_dict().items():
        weights[re.sub(r"^encoder\.blocks\.(\d+)", lambda found: f"encoder.blocks.{int(found[1]) + 1}", name)] = weight
    shrinking, first = "encoder.blocks.0.conv.weight", "encoder.blocks.1.conv.weight"
    colours = torch.arange(config.num_channels)
    weights[shrinking][colours] = 0.0
    weights[shrinking][colours, colours, 1:3, 1:3] = 0.25  # the square itself; its rim is in the kernel too
    unknown = config.hidden_channels[0] - config.num_channels  # what else the new block finds, unheard at first
    weights[first] = F.pad(weights[first], (0, 0, 0, 0, 0, unknown))
    last, new = (f"decoder.to_picture.{scale}.weight" for scale in (scales, scales + 1))
    weights[last] = weights[last].sum((2, 3), keepdim=True)
    weights[new] = torch.zeros_like(weights[new])
    model.load_state_dict(weights)
    return model


def is_twice(small: VAEConfig, large: VAEConfig) -> bool:
    """Whether the sides of the one are twice those of the other."""
    return [2 * side for side in small.height_and_width] == list(large.height_and_width)


def check_growth(small: VAEConfig, large: VAEConfig) -> None:
    """Raise a ValueError where the small network cannot grow, or not to the large one."""
    blocks = (small.encoder_block, small.decoder_block, small.norm, small.encoder_backbone)
    if blocks != ("plain", "modulated", "none", None):
        raise ValueError("only models with plain encoder blocks without norm and a modulated decoder can grow.")
    if small.activation not in POSITIVE:
        raise ValueError(f"only models with {' or '.join(POSITIVE)} can grow: others bend the mean of a square.")
    wanted = {name: getattr(small, name) for name in NETWORK_FIELDS if name != "image_size"}
    wanted["hidden_channels"] = [max(large.hidden_channels[0], large.num_channels), *small.hidden_channels]
    widths, scales = small.decoder_widths, len(small.hidden_channels) + 1
    widths += widths[-1:] * (scales - len(widths))  # one for each halving: the last scale is as wide as that before it
    wanted["decoder_channels"] = [*widths, large.decoder_widths[-1]]
    wanted["decoder_layers"] = max(small.decoder_layers, large.decoder_layers)  # further ones are silent at first
    wrong = [f"model.{name}={value}" for name, value in wanted.items() if getattr(large, name) != value]
    if wrong:
        raise ValueError(f"a model of half the size grows to one with {', '.join(wrong)}: set these in the recipe.")
