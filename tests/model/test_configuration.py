"""Configurations: what is possible, and how the impossible is refused."""

import pytest
from huggingface_hub.errors import StrictDataclassError

from modeling_vae import VAEConfig


@pytest.mark.parametrize(
    ("values", "grid"),
    [
        ({}, (4, 4)),
        ({"image_size": [224, 192], "hidden_channels": [32, 64, 128, 256, 512]}, (7, 6)),
        ({"image_size": 28, "num_channels": 1, "hidden_channels": [32, 64]}, (7, 7)),
        ({"image_size": 256, "hidden_channels": [8] * 6}, (4, 4)),
    ],
)
def test_sizes(values, grid):
    config = VAEConfig(**values)
    assert config.grid == grid
    assert config.dimensions == config.num_channels * config.image_size[0] * config.image_size[1]


def test_a_round_trip_keeps_every_value(tmp_path):
    config = VAEConfig(
        image_size=[224, 192], hidden_channels=(8, 8, 8), decoder_channels=(32, 16, 8, 4), decoder_block="modulated",
        likelihood="laplace", variance=0.5, kl_weight=2, free_bits=0.1, norm="group",
    )  # fmt: skip
    config.save_pretrained(tmp_path)
    assert VAEConfig.from_pretrained(tmp_path).to_dict() == config.to_dict()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"image_size": 65}, ["image_size", "65", "divisible by 16", "[64, 64]"]),
        ({"image_size": 27}, ["image_size", "27", "28 to 256"]),
        ({"image_size": 512}, ["image_size", "512", "28 to 256"]),
        ({"image_size": [64, 64, 64]}, ["image_size", "[height, width]"]),
        ({"num_channels": 2}, ["num_channels", "2", "1, 3"]),
        ({"latent_dim": 0}, ["latent_dim", "0", "1 to 1024"]),
        ({"latent_dim": 1025}, ["latent_dim", "1025"]),
        ({"latent_dim": "128"}, ["latent_dim", "int", "'128'"]),
        ({"hidden_channels": []}, ["hidden_channels", "[]", "at least one"]),
        ({"hidden_channels": [32, 0]}, ["hidden_channels", "0", "1 to 4096"]),
        ({"hidden_channels": "32"}, ["hidden_channels", "32"]),
        ({"decoder_channels": [8]}, ["decoder_channels", "[8]", "4 entries", "5"]),
        ({"decoder_layers": 2, "activation": "relu"}, ["activation", "relu", "silu or gelu"]),
        ({"encoder_block": "transformer"}, ["encoder_block", "transformer", "residual"]),
        ({"likelihood": "poisson"}, ["likelihood", "poisson", "bernoulli"]),
        ({"variance": 0.0}, ["variance", "0.0", "optimal"]),
        ({"variance": "best"}, ["variance", "best"]),
        ({"kl_weight": -1.0}, ["kl_weight", "-1.0", "at least 0"]),
        ({"kl_weight": float("nan")}, ["kl_weight", "nan"]),
        ({"dropout": 1.0}, ["dropout", "1.0"]),
        ({"negative_slope": 1.0}, ["negative_slope", "1.0"]),
        ({"negative_slope": -0.1}, ["negative_slope", "-0.1"]),
        ({"encoder_dense": 0}, ["encoder_dense", "0", "or none at all"]),
        ({"batch_norm_momentum": 0.0}, ["batch_norm_momentum", "0.0"]),
        ({"batch_norm_eps": 0.0}, ["batch_norm_eps", "0.0"]),
        ({"backbone_std": [1.0, 0.0, 1.0]}, ["backbone_std"]),
    ],
)
def test_impossible_values_are_refused_with_field_value_and_remedy(values, words):
    with pytest.raises(StrictDataclassError) as refusal:
        VAEConfig(**values)
    for word in words:
        assert word in str(refusal.value)
