"""Recipes: read, overridden, refused in words, published without traces of a machine."""

from pathlib import Path

import pytest
import yaml

from modeling_vae.training.recipe import Recipe
from modeling_vae.training.trainer import training_arguments

from .making import recipe_values, write_recipe

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path):
    return write_recipe(tmp_path / "recipe", recipe_values(tmp_path / "pictures", tmp_path / "backbone"))


@pytest.mark.parametrize(
    "path", sorted((ROOT / "hub_configs").glob("*/recipe.yaml")), ids=lambda path: path.parent.name
)
def test_every_recipe_of_this_repository_is_possible(path, tmp_path):
    recipe = Recipe.read(path)
    assert recipe.config().image_size
    training_arguments(recipe.training | {"bf16": False}, tmp_path)


def test_overrides_take_dotted_keys_and_yaml_values(folder):
    recipe = Recipe.read(
        folder, ["training.max_steps=7", "data.augment.horizontal_flip=false", "objective.perceptual=null",
                 "model.image_size=[64, 48]", "objective.variance=0.5"],
    )  # fmt: skip
    assert recipe.training["max_steps"] == 7 and recipe.data.augment.horizontal_flip is False
    assert recipe.objective.perceptual is None and recipe.config().image_size == [64, 48]
    assert recipe.config().variance == 0.5


@pytest.mark.parametrize(
    ("override", "nearest"),
    [
        ("training.max_step=7", "training.max_steps"),
        ("training.warmup_ratio=0.1", "training.warmup_steps"),
        ("model.latent_size=7", "model.latent_dim"),
        ("objective.perceptual.wieght=1", "objective.perceptual.weight"),
        ("objective.kl_wieght=1", "objective.kl_weight"),
        ("data.image_colum=x", "data.image_column"),
        ("data.augment.flip=true", "data.augment.horizontal_flip"),
        ("publish.licence=mit", "publish.license"),
        ("modle.latent_dim=7", "model"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_right_one(folder, override, nearest):
    key = override.partition("=")[0]
    with pytest.raises(ValueError, match=f"{key.split('.')[0]}.*did you mean {nearest}"):
        Recipe.read(folder, [override])


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("objective.likelihood=poisson", "objective.likelihood='poisson'.*'bernoulli'"),
        ("objective.kl_weight=-1", "objective.kl_weight=-1"),
        ("objective.adversarial.start_ratio=2", "objective.adversarial.start_ratio=2"),
        ("data.max_pictures=0", "data.max_pictures=0"),
        ("attributes.bright=bool", "attributes.bright='bool'.*'boolean'"),
        ("training", "'training' is not an override: write key=value"),
        ("data.path.more=3", "path is a single value"),
    ],
)
def test_impossible_values_are_refused(folder, override, words):
    with pytest.raises(ValueError, match=words):
        Recipe.read(folder, [override])


@pytest.mark.parametrize("values", [{"learning_rate": -1}, {"max_steps": "many"}, {"per_device_train_batch_size": 0}])
def test_impossible_training_values_are_refused(tmp_path, values):
    with pytest.raises(ValueError, match=f"training.{next(iter(values))}=.*above 0"):
        training_arguments(values, tmp_path)


def test_a_missing_recipe_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="recipe.yaml does not exist"):
        Recipe.read(tmp_path)


def test_a_round_trip(folder, tmp_path):
    recipe = Recipe.read(folder)
    recipe.write(tmp_path / "again.yaml")
    assert Recipe.read(tmp_path / "again.yaml") == recipe


def test_a_published_recipe_says_nothing_of_the_machine(folder, tmp_path):
    values = recipe_values(tmp_path / "pictures", tmp_path / "backbone")
    values["model"]["backbone"] = str(tmp_path / "backbone")
    published = Recipe.model_validate(values).published()
    text = yaml.safe_dump(published.model_dump(mode="json"))
    assert str(tmp_path) not in text
    assert published.data.path is None and published.objective.perceptual.backbone == "backbone"
    kept = Recipe.read(folder, ["data.path=user/cats"]).published()
    assert kept.data.path == "user/cats"
