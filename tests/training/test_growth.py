"""A grown model begins as the small one: the same posterior, and the same picture, enlarged."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from tiny import tiny_model

from modeling_vae import VAEConfig, VAEModel
from modeling_vae.training.growth import grown, is_twice


def small_model(**options) -> VAEModel:
    torch.manual_seed(0)
    model = tiny_model(decoder_block="modulated", hidden_channels=[8, 16], decoder_channels=[16, 8, 8], **options)
    for weight in model.parameters():  # biases too, so that one left behind would be seen
        torch.nn.init.normal_(weight, std=0.1)
    return model


def twice(config: VAEConfig, **options) -> VAEConfig:
    values = config.to_dict()
    values["image_size"] = [2 * side for side in config.height_and_width]
    values["hidden_channels"] = [6, *config.hidden_channels]
    values["decoder_channels"] = [*config.decoder_widths, 8]
    return VAEConfig(**(values | options))


def pixels(side: int) -> torch.Tensor:
    return torch.rand(4, 3, side, side, generator=torch.Generator().manual_seed(1))


def test_the_posterior_is_that_of_the_picture_at_half_the_size():
    small = small_model()
    large = grown(small, twice(small.config))
    pictures = pixels(2 * small.config.height_and_width[0])
    ours, theirs = large.encode(pictures), small.encode(F.avg_pool2d(pictures, 2))
    torch.testing.assert_close(ours.mean, theirs.mean, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(ours.logvar, theirs.logvar, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layers", [1, 2])
def test_the_picture_is_the_small_one_enlarged(layers):
    small = small_model()
    last = small.decoder.to_picture[-1].weight
    with torch.no_grad():  # a convolution that looks at its own place only: then nothing is lost
        last.copy_(last * F.pad(torch.ones(1, 1, 1, 1), (1, 1, 1, 1)))
    large = grown(small, twice(small.config, decoder_layers=layers))
    latents = torch.randn(4, small.config.latent_dim)
    enlarged = F.interpolate(small.decoder(latents), scale_factor=2.0, mode="bilinear", align_corners=False)
    torch.testing.assert_close(large.decoder(latents), enlarged, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("channels", [None, [16, 8]])
def test_one_width_for_each_halving_counts_the_last_twice(channels):
    torch.manual_seed(0)
    small = tiny_model(decoder_block="modulated", hidden_channels=[8, 16], decoder_channels=channels)
    large = grown(small, twice(small.config, decoder_channels=[16, 8, 8, 4]))
    pictures = pixels(2 * small.config.height_and_width[0])
    torch.testing.assert_close(large.encode(pictures).mean, small.encode(F.avg_pool2d(pictures, 2)).mean)
    with pytest.raises(ValueError, match=r"decoder_channels=\[16, 8, 8, 4\]"):
        grown(small, twice(small.config, decoder_channels=[16, 8, 4]))


def test_every_weight_of_the_new_scale_can_learn():
    small = small_model()
    large = grown(small, twice(small.config))
    before = {name: weight.clone() for name, weight in large.named_parameters()}
    optimizer = torch.optim.SGD(large.parameters(), lr=1e-4)
    for _ in range(2):  # what is silent hears of the error once what lies behind it speaks
        optimizer.zero_grad()
        large(pixels(2 * small.config.height_and_width[0])).loss.backward()
        optimizer.step()
    assert [name for name, weight in large.named_parameters() if torch.equal(weight, before[name])] == []


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"latent_dim": 9}, "latent_dim=8"),
        ({"hidden_channels": [8, 8, 16, 16], "decoder_channels": None}, r"hidden_channels=\[8, 8, 16\]"),
        ({"hidden_channels": [2, 8, 16]}, r"hidden_channels=\[3, 8, 16\]"),
        ({"norm": "batch"}, "norm=none"),
    ],
)
def test_another_network_is_refused_by_name(options, named):
    small = small_model()
    with pytest.raises(ValueError, match=named):
        grown(small, twice(small.config, **options))


@pytest.mark.parametrize("options", [{"norm": "group"}, {"decoder_block": "plain"}, {"activation": "silu"}])
def test_only_what_can_be_grown_is(options):
    model = tiny_model(**({"decoder_block": "modulated"} | options))
    with pytest.raises(ValueError, match="only models with"):
        grown(model, twice(model.config))


def test_twice_is_about_both_sides():
    sizes = [VAEConfig(image_size=size) for size in ([32, 64], [64, 128], [64, 64])]
    assert is_twice(sizes[0], sizes[1]) and not is_twice(sizes[0], sizes[2]) and not is_twice(sizes[1], sizes[0])
