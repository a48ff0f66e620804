"""A recipe of a folder from elsewhere: read within bounds, and refused in a sentence that names the file."""

from __future__ import annotations

import os

import pytest

from modeling_vae.recipes.recipe import Recipe
from modeling_vae.recipes.yaml_text import parse

BILLIONS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (BILLIONS, "more than 100,000 values"),
        (BILLIONS.replace("[", "{<<: [").replace("]", "]}"), "more than 100,000 values|no valid YAML"),
        ("model: &model {image_size: [*model]}", "more than 30 levels deep"),
        ("&a [*a]", "more than 30 levels deep"),
        ("model: " + "[" * 2000, "more than 30 levels deep|no valid YAML"),
        ("- " * 5000, "more than 30 levels deep"),
        ("{a: " * 1000, "more than 30 levels deep|no valid YAML"),
        ("model: {latent_dim: 0x" + "f" * 5000 + "}", "a number of 5,002 digits"),
        ("model: {latent_dim: " + "9" * 4000 + "}", "a number of 4,000 digits"),
        ("model: !!python/object/apply:os.system [ls]", "no valid YAML"),
        ("training: {seed: !!timestamp x}", "no valid YAML"),
        ("training: {seed: 2020-13-01}", "no valid YAML"),
        ("- a list", "not a table"),
        ("7", "not a table"),
        ("\0", "no valid YAML"),
        ("{{a: 1}: 2}", "no valid YAML"),
        ("1: 2", "1 is"),
        ("publish: {tags: 7}", "publish.tags=7 is not possible"),
        ("publish: {license: [[[]]]}", "publish.license"),
        ("attributes: {'': boolean}", None),
        ("model: 7", "model=7 is not possible"),
        ("extends: [a]", "extends"),
        ("extends: /dev/zero", "is no file but"),
        ("extends: .", "extends itself"),
        ("data: {path: a}\ndata: {path: b}", "says 'data' twice in one table"),
        ("training: {seed: 1, max_steps: 2, seed: 3}", "says 'seed' twice in one table"),
        ("stages: {'../x': {}}", "stages.../x is no name of a stage"),
        ("stages: {/tmp/x: {}}", "stages./tmp/x is no name of a stage"),
        ("stages: {a/b: {}}", "stages.a/b is no name of a stage"),
        ("stages: {'': {}}", "stages. is no name of a stage"),
    ],
)
def test_refused_in_one_sentence(tmp_path, text, why):
    (tmp_path / "recipe.yaml").write_text(text)
    if why is None:
        Recipe.read(tmp_path)
        return
    with pytest.raises(ValueError, match=why) as error:
        Recipe.read(tmp_path)
    assert len(str(error.value)) < 1000 and "recipe.yaml" in str(error.value).replace("/dev/zero", "recipe.yaml")


def test_aliases_of_a_person_are_read():
    assert parse("a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}", "text") == {
        "a": {"b": 1},
        "c": {"b": 1},
        "d": {"b": 1, "e": 2},
    }


def test_files_that_are_none_and_large_ones(tmp_path):
    os.mkfifo(tmp_path / "recipe.yaml")
    with pytest.raises(ValueError, match="no file but a folder, pipe or device"):
        Recipe.read(tmp_path)
    (tmp_path / "large.yaml").write_text("# " + "x" * 1_000_000)
    with pytest.raises(ValueError, match="1,000,002 bytes"):
        Recipe.read(tmp_path / "large.yaml")


def test_of_a_thousand_wrong_keys_a_few_are_told(tmp_path):
    (tmp_path / "recipe.yaml").write_text("".join(f"key{n}: 1\n" for n in range(1000)))
    with pytest.raises(ValueError, match="and 995 more") as error:
        Recipe.read(tmp_path)
    assert len(str(error.value).splitlines()) == 6
