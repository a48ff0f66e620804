"""The convolutional blocks: those of the encoder halve a feature map, those of the decoder double it."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn
from transformers.modeling_layers import GradientCheckpointingLayer

from .configuration_image_vae import VAEConfig

GROUP_CHANNELS = 8


def activation(config: VAEConfig) -> nn.Module:
    """The activation that a configuration names."""
    if config.activation == "leaky_relu":
        return nn.LeakyReLU(config.negative_slope)
    result: nn.Module = {"relu": nn.ReLU, "silu": nn.SiLU, "gelu": nn.GELU}[config.activation]()
    return result


def normalization(config: VAEConfig, channels: int) -> nn.Module:
    """The one that a configuration names: none, a batch norm, or `grouped`."""
    if config.norm == "none":
        return nn.Identity()
    if config.norm == "batch":
        return nn.BatchNorm2d(channels, config.batch_norm_eps, config.batch_norm_momentum)
    return grouped(channels)


def grouped(channels: int) -> nn.GroupNorm:
    """A norm of groups of 8 channels, of one group where 8 does not divide their number."""
    return nn.GroupNorm(channels // GROUP_CHANNELS if channels % GROUP_CHANNELS == 0 else 1, channels)


class PlainDown(GradientCheckpointingLayer):
    """One strided convolution: [N, C, H, W] -> [N, C', H/2, W/2]."""

    def __init__(self, config: VAEConfig, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, config.kernel_size, stride=2, padding=1)
        self.norm = normalization(config, out_channels)
        self.act = activation(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        result: Tensor = self.dropout(self.act(self.norm(self.conv(hidden))))
        return result


class PlainUp(GradientCheckpointingLayer):
    """One transposed convolution: [N, C, H, W] -> [N, C', 2H, 2W]; the last one of a decoder is bare."""

    def __init__(self, config: VAEConfig, in_channels: int, out_channels: int, last: bool = False) -> None:
        super().__init__()
        kernel = config.kernel_size
        self.conv = nn.ConvTranspose2d(
            in_channels, out_channels, kernel, stride=2, padding=1, output_padding=kernel % 2
        )
        self.after = (
            nn.Identity()
            if last
            else nn.Sequential(normalization(config, out_channels), activation(config), nn.Dropout(config.dropout))
        )

    def forward(self, hidden: Tensor) -> Tensor:
        result: Tensor = self.after(self.conv(hidden))
        return result


class ResidualBlock(nn.Module):
    """Pre-activation residual block (He et al. 2016): [N, C, H, W] -> [N, C', H, W]."""

    def __init__(self, config: VAEConfig, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            normalization(config, in_channels),
            activation(config),
            nn.Conv2d(in_channels, out_channels, 3, padding=1),
            normalization(config, out_channels),
            activation(config),
            nn.Conv2d(out_channels, out_channels, 3, padding=1),
        )
        self.skip = nn.Identity() if in_channels == out_channels else nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, hidden: Tensor) -> Tensor:
        result: Tensor = self.skip(hidden) + self.body(hidden)
        return result


class ResidualDown(GradientCheckpointingLayer):
    """A residual block, then the mean of each 2 x 2 square: [N, C, H, W] -> [N, C', H/2, W/2]."""

    def __init__(self, config: VAEConfig, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.block = ResidualBlock(config, in_channels, out_channels)

    def forward(self, hidden: Tensor) -> Tensor:
        return F.avg_pool2d(self.block(hidden), 2)


class ResidualUp(GradientCheckpointingLayer):
    """Nearest-neighbour upsampling, then a residual block: [N, C, H, W] -> [N, C', 2H, 2W]."""

    def __init__(self, config: VAEConfig, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.block = ResidualBlock(config, in_channels, out_channels)

    def forward(self, hidden: Tensor) -> Tensor:
        result: Tensor = self.block(F.interpolate(hidden, scale_factor=2.0, mode="nearest"))
        return result


class Modulation(nn.Linear):
    """Style [N, M] -> scale and shift of each channel, [N, 2C].

    Whoever uses them adds 1 to the scales, unless it is `silent`: then both begin at 0 (Goyal et al. 2017).
    """

    def __init__(self, style_dim: int, channels: int, silent: bool) -> None:
        super().__init__(style_dim, 2 * channels)
        self.silent = silent


class ModulatedConv(nn.Module):
    """A 3 x 3 convolution, normalised, then scaled and shifted per channel by the latent.

    [N, C, H, W] -> [N, C', H, W]. The modulation is that of adaptive instance normalisation (Huang and Belongie 2017),
    over groups of channels.
    """

    def __init__(self, config: VAEConfig, in_channels: int, out_channels: int, silent: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.norm = grouped(out_channels)
        self.modulation = Modulation(config.modulation_dim, out_channels, silent)
        self.act = activation(config)

    def forward(self, hidden: Tensor, style: Tensor) -> Tensor:
        scale, shift = self.modulation(style)[:, :, None, None].chunk(2, dim=1)  # each [N, C', 1, 1]
        scale = scale if self.modulation.silent else 1 + scale
        result: Tensor = self.act(self.norm(self.conv(hidden)) * scale + shift)
        return result


class ModulatedUp(GradientCheckpointingLayer):
    """Upsampling, then modulated convolutions: hidden [N, C, H, W], style [N, M] -> [N, C', 2H, 2W].

    All after the first add to what came before (He et al. 2016), and begin by adding nothing.
    """

    def __init__(self, config: VAEConfig, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([ModulatedConv(config, in_channels, out_channels)])
        for _ in range(config.decoder_layers - 1):
            self.layers.append(ModulatedConv(config, out_channels, out_channels, silent=True))

    def forward(self, hidden: Tensor, style: Tensor) -> Tensor:
        hidden = F.interpolate(hidden, scale_factor=2.0, mode="nearest")
        first, *further = self.layers
        hidden = first(hidden, style)
        for layer in further:
            hidden = hidden + layer(hidden, style)
        return hidden
