"""The image VAE: an encoder to a diagonal Gaussian, a decoder from one global latent, and their negative ELBO.

Letters in the shapes: N pictures, C channels, H height, W width, D latent dimensions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedModel
from transformers import initialization as init
from transformers.utils import ModelOutput

from .blocks import ModulatedUp, Modulation, PlainDown, PlainUp, ResidualDown, ResidualUp, activation
from .configuration_image_vae import VAEConfig
from .elbo import free_bits, kl_divergence, precise, reconstruction_nll
from .posterior import DiagonalGaussian


@dataclass
class VAEOutput(ModelOutput):
    """What `VAEModel.forward` returns.

    Args:
        loss: scalar, nats per picture: reconstruction_loss + kl_weight * kl.
        reconstruction: [N, C, H, W] in [0, 1].
        mean: [N, D], of the posterior.
        logvar: [N, D], of the posterior.
        latents: [N, D], what was decoded.
        reconstruction_loss: scalar, -log p(x|z) in nats per picture.
        kl: scalar, KL(q(z|x) || N(0, I)) in nats per picture (with free bits, where there are any).
    """

    loss: Tensor | None = None
    reconstruction: Tensor | None = None
    mean: Tensor | None = None
    logvar: Tensor | None = None
    latents: Tensor | None = None
    reconstruction_loss: Tensor | None = None
    kl: Tensor | None = None


class ConvEncoder(nn.Module):
    """[N, C, H, W] -> [N, hidden_channels[-1] * h * w], where (h, w) is the coarsest grid."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        block = {"plain": PlainDown, "residual": ResidualDown}[config.encoder_block]
        widths = [config.num_channels, *config.hidden_channels]
        if config.encoder_block == "residual":
            self.stem: nn.Module = nn.Conv2d(config.num_channels, widths[1], 3, padding=1)
            widths[0] = widths[1]
            self.last: nn.Module = activation(config)
        else:
            self.stem, self.last = nn.Identity(), nn.Identity()
        self.blocks = nn.ModuleList(block(config, *pair) for pair in zip(widths, widths[1:], strict=False))
        self.features = config.hidden_channels[-1] * config.grid[0] * config.grid[1]

    def forward(self, pixel_values: Tensor) -> Tensor:
        hidden = self.stem(pixel_values)
        for block in self.blocks:
            hidden = block(hidden)
        result: Tensor = self.last(hidden).flatten(1)
        return result


class BackboneEncoder(nn.Module):
    """A vision model of transformers: [N, C, H, W] in [0, 1] -> its last feature map or tokens, flat, [N, F]."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        backbone_config = AutoConfig.for_model(**(config.encoder_backbone or {}))
        self.backbone = AutoModel.from_config(backbone_config)
        self.mean, self.std = config.backbone_mean, config.backbone_std
        self.frozen = config.freeze_backbone
        self.backbone.requires_grad_(not self.frozen)
        parameter = next(self.backbone.parameters())
        blank = torch.zeros(
            1, config.num_channels, *config.height_and_width, device=parameter.device, dtype=parameter.dtype
        )
        training = self.backbone.training
        with torch.no_grad():  # the shape of its output is known only to the backbone itself
            self.features = self.eval()(blank).shape[1]
        self.train(training)

    def train(self, mode: bool = True) -> BackboneEncoder:
        super().train(mode)
        if self.frozen:  # batch statistics are weights too
            self.backbone.eval()
        return self

    def forward(self, pixel_values: Tensor) -> Tensor:
        mean = pixel_values.new_tensor(self.mean)[:, None, None]
        std = pixel_values.new_tensor(self.std)[:, None, None]
        normalised = (pixel_values - mean) / std  # one grey channel becomes three by broadcasting
        result: Tensor = self.backbone(normalised).last_hidden_state.flatten(1)
        return result


class ConvDecoder(nn.Module):
    """Latents [N, D] -> logits of the pixel values [N, C, H, W], by plain or residual blocks."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        widths, levels = list(config.decoder_widths), len(config.hidden_channels)
        self.grid = (widths[0], *config.grid)
        self.stem = nn.Linear(config.latent_dim, widths[0] * config.grid[0] * config.grid[1])
        self.act = nn.Identity() if config.bare_stem else activation(config)
        if config.decoder_block == "plain":
            ends_in_picture = len(widths) == levels
            widths += [config.num_channels] if ends_in_picture else []
            self.blocks = nn.ModuleList(
                PlainUp(config, widths[i], widths[i + 1], last=ends_in_picture and i == levels - 1)
                for i in range(levels)
            )
            to_picture: list[nn.Module] = []
            if not ends_in_picture:
                to_picture = [nn.Conv2d(widths[-1], config.num_channels, 3, padding=1)]
        else:
            widths += widths[-1:] if len(widths) == levels else []
            self.blocks = nn.ModuleList(ResidualUp(config, widths[i], widths[i + 1]) for i in range(levels))
            to_picture = [activation(config), nn.Conv2d(widths[-1], config.num_channels, 3, padding=1)]
        self.to_picture = nn.Sequential(*to_picture)

    def forward(self, latents: Tensor) -> Tensor:
        hidden = self.act(self.stem(latents)).unflatten(1, self.grid)  # [N, D] -> [N, C, h, w]
        for block in self.blocks:
            hidden = block(hidden)
        result: Tensor = self.to_picture(hidden)
        return result


class ToPicture(nn.Conv2d):
    """A feature map's own addition to the logits of the picture, faint at first, so that the picture begins greyish.

    Where they begin at full strength, their sum is of colours so pure that the sigmoid hardly has a slope there.
    """

    FAINT = 0.1


class ModulatedDecoder(nn.Module):
    """Latents [N, D] -> logits of the pixel values [N, C, H, W]; the latent speaks at every scale.

    Each scale adds its own picture to the enlarged picture of the scale before (Karras et al. 2020, StyleGAN2).
    """

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        widths, levels = list(config.decoder_widths), len(config.hidden_channels)
        widths += widths[-1:] if len(widths) == levels else []
        self.grid = (widths[0], *config.grid)
        self.stem = nn.Linear(config.latent_dim, widths[0] * config.grid[0] * config.grid[1])
        self.style = nn.Sequential(nn.Linear(config.latent_dim, config.modulation_dim), activation(config))
        self.act = nn.Identity() if config.bare_stem else activation(config)
        self.blocks = nn.ModuleList(ModulatedUp(config, widths[i], widths[i + 1]) for i in range(levels))
        self.to_picture = nn.ModuleList(
            ToPicture(width, config.num_channels, 1 if scale < levels else 3, padding=0 if scale < levels else 1)
            for scale, width in enumerate(widths)
        )

    def forward(self, latents: Tensor) -> Tensor:
        style = self.style(latents)
        hidden = self.act(self.stem(latents)).unflatten(1, self.grid)  # [N, D] -> [N, C, h, w]
        picture = self.to_picture[0](hidden)
        for block, to_picture in zip(self.blocks, self.to_picture[1:], strict=True):
            hidden = block(hidden, style)
            picture = F.interpolate(picture, scale_factor=2.0, mode="bilinear", align_corners=False)
            picture = picture + to_picture(hidden)
        result: Tensor = picture
        return result


class VAEPreTrainedModel(PreTrainedModel):
    config_class = VAEConfig
    base_model_prefix = "vae"
    main_input_name = "pixel_values"
    input_modalities = "image"
    supports_gradient_checkpointing = True

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """He initialisation for the leaky activations; what is silent at first starts at zero, and colours faintly."""
        if isinstance(module, Modulation) and module.silent:
            init.zeros_(module.weight)
            init.zeros_(module.bias)
        elif isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            if isinstance(module, ToPicture):
                init.normal_(module.weight, std=module.FAINT / math.sqrt(module.weight[0].numel()))
            else:
                init.kaiming_normal_(module.weight, a=self.config.negative_slope)
            if module.bias is not None:
                init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm):
            super()._init_weights(module)  # type: ignore[no-untyped-call]


class VAEModel(VAEPreTrainedModel):
    """A variational autoencoder of pictures with one global latent.

    ```python
    model = VAEModel(VAEConfig(image_size=64, latent_dim=128, hidden_channels=[32, 64, 128, 256]))
    posterior = model.encode(pixel_values)          # pixel_values [N, C, H, W] in [0, 1]
    reconstruction = model.decode(posterior.mean)   # [N, C, H, W] in [0, 1]
    ```
    """

    def __init__(self, config: VAEConfig) -> None:
        super().__init__(config)
        self.encoder = ConvEncoder(config) if config.encoder_backbone is None else BackboneEncoder(config)
        self.to_posterior = _to_posterior(config, self.encoder.features)
        self.decoder = (ModulatedDecoder if config.decoder_block == "modulated" else ConvDecoder)(config)
        self.post_init()  # type: ignore[no-untyped-call]

    @classmethod
    def from_backbone(cls, config: VAEConfig, backbone: str, **kwargs: Any) -> VAEModel:
        """A new VAE whose encoder is a pretrained vision model of transformers, weights and all.

        Args:
            config: of the VAE; its `encoder_backbone` is filled in.
            backbone: folder or Hub id of a model whose `last_hidden_state` is a feature map or a list of tokens.
            kwargs: for `AutoModel.from_pretrained` (`revision`, `token`, ...).
        """
        pretrained = AutoModel.from_pretrained(backbone, dtype=torch.float32, **kwargs)
        values = pretrained.config.to_dict()
        # where it was loaded from is nobody's business but the loader's, and the classes are its lost head's
        unneeded = ("_name_or_path", "id2label", "label2id")
        config.encoder_backbone = {name: value for name, value in values.items() if name not in unneeded}
        model = cls(config)
        model.get_submodule("encoder.backbone").load_state_dict(pretrained.state_dict())
        return model

    def encode(self, pixel_values: Tensor) -> DiagonalGaussian:
        """The posterior q(z|x) of each picture.

        Args:
            pixel_values: [N, C, H, W] in [0, 1].

        Returns:
            Its mean and logvar, each [N, D].
        """
        expected = (self.config.num_channels, *self.config.height_and_width)
        if pixel_values.ndim != 4 or tuple(pixel_values.shape[1:]) != expected:
            raise ValueError(
                f"pixel_values has shape {tuple(pixel_values.shape)}: give [N, {', '.join(map(str, expected))}], "
                "as VAEImageProcessor makes them."
            )
        mean, logvar = self.to_posterior(self.encoder(pixel_values)).chunk(2, dim=1)
        # Beyond these bounds a variance is 0 or infinite in half precision; no trained posterior comes near them.
        return DiagonalGaussian(mean, logvar.clamp(-14.0, 10.0))

    def decode(self, latents: Tensor) -> Tensor:
        """The mean picture of each latent: latents [N, D] -> [N, C, H, W] in [0, 1], at least float32."""
        if latents.ndim != 2 or latents.shape[1] != self.config.latent_dim:
            raise ValueError(
                f"latents has shape {tuple(latents.shape)}: give [N, {self.config.latent_dim}], as this model's "
                f"latent_dim is {self.config.latent_dim}."
            )
        # in half precision the sigmoid of a logit of 6.5 would be 1, and the steps between grey levels uneven
        return torch.sigmoid(precise(self.decoder(latents)))

    def forward(
        self,
        pixel_values: Tensor,
        sample_posterior: bool = True,
        generator: torch.Generator | None = None,
        return_dict: bool | None = None,
    ) -> VAEOutput | tuple[Any, ...]:
        """The negative ELBO of the pictures, and all that it is made of.

        Args:
            pixel_values: [N, C, H, W] in [0, 1].
            sample_posterior: decode a sample of the posterior (the ELBO's one-sample estimate), or else its mean.
            generator: of the sample's noise.
            return_dict: `False` for a plain tuple.
        """
        posterior = self.encode(pixel_values)
        latents = posterior.sample(generator) if sample_posterior else posterior.mean
        reconstruction = self.decode(latents)
        config = self.config
        nll = reconstruction_nll(reconstruction, pixel_values, config.likelihood, config.variance).mean()
        kl = free_bits(kl_divergence(posterior.mean, posterior.logvar), config.free_bits)
        output = VAEOutput(
            loss=nll + config.kl_weight * kl,
            reconstruction=reconstruction,
            mean=posterior.mean,
            logvar=posterior.logvar,
            latents=latents,
            reconstruction_loss=nll,
            kl=kl,
        )
        return output if return_dict is None or return_dict else output.to_tuple()


def _to_posterior(config: VAEConfig, features: int) -> nn.Module:
    """[N, features] -> mean and logvar [N, 2D], through a dense layer where the configuration has one."""
    if config.encoder_dense is None:
        return nn.Linear(features, 2 * config.latent_dim)
    dense = nn.Linear(features, config.encoder_dense)
    return nn.Sequential(dense, activation(config), nn.Linear(config.encoder_dense, 2 * config.latent_dim))


VAEModel.register_for_auto_class("AutoModel")  # type: ignore[no-untyped-call]
