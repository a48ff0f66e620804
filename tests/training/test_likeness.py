"""The likeness term: whom a network sees in a picture, it shall see in the reconstruction."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from transformers import MobileNetV1Config, MobileNetV1ImageProcessor, MobileNetV1Model

from modeling_vae.commands.train import parser
from modeling_vae.commands.whole_run import train_recipe
from modeling_vae.model.configuration_image_vae import VAEConfig
from modeling_vae.model.modeling_image_vae import VAEModel
from modeling_vae.recipes.objective_recipe import Likeness, ObjectiveRecipe
from modeling_vae.training.objective import TrainingObjective
from modeling_vae.training.terms.likeness_term import LikenessTerm

MEAN, STD = [0.4, 0.5, 0.6], [0.5, 1.0, 2.0]


@pytest.fixture(scope="module")
def backbone(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("recogniser")
    torch.manual_seed(3)
    network = MobileNetV1Model(MobileNetV1Config(depth_multiplier=0.25, min_depth=8)).eval()
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)  # of small weights all answers would be 0
    network.save_pretrained(folder)
    MobileNetV1ImageProcessor(image_mean=MEAN, image_std=STD).save_pretrained(folder)
    return folder


def pictures(seed: int, count: int = 4) -> torch.Tensor:
    return torch.rand(count, 3, 32, 40, generator=torch.Generator().manual_seed(seed))


def loss(recipe: Likeness, reconstruction: torch.Tensor, pixel_values: torch.Tensor) -> torch.Tensor:
    noted = {}
    batch = SimpleNamespace(reconstruction=reconstruction, pixel_values=pixel_values, note=noted.update)
    result = LikenessTerm(recipe)(batch)
    torch.testing.assert_close(result, recipe.weight * noted["likeness"])
    return result


def test_the_same_picture_is_the_same_person(backbone):
    recipe = Likeness(backbone=str(backbone))
    assert loss(recipe, pictures(0), pictures(0)).abs() < 1e-4 < loss(recipe, pictures(1), pictures(0))


def test_it_is_one_minus_the_cosine_of_what_the_network_answers(backbone):
    recipe = Likeness(backbone=str(backbone), weight=3.0, window=(0.25, 0.0, 0.75, 0.5), size=64, batch_ratio=1.0)
    network = MobileNetV1Model.from_pretrained(backbone).eval()
    mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))

    def answer(pixel_values: torch.Tensor) -> torch.Tensor:
        face = F.interpolate(pixel_values[:, :, :16, 10:30], (64, 64), mode="bicubic", antialias=True)
        return network((face - mean) / std).pooler_output

    with torch.no_grad():
        wanted = 3.0 * (1 - F.cosine_similarity(answer(pictures(1)), answer(pictures(0)))).mean()
    torch.testing.assert_close(loss(recipe, pictures(1), pictures(0)), wanted)


def test_it_asks_for_what_lies_in_the_window_of_its_share_of_the_batch(backbone):
    recipe = Likeness(backbone=str(backbone), window=(0.25, 0.0, 0.75, 0.5), batch_ratio=0.5)
    reconstruction = pictures(1).requires_grad_()
    loss(recipe, reconstruction, pictures(0)).backward()
    asked = reconstruction.grad.abs().sum((1,)) > 0
    assert asked[:2, :16, 10:30].float().mean() > 0.9
    asked[:2, :16, 10:30] = False
    assert not asked.any()


def test_nothing_of_the_network_is_trained_or_kept(backbone):
    model = VAEModel(VAEConfig(image_size=32, latent_dim=4, hidden_channels=[8, 8], decoder_channels=[8, 8, 8]))
    objective = TrainingObjective(model, ObjectiveRecipe(likeness=Likeness(backbone=str(backbone))))
    objective.train()
    assert not any("likeness" in name for name in objective.state_dict())
    assert not any(module.training for module in objective.likeness.recogniser.modules())
    output = objective(torch.rand(4, 3, 32, 32))
    assert 0 < output["likeness"] < 2
    output["loss"].backward()
    assert all(weight.grad is None for weight in objective.likeness.parameters())
    assert next(model.decoder.parameters()).grad.abs().sum() > 0


@pytest.mark.parametrize("window", [(0.5, 0.0, 0.5, 1.0), (0.0, 0.9, 1.0, 0.1), (-0.1, 0.0, 1.0, 1.0)])
def test_a_window_without_room_is_refused(window):
    with pytest.raises(ValueError, match="window"):
        Likeness(window=window)


def test_a_run_without_the_network_is_refused_before_it_reads_pictures(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("model: {image_size: 32}\nobjective: {likeness: {}}\ndata: {path: nowhere}\n")
    with pytest.raises(ValueError, match=r"objective\.likeness\.backbone has no value.*objective\.likeness=null"):
        train_recipe(parser("train.py").parse_args([str(recipe), "--output", str(tmp_path / "run")]))
