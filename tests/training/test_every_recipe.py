"""Every recipe of this repository builds and learns: one step on a few small pictures, a tiny network to look on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from modeling_vae.data import load_data
from modeling_vae.recipes.recipe import Recipe
from modeling_vae.training.run import build_model, train
from modeling_vae.training.stages import stage_recipes

from .making import write_backbone, write_pictures

CONFIGS = Path(__file__).parents[2] / "hub_configs"


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("every")
    write_pictures(place / "pictures", count=8)
    write_backbone(place / "backbone")
    return place


def one_step(name: str, place: Path, output: Path) -> tuple[Recipe, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """The recipe as it was run, the weights that would be published, and those of the checkpoint."""
    there = Recipe.read(CONFIGS / name)
    backbone = [f"objective.perceptual.backbone={place / 'backbone'}"] if there.objective.perceptual else []
    overrides = [
        f"data.path={place / 'pictures'}", "data.validation=validation", "attributes={}",
        "training.num_train_epochs=0.5" if "num_train_epochs" in there.training else "training.max_steps=1",
        "training.per_device_train_batch_size=4", "training.precision=fp32",
    ]  # fmt: skip
    if there.objective.likeness:
        overrides.append(f"objective.likeness.backbone={place / 'backbone'}")
    if there.objective.adversarial:
        overrides.append("objective.adversarial.start_ratio=0")
    if there.model.get("backbone"):
        overrides.append(f"model.backbone={place / 'backbone'}")
    if there.model.get("latent_dim", 0) > 512:
        overrides.append("model.latent_dim=16")  # two thirds of its weights, and of the time that a checkpoint takes
    recipe = Recipe.read(CONFIGS / name, overrides + backbone)
    config = recipe.config()
    size, channels = config.height_and_width, config.num_channels
    data = load_data(recipe.data, image_size=size, num_channels=channels, attributes={})
    model, steps = train(recipe, data, output)
    assert steps == 1
    (file,) = (output / "checkpoints").glob("*/model.safetensors")
    saved = load_file(file)
    return recipe, model.state_dict(), {key.removeprefix("model."): value for key, value in saved.items()}


SAME = {f"kitten-mixer-v{version}" for version in (1, 2, 4, 5)}
"""Recipes that are another but for the weight of the KL term."""


@pytest.mark.parametrize("name", sorted({path.parent.name for path in CONFIGS.glob("*/recipe.yaml")} - SAME))
def test_it_takes_a_step(name, place, tmp_path):
    recipe, published, weights = one_step(name, place, tmp_path / "run")
    assert published.keys() <= weights.keys()
    assert all(value.isfinite().all() for value in published.values())
    if recipe.training.get("ema_decay") == 0:
        assert all(torch.equal(value, weights[key]) for key, value in published.items())


@pytest.mark.parametrize("name", sorted(path.parent.name for path in CONFIGS.glob("*/model.safetensors")))
def test_the_stages_of_a_bundled_model_lead_to_it(name):
    """Each begins with the weights of the one before, and the first with nothing: one command makes the model."""
    recipe, model = Recipe.read(CONFIGS / name), None
    assert not {"pretrained", "backbone"} & recipe.model.keys()
    for stage in (*stage_recipes(recipe).values(), recipe):
        model = build_model(stage, model)
    there = load_file(CONFIGS / name / "model.safetensors")
    assert {key: value.shape for key, value in model.state_dict().items()} == {k: v.shape for k, v in there.items()}


def test_the_baselines_are_what_they_are_compared_as():
    mixer, plain, faces = (Recipe.read(CONFIGS / name) for name in ("kitten-mixer-v6", "plain-64", "faces-64"))
    assert mixer.config().decoder_widths == [256, 128, 64, 32] and mixer.config().latent_dim == 500
    assert (plain.model, plain.data, plain.attributes) == (faces.model, faces.data, faces.attributes)
    assert plain.publish == faces.publish and mixer.attributes == Recipe.read(CONFIGS / "cats-64").attributes
    for recipe in (mixer, plain):
        terms = recipe.objective
        assert terms.perceptual is terms.adversarial is terms.edits is terms.attribute_consistency is None
        assert terms.kl_warmup_ratio == 0
    assert all(
        plain.training.get(key) == faces.training.get(key) for key in ("max_steps", "learning_rate", "ema_decay")
    )
