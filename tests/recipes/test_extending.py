"""What a recipe says is laid over what it extends; `attributes: all` stands for columns of the data."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from modeling_vae.data import boolean_columns
from modeling_vae.data.settings import DataSettings
from modeling_vae.recipes import bundled
from modeling_vae.recipes.recipe import DataRecipe, Recipe
from modeling_vae.recipes.yaml_text import whole_text

CONFIGS = Path(__file__).parents[2] / "hub_configs"
BASE = """
model: {image_size: 64, latent_dim: 16}
objective: {kl_weight: 2.0, perceptual: {weight: 3.0, layers: [a, b]}}
training: {max_steps: 10, learning_rate: 1.0e-3}
attributes: all
"""


@pytest.fixture
def write(tmp_path):
    def write(name: str, text: str) -> Path:
        (tmp_path / name).mkdir()
        (tmp_path / name / "recipe.yaml").write_text(text)
        return tmp_path / name

    return write


def test_tables_are_laid_over_key_by_key_and_all_else_as_a_whole(write):
    write("base", BASE)
    write("middle", "extends: ../base\nobjective: {perceptual: {layers: [c]}}\ntraining: {max_steps: 20}\n")
    top = write("top", "extends: ../middle/recipe.yaml\nattributes: {smiling: boolean}\nmodel: {latent_dim: 8}\n")
    recipe = Recipe.read(top, ["training.learning_rate=0.5"])
    assert recipe.model == {"image_size": 64, "latent_dim": 8} and recipe.columns == {"smiling": "boolean"}
    assert recipe.objective.perceptual.layers == ["c"] and recipe.objective.perceptual.weight == 3.0
    assert recipe.training == {"max_steps": 20, "learning_rate": 0.5}


def test_what_goes_elsewhere_needs_no_other(write, tmp_path):
    base = write("base", BASE)
    top = write("top", "# Of cats.\n# And dogs.\nextends: ../base\nmodel: {latent_dim: 8}\n")
    whole = write("whole", whole_text(top / "recipe.yaml"))
    assert (whole / "recipe.yaml").read_text().startswith("# Of cats.\n# And dogs.\nmodel:")
    expected = Recipe.read(top)
    shutil.rmtree(base)
    assert Recipe.read(whole) == expected
    assert whole_text(whole / "recipe.yaml") == (whole / "recipe.yaml").read_text()


def test_a_term_is_taken_away_by_null(write):
    write("base", BASE)
    assert Recipe.read(write("bare", "extends: ../base\nobjective: {perceptual: null}\n")).objective.perceptual is None


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("extends: ../nowhere", FileNotFoundError, "nowhere.* does not exist: .*top/recipe.yaml extends it"),
        ("extends: ../top", ValueError, "extends itself"),
        ("extends: [a]", ValueError, r"extends=\['a'\] is not possible: give the path"),
        ("extends: ''", ValueError, "extends='' is not possible"),
    ],
)
def test_what_cannot_be_extended_is_named(write, text, error, said):
    top = write("top", text)
    with pytest.raises(error, match=said):
        Recipe.read(top)


def test_a_circle_is_named(write):
    write("a", "extends: ../b")
    with pytest.raises(
        ValueError, match="a/recipe.yaml extends itself, by way of .*a/recipe.yaml and .*b/recipe.yaml"
    ):
        Recipe.read(write("b", "extends: ../a").parent / "a")


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("*/recipe.yaml")), ids=lambda file: file.parent.name)
def test_a_bundled_recipe_is_one_that_can_be_read(file):
    assert len(file.read_text().splitlines()) <= 50
    assert Recipe.read(file).config()


def table(folder: Path, heading: str, *rows: str) -> DataSettings:
    folder.mkdir()
    from PIL import Image

    for number in range(len(rows)):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / f"{number}.png")
    lines = [f"file_name,{heading}", *(f"{number}.png,{row}" for number, row in enumerate(rows))]
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n")
    return DataRecipe(path=str(folder), validation=0.5)


def test_all_stands_for_the_columns_that_are_true_or_false(tmp_path):
    data = table(tmp_path / "a", "smiling,hair,age,closed,said", "yes,red,30,,", "no,blond,1,-1,", ",red,0,1,")
    assert boolean_columns(data) == ["smiling", "closed"]  # `said` says nothing, and one `age` is no truth value
    recipe = Recipe(attributes="all", data=data)
    assert recipe.resolved(boolean_columns).columns == {"smiling": "boolean", "closed": "boolean"}
    assert recipe.resolved(boolean_columns).published(recipe).attributes == "all"
    with pytest.raises(ValueError, match="attributes=all stands for columns"):
        _ = recipe.columns


def test_all_stands_for_nothing_where_there_is_no_table(tmp_path):
    data = table(tmp_path / "a", "hair", "red", "blond")
    (tmp_path / "a" / "metadata.csv").unlink()
    assert boolean_columns(data) == []


def test_recipes_and_models_are_found_by_their_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert bundled.find("pictures-64") == bundled.find("hub_configs/pictures-64") == CONFIGS / "pictures-64"
    (tmp_path / "pictures-64").mkdir()
    assert bundled.find("pictures-64") == Path("pictures-64")  # what lies here goes before
    assert bundled.find("user/name") == Path("user/name")
    assert "pictures-64" in bundled.names()
    assert bundled.recipe("kmnist-28") == CONFIGS / "kmnist-28"
    with pytest.raises(FileNotFoundError, match="picture-64 does not exist: .* Did you mean pictures-64?"):
        bundled.recipe("picture-64")
    with pytest.raises(FileNotFoundError, match=r"mine/own.yaml does not exist: .*recipe.yaml\.$"):
        bundled.recipe("mine/own.yaml")
