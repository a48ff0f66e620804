"""The perceptual distance: what it compares, in which places, and through which network."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from transformers import AutoModel, ViTConfig, ViTModel

from modeling_vae.training import perceptual
from modeling_vae.training.perceptual import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    REACH,
    PerceptualDistance,
    details,
    fold_batch_norms,
    local_deviation,
    random_place,
)

from .making import pixels


def test_a_backbone_without_feature_maps_is_refused(tmp_path):
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_attention_heads": 1, "num_hidden_layers": 1}
    ViTModel(ViTConfig(image_size=32, patch_size=8, **sizes)).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="'embeddings' returns is no feature map"):
        PerceptualDistance(str(tmp_path), ["embeddings"]).features(pixels(1))


def test_the_perceptual_distance(backbone):
    distance = PerceptualDistance(str(backbone), ["conv_stem", "layer.1"])
    x = pixels(2)
    same, near, far = (distance(share * x, x) for share in (1.0, 0.95, 0.5))
    assert same.places == same.textures == 0
    assert 0 < near.places < far.places and 0 < near.textures < far.textures
    grey = distance(x[:, :1], x[:, :1].flip(3))
    assert grey.places > 0 and grey.textures > 0
    for term in ("places", "textures"):
        y = x.clone().requires_grad_()
        getattr(distance(y, 1 - x), term).backward()
        assert y.grad.isfinite().all() and y.grad.abs().sum() > 0
    flat = torch.full_like(x, 0.5).requires_grad_()
    distance(flat, x).textures.backward()
    assert flat.grad.isfinite().all()
    distance.train()
    assert not any(module.training for module in distance.modules())
    with pytest.raises(ValueError, match="has no module 'layer.99'; it has conv_stem"):
        PerceptualDistance(str(backbone), ["layer.99"])


def test_the_perceptual_distance_of_enlarged_pictures_and_of_a_part_of_the_batch(backbone, monkeypatch):
    layers, x = ["conv_stem", "layer.1"], pixels(4)
    y = x.flip(3)
    enlarged = [F.interpolate(p, scale_factor=2, mode="bicubic", antialias=True) for p in (y, x)]
    monkeypatch.setattr(perceptual, "random_place", lambda: (1, 3))
    as_it_is = PerceptualDistance(str(backbone), layers)
    twice = PerceptualDistance(str(backbone), layers, enlargement=2)
    torch.testing.assert_close(twice(y, x).places, as_it_is(*enlarged).places)
    # the pixels' own details are compared as they are: enlarging adds none
    assert twice(y, x).textures != as_it_is(*enlarged).textures
    half = PerceptualDistance(str(backbone), layers, batch_ratio=0.5)
    assert half(y, x)[:2] == as_it_is(y[:2], x[:2])[:2] != as_it_is(y, x)[:2]
    assert PerceptualDistance(str(backbone), layers, batch_ratio=0.01)(y, x)[:2] == as_it_is(y[:1], x[:1])[:2]


def test_a_comparison_holds_the_maps_that_were_compared(backbone, monkeypatch):
    monkeypatch.setattr(perceptual, "random_place", lambda: (4, 0))
    distance, x = PerceptualDistance(str(backbone), ["conv_stem", "layer.1"], batch_ratio=0.5), pixels(4)
    with torch.autocast("cpu", torch.bfloat16):
        compared = distance(x.flip(3).requires_grad_(), x)
    for found, pictures, learns in ((compared.outputs, x.flip(3), True), (compared.targets, x, False)):
        for maps, expected in zip(found, distance.features(pictures[:2], (4, 0)), strict=True):
            torch.testing.assert_close(maps, expected)
            assert maps.requires_grad is learns


def test_places_move_the_picture_on_a_larger_canvas(backbone):
    """What the network sees at one place it sees at another, moved; and pictures are compared at one and the same."""
    distance, x = PerceptualDistance(str(backbone), ["conv_stem"]), pixels(1)
    (canvas,), (moved,) = distance.features(x, (0, 0)), distance.features(x, (2, 4))
    assert canvas.shape[2:] == moved.shape[2:] == (18, 18)  # of a canvas of 36 x 36
    torch.testing.assert_close(moved[..., 4:16, 3:16], canvas[..., 2:14, 2:15])
    assert {random_place() for _ in range(500)} == {(i, j) for i in range(REACH + 1) for j in range(REACH + 1)}
    assert all(distance(x, x).places == 0 for _ in range(5))


def test_folded_batch_norms_compute_the_same(backbone):
    network = AutoModel.from_pretrained(backbone).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(generator=torch.Generator().manual_seed(0))
            module.running_var.uniform_(0.5, 2.0, generator=torch.Generator().manual_seed(1))
    x = pixels(2)
    expected = network(x).last_hidden_state
    found = fold_batch_norms(network)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in found.modules())
    torch.testing.assert_close(found(x).last_hidden_state, expected)


def test_a_layer_within_a_folded_one_is_still_seen_as_it_was(backbone):
    """What a convolution says before its batch norm, and the norm itself, may be compared too."""
    names = ["conv_stem.first_conv.convolution", "conv_stem.first_conv.normalization"]
    network, x = AutoModel.from_pretrained(backbone).eval(), pixels(2)
    seen: list[torch.Tensor] = []
    for name in names:
        network.get_submodule(name).register_forward_hook(lambda module, inputs, output: seen.append(output))
    mean, std = (torch.tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
    with torch.no_grad():
        network((x - mean) / std)
    for found, expected in zip(PerceptualDistance(str(backbone), names).features(x), seen, strict=True):
        torch.testing.assert_close(found, expected)


def test_details_are_what_the_mean_of_the_square_leaves():
    """Also in half precision under autocast; a flat picture and a slope of grey have none inside."""
    x = pixels(2)
    with torch.autocast("cpu", torch.bfloat16):
        found = details(x)
    expected = x - nn.functional.avg_pool2d(x, 3, 1, 1)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1])
    slope = torch.linspace(0, 1, 32).expand(1, 3, 32, 32)
    assert details(slope)[..., 1:-1].abs().max() < 1e-6
    assert details(torch.full_like(x, 0.7)).abs().max() < 1e-6


def test_the_local_deviation_is_that_of_each_cell():
    maps = torch.randn(2, 3, 16, 24, generator=torch.Generator().manual_seed(0))
    found = local_deviation(maps)
    cells = maps.unfold(2, 2, 2).unfold(3, 3, 3)  # 8 x 8 cells of 2 x 3
    torch.testing.assert_close(found, cells.flatten(4).std(-1, unbiased=False), rtol=1e-2, atol=1e-3)
    assert local_deviation(torch.randn(1, 1, 5, 5)).shape == (1, 1, 2, 2)


def test_texture_asks_for_as_much_detail_and_not_for_the_same(backbone):
    """Other noise of the same strength has the right texture, and the mean has not, which is nearer place by place."""
    distance = PerceptualDistance(str(backbone), ["conv_stem"])
    generator = torch.Generator().manual_seed(0)
    x, other = (0.5 + 0.1 * torch.randn(4, 3, 32, 32, generator=generator) for _ in range(2))
    noise, mean = distance(other, x), distance(torch.full_like(x, 0.5), x)
    assert mean.places < noise.places and noise.textures < 0.5 * mean.textures
