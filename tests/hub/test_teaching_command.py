"""`modeling-vae directions FOLDER --with FOLDER --without FOLDER`, and the same from a table."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from training.making import write_pictures

from modeling_vae import AttributeDirections, VAEPipeline
from modeling_vae.commands.main import main

from .measured import publish_tiny


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("taught") / "pictures")


@pytest.fixture
def model(pictures, tmp_path) -> Path:
    return publish_tiny(tmp_path / "model", pictures)


@pytest.fixture
def examples(pictures, tmp_path) -> list[str]:
    """Ten bright pictures in one folder, ten dark ones in another."""
    for name, first in (("sunny", 1), ("gloomy", 0)):
        (tmp_path / name).mkdir()
        for i in range(first, 20, 2):
            shutil.copy(pictures / "train" / f"{i:03d}.png", tmp_path / name)
    return ["--with", str(tmp_path / "sunny"), "--without", str(tmp_path / "gloomy")]


def test_folders_teach_the_models_folder_a_direction(model, examples, caplog):
    weights = VAEPipeline.from_pretrained(model).weights_sha256
    with caplog.at_level("INFO"):
        assert main(["directions", str(model), *examples]) == 0
    after = VAEPipeline.from_pretrained(model)
    taught = after.directions.directions["sunny"]
    assert after.weights_sha256 == weights and {"bright", "side"} < set(after.attributes)
    assert (taught.positives, taught.negatives) == (10, 10) and taught.held_out > 0.9
    assert "10 pictures with it and 10 without" in caplog.text and "also moves bright" in caplog.text
    assert main(["directions", str(model), *examples]) == 1  # the name is taken now


def test_a_table_teaches_a_direction_of_its_own(model, pictures, tmp_path):
    before = (model / "directions.safetensors").read_bytes()
    told = ["--data", str(pictures), "--column", "bright", "--named", "light", "--output", str(tmp_path / "light")]
    assert main(["directions", str(model), *told]) == 0
    assert (model / "directions.safetensors").read_bytes() == before
    assert AttributeDirections.from_pretrained(tmp_path / "light").names == ["light"]
    assert VAEPipeline.from_pretrained(model).load_directions(tmp_path / "light") == ["light"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--with", "sunny"], "give --with FOLDER and --without FOLDER"),
        (["--with", "sunny", "--without", "nowhere"], "nowhere is no folder"),
        (["--with", "empty", "--without", "empty"], "holds no pictures"),
        (["--with", "sunny", "--without", "few"], "1 examples without it came: give 5"),
        (["--column", "bright"], "--column goes with --data alone"),
    ],
)
def test_what_cannot_be_taught_is_refused(given, said, model, examples, tmp_path, monkeypatch, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "few").mkdir()
    shutil.copy(tmp_path / "sunny" / "001.png", tmp_path / "few")
    monkeypatch.chdir(tmp_path)
    assert main(["directions", str(model), *given]) == 1
    assert said in capsys.readouterr().err
