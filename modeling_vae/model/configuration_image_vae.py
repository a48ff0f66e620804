"""The configuration of one image VAE: a network and its likelihood, described by values."""

import math
from typing import Any, Literal

from huggingface_hub.dataclasses import strict
from transformers import PreTrainedConfig

SMALLEST_SIDE, LARGEST_SIDE = 28, 256
LARGEST_LATENT = 1024
LARGEST_WIDTH = 4096


@strict
class VAEConfig(PreTrainedConfig):
    r"""
    Configuration of a [`VAEModel`].

    The list `hidden_channels` is the architecture: the encoder has one block per entry, each of which halves the
    picture. The decoder mirrors it unless `decoder_channels` says otherwise.

    Args:
        image_size (`int` or `[height, width]`, defaults to 64):
            Size of the pictures in pixels, 28 to 256 a side, divisible by 2 to the power of the number of blocks.
            Kept as `[height, width]`.
        num_channels (`int`, defaults to 3): 1 (grey) or 3 (RGB).
        latent_dim (`int`, defaults to 128): Width D of the latent, 1 to 1024.
        hidden_channels (`list[int]`): Channels after each halving.
        decoder_channels (`list[int]`, *optional*):
            Channels before each doubling, coarsest first; one more entry gives the channels at full size. The
            default is `hidden_channels` reversed.
        encoder_block (`str`): `"plain"` (one strided convolution) or `"residual"` (He et al. 2016, pre-activation).
        decoder_block (`str`):
            `"plain"` (one transposed convolution), `"residual"` (upsample, then a residual block) or `"modulated"`
            (upsample and convolve, with a scale and a shift per channel read from the latent at every scale, and a
            picture summed over the scales as in StyleGAN2, Karras et al. 2020).
        decoder_layers (`int`, defaults to 1):
            Convolutions at each scale of a modulated decoder, 1 to 8. All after the first add to what came before, and
            begin by adding nothing.
        modulation_dim (`int`, defaults to 128): Width of the map of the latent that modulates.
        kernel_size (`int`, defaults to 4): 3 or 4, of plain blocks.
        norm (`str`): `"none"`, `"batch"` or `"group"` (groups of 8 channels). Modulated blocks always use groups.
        batch_norm_momentum (`float`, defaults to 0.1), batch_norm_eps (`float`, defaults to 1e-5):
            As `torch.nn.BatchNorm2d` takes them; Keras's momentum is one minus this.
        activation (`str`): `"leaky_relu"`, `"relu"`, `"silu"` or `"gelu"`.
        negative_slope (`float`, defaults to 0.2): Of `"leaky_relu"`, in [0, 1).
        encoder_dense (`int`, *optional*):
            Width of a dense layer with an activation between the encoder's blocks and the posterior.
        bare_stem (`bool`, defaults to `False`): No activation after the decoder's dense layer.
        dropout (`float`, defaults to 0.0): After each plain block but the last, in [0, 1).
        encoder_backbone (`dict`, *optional*):
            Configuration (as `to_dict()` gives it) of a transformers vision model that replaces the encoder's
            blocks. `VAEModel.from_backbone` fills it in and loads its weights.
        freeze_backbone (`bool`, defaults to `False`): Keep the backbone's weights and statistics as they came.
        backbone_mean, backbone_std (`list[float]`): What the backbone's inputs are normalised by.
        likelihood (`str`): `"bernoulli"`, `"gaussian"` or `"laplace"`, of a pixel value given the latent.
        variance (`float` or `"optimal"`):
            Variance of a Gaussian or Laplace likelihood, or the closed-form optimum over each batch (sigma-VAE,
            Rybkin, Daniilidis and Levine 2021).
        kl_weight (`float`, defaults to 1.0): Factor of the KL term ("beta", Higgins et al. 2017).
        free_bits (`float`, defaults to 0.0): Nats per latent dimension that cost nothing (Kingma et al. 2016).
    """

    model_type = "image_vae"

    image_size: int | list[int] | tuple[int, int] = 64
    num_channels: Literal[1, 3] = 3
    latent_dim: int = 128
    hidden_channels: list[int] | tuple[int, ...] = (32, 64, 128, 256)
    decoder_channels: list[int] | tuple[int, ...] | None = None
    encoder_block: Literal["plain", "residual"] = "plain"
    decoder_block: Literal["plain", "residual", "modulated"] = "plain"
    decoder_layers: int = 1
    modulation_dim: int = 128
    kernel_size: Literal[3, 4] = 4
    norm: Literal["none", "batch", "group"] = "none"
    batch_norm_momentum: float | int = 0.1
    batch_norm_eps: float | int = 1e-5
    activation: Literal["leaky_relu", "relu", "silu", "gelu"] = "leaky_relu"
    negative_slope: float | int = 0.2
    encoder_dense: int | None = None
    bare_stem: bool = False
    dropout: float | int = 0.0
    encoder_backbone: dict[str, Any] | None = None
    freeze_backbone: bool = False
    backbone_mean: list[float] | tuple[float, ...] = (0.485, 0.456, 0.406)
    backbone_std: list[float] | tuple[float, ...] = (0.229, 0.224, 0.225)
    likelihood: Literal["bernoulli", "gaussian", "laplace"] = "gaussian"
    variance: float | int | Literal["optimal"] = "optimal"
    kl_weight: float | int = 1.0
    free_bits: float | int = 0.0

    def __post_init__(self, **kwargs: Any) -> None:
        size = self.image_size
        self.image_size = [size, size] if isinstance(size, int) else list(size)
        self.hidden_channels = list(self.hidden_channels)
        if self.decoder_channels is not None:
            self.decoder_channels = list(self.decoder_channels)
        self.backbone_mean, self.backbone_std = list(self.backbone_mean), list(self.backbone_std)
        super().__post_init__(**kwargs)  # type: ignore[no-untyped-call]

    @property
    def dimensions(self) -> int:
        """Values in one picture: channels x height x width."""
        height, width = self.height_and_width
        return self.num_channels * height * width

    @property
    def height_and_width(self) -> tuple[int, int]:
        """`image_size` as a pair."""
        height, width = self.image_size  # type: ignore[misc]  # made a list in __post_init__
        return height, width

    @property
    def grid(self) -> tuple[int, int]:
        """(height, width) of the coarsest feature map."""
        factor = 2 ** len(self.hidden_channels)
        height, width = self.height_and_width
        return height // factor, width // factor

    @property
    def decoder_widths(self) -> list[int]:
        """Channels of the decoder's feature maps, coarsest first; one for each halving, or one more."""
        return list(self.decoder_channels or self.hidden_channels[::-1])

    def validate_sizes(self) -> None:
        sides: list[int] = self.image_size  # type: ignore[assignment]  # made a list in __post_init__
        _refuse(
            len(sides) != 2 or not all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in sides),
            "image_size",
            sides,
            f"one side or [height, width], each from {SMALLEST_SIDE} to {LARGEST_SIDE}",
        )
        factor = 2 ** len(self.hidden_channels)
        _refuse(
            any(side % factor for side in sides),
            "image_size",
            sides,
            f"sides divisible by {factor}, since hidden_channels has {len(self.hidden_channels)} entries and each "
            f"halves the picture (for instance {[max(1, round(side / factor)) * factor for side in sides]})",
        )

    def validate_channels(self) -> None:
        levels = len(self.hidden_channels)
        for name, widths in (("hidden_channels", self.hidden_channels), ("decoder_channels", self.decoder_channels)):
            if widths is None:
                continue
            _refuse(not widths, name, widths, "a list with at least one entry, such as [32, 64, 128, 256]")
            _refuse(
                not all(1 <= width <= LARGEST_WIDTH for width in widths),
                name,
                widths,
                f"channel counts from 1 to {LARGEST_WIDTH}",
            )
        if self.decoder_channels is not None:
            _refuse(
                len(self.decoder_channels) not in (levels, levels + 1),
                "decoder_channels",
                self.decoder_channels,
                f"{levels} entries (one per doubling, as hidden_channels has {levels}), or {levels + 1} with the "
                "channels at full size",
            )
        _refuse(
            self.decoder_layers > 1 and self.activation == "relu",
            "activation",
            self.activation,
            "leaky_relu, silu or gelu, as decoder_layers is more than 1: a layer that begins by adding nothing never "
            "learns through relu",
        )
        for name, least, most in (
            ("latent_dim", 1, LARGEST_LATENT),
            ("modulation_dim", 1, LARGEST_WIDTH),
            ("decoder_layers", 1, 8),
        ):
            value = getattr(self, name)
            _refuse(not least <= value <= most, name, value, f"a whole number from {least} to {most}")
        _refuse(
            self.encoder_dense is not None and not 1 <= self.encoder_dense <= LARGEST_WIDTH,
            "encoder_dense",
            self.encoder_dense,
            f"a whole number from 1 to {LARGEST_WIDTH}, or none at all",
        )

    def validate_layers(self) -> None:
        for name in ("negative_slope", "dropout"):
            value = getattr(self, name)
            _refuse(not 0 <= value < 1, name, value, "a share from 0 up to, not including, 1")
        momentum, eps = self.batch_norm_momentum, self.batch_norm_eps
        _refuse(not 0 < momentum <= 1, "batch_norm_momentum", momentum, "a share above 0, up to 1")
        _refuse(not 0 < eps <= 1, "batch_norm_eps", eps, "a number above 0, up to 1")

    def validate_objective(self) -> None:
        for name in ("kl_weight", "free_bits"):
            value = getattr(self, name)
            _refuse(not 0 <= value < float("inf"), name, value, "a finite number of at least 0")
        if self.variance != "optimal":
            _refuse(not 0 < self.variance < float("inf"), "variance", self.variance, 'a number above 0, or "optimal"')
        for name in ("backbone_mean", "backbone_std"):
            value = getattr(self, name)
            finite = len(value) == 3 and all(map(math.isfinite, value))
            _refuse(not finite, name, value, "three finite numbers, one per colour")
        _refuse(not all(self.backbone_std), "backbone_std", self.backbone_std, "three numbers other than 0")


def _refuse(wrong: bool, field: str, value: Any, remedy: str) -> None:
    if wrong:
        raise ValueError(f"{field}={value!r} is not possible: give {remedy}.")


VAEConfig.register_for_auto_class()  # type: ignore[no-untyped-call]
