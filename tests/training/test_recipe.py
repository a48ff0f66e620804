"""Recipes: read, overridden, refused in words, published without traces of a machine."""

from pathlib import Path

import pytest
import yaml

from modeling_vae.publishing.card_metadata import hub_datasets
from modeling_vae.recipes.recipe import Recipe
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
                 "objective.adversarial=null", "model.image_size=[64, 48]", "objective.variance=0.5"],
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
        ("objective.perceptual=null", "objective.adversarial needs objective.perceptual"),
        ("objective.adversarial.layers=[layer.9]", "'layer.9' is none of objective.perceptual.layers"),
        ("data.max_pictures=0", "data.max_pictures=0"),
        ("attributes.bright=bool", "attributes.bright='bool'.*'boolean'"),
        ("training", "'training' is not an override: write key=value"),
        ("data.path.more=3", "path is a single value"),
    ],
)
def test_impossible_values_are_refused(folder, override, words):
    with pytest.raises(ValueError, match=words):
        Recipe.read(folder, [override])


@pytest.mark.parametrize("number", ["1e-3", "1E-3", "1.0e-3", "+1e-03", ".001", "+.1e-2", "1.e-3"])
def test_numbers_are_those_of_yaml_1_2(folder, number):
    (folder / "recipe.yaml").write_text(f"training: {{learning_rate: {number}, weight_decay: {number}}}\n")
    recipe = Recipe.read(folder, [f"data.validation={number}", f"publish.title='{number}'"])
    assert recipe.training == {"learning_rate": 0.001, "weight_decay": 0.001} and recipe.data.validation == 0.001
    assert recipe.publish.title == number
    recipe.write(folder / "recipe.yaml")
    assert Recipe.read(folder) == recipe
    for text in ("1e", "e-3", "v1e-3", "."):
        assert Recipe.read(folder, [f"data.validation={text}"]).data.validation == text


@pytest.mark.parametrize("value", ["{a: b", "[1, 2", "'open", "2020-13-45", "a: b: c", "!!python/name:os.system"])
def test_broken_yaml_is_named(folder, value):
    with pytest.raises(ValueError, match="the value of .attributes=.*is no valid YAML.*: correct it"):
        Recipe.read(folder, [f"attributes={value}"])
    (folder / "recipe.yaml").write_text(f"cites: words\nattributes: {value}\n")
    with pytest.raises(ValueError, match=r"recipe\.yaml is no valid YAML") as caught:
        Recipe.read(folder)
    assert "\n" not in str(caught.value) and caught.value.__suppress_context__


def test_a_recipe_that_is_no_text_is_named(folder):
    (folder / "recipe.yaml").write_bytes(b"cites: \xff\xff")
    with pytest.raises(ValueError, match=r"recipe\.yaml is no valid YAML"):
        Recipe.read(folder)


@pytest.mark.parametrize(
    "key",
    ["optim", "load_best_model_at_end", "save_only_model", "ignore_data_skip", "hub_model_id", "hub_token",
     "push_to_hub", "push_to_hub_token", "fsdp", "fsdp_config", "deepspeed", "remove_unused_columns"],
)  # fmt: skip
def test_what_a_recipe_does_not_decide_is_refused(folder, key):
    with pytest.raises(ValueError, match=f"training.{key} is nothing that a recipe decides: leave it out"):
        Recipe.read(folder, [f"training.{key}=1"])


@pytest.mark.parametrize("decay", [1, 1.0, -0.1, "much", True, None, float("nan")])
def test_an_impossible_average_is_refused(tmp_path, decay):
    with pytest.raises(ValueError, match="training.ema_decay=.* not possible: give a number of at least 0, below 1"):
        training_arguments({"ema_decay": decay}, tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("learning_rate", -1.0, "a number above 0"),
        ("max_steps", "many", "a number above 0"),
        ("per_device_train_batch_size", 0, "a number of at least 1"),
    ],
)
def test_impossible_training_values_are_refused(tmp_path, key, value, wanted):
    with pytest.raises(ValueError, match=f"training.{key}={value!r} is not possible: give {wanted}"):
        training_arguments({key: value}, tmp_path)


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


@pytest.mark.parametrize(
    "path", ["pics/part-*.tar", "pics/a/b", "./pics", "/data/pics", "~/pics", "my pictures", "here/pics", "c:\\pics"]
)
def test_paths_of_every_kind_stay_here(path, tmp_path, monkeypatch):
    (tmp_path / "here" / "pics").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    recipe = Recipe.model_validate({"data": {"path": path}})
    assert recipe.published().data.path is None and hub_datasets(recipe) == []


def test_names_on_the_hub_stay_in_what_is_published():
    recipe = Recipe.model_validate({"data": {"path": "alice/cats-64.v2"}})
    assert recipe.published() == recipe and hub_datasets(recipe) == ["alice/cats-64.v2"]


def test_a_published_recipe_can_be_run_again(folder, tmp_path):
    """Local folders of the command line give way to what the file says, where that is not local too."""
    values = recipe_values(Path("alice/cats"), Path("google/net"))
    values["model"]["backbone"] = "google/trunk"
    original = Recipe.model_validate(values)
    here = [f"data.path={tmp_path}", f"objective.perceptual.backbone={tmp_path}/net-here",
            f"model.backbone={tmp_path}/trunk-here", "training.run_name=mine"]  # fmt: skip
    recipe = Recipe.read(write_recipe(tmp_path / "again", values), here)
    assert recipe.published(original) == original
    bare = recipe.published(recipe)
    assert bare == recipe.published() and bare.data.path is None and bare.model["backbone"] == "trunk-here"
    assert bare.objective.perceptual.backbone == "net-here"
    chosen = Recipe.read(tmp_path / "again", ["data.path=bob/dogs", "model.backbone=null"]).published(original)
    assert chosen.data.path == "bob/dogs" and chosen.model["backbone"] is None


def test_a_card_names_the_data_that_were_read(folder):
    original = Recipe.read(folder, ["data.path=alice/cats", "publish.datasets=[alice/all-cats]"])
    same = original.described(original)
    assert hub_datasets(same) == ["alice/all-cats", "alice/cats"]
    elsewhere = ["data.path=bob/dogs", "publish.datasets=[alice/all-cats]"]
    assert hub_datasets(Recipe.read(folder, elsewhere).described(original)) == ["bob/dogs"]
    said = ["data.path=bob/dogs", "publish.datasets=[bob/all-dogs]"]
    assert hub_datasets(Recipe.read(folder, said).described(original)) == ["bob/all-dogs", "bob/dogs"]


def test_where_weights_come_from_is_one_place_and_published_where_others_find_it(folder, tmp_path):
    assert Recipe.read(folder, ["model.pretrained=alice/faces"]).published().model["pretrained"] == "alice/faces"
    here = Recipe.read(folder, [f"model.pretrained={tmp_path}"])
    assert here.published().model["pretrained"] is None and here.config() == Recipe.read(folder).config()
    with pytest.raises(ValueError, match="both say where weights come from"):
        Recipe.read(folder, ["model.pretrained=alice/faces", "model.backbone=google/trunk"])
    with pytest.raises(ValueError, match="model.pretrained=7 is not possible"):
        Recipe.read(folder, ["model.pretrained=7"])
    with pytest.raises(ValueError, match="did you mean model.pretrained"):
        Recipe.read(folder, ["model.pretrain=alice/faces"])
