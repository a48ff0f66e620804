"""`python -m modeling_vae directions`: what edits show, into a folder and its card, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from training.making import write_pictures

from modeling_vae import AttributeDirections, VAEPipeline
from modeling_vae.commands.main import main
from modeling_vae.recipes.recipe import Recipe

from .measured import publish_tiny


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("tried") / "pictures")


def test_a_folder_says_what_its_edits_show(pictures, tmp_path):
    folder = publish_tiny(tmp_path / "model", pictures)
    before = VAEPipeline.from_pretrained(folder)
    (folder / "evaluation.json").write_text(json.dumps({"run": {"steps": 7}, "directions": {"shrinkage": 0.1}}))
    assert main(["directions", str(folder), "--data", str(pictures), "--tried", "20"]) == 0
    after = VAEPipeline.from_pretrained(folder)
    assert after.weights_sha256 == before.weights_sha256 and set(after.attributes) == set(before.attributes)
    seen = after.directions.directions["bright"].seen
    assert seen is not None and seen.without <= 20 and 1.0 in seen.strengths
    assert after.directions.directions["side"].seen is None  # a number, which no judge learns
    report = json.loads((folder / "evaluation.json").read_text())
    assert report["run"] == {"steps": 7} and report["directions"]["shrinkage"] == 0.1
    assert report["directions"]["judge"]["seed"] == 1
    card = (folder / "README.md").read_text()
    assert "## What edits show" in card and "| `bright` |" in card and str(pictures) not in card


def test_what_is_no_folder_is_refused(capsys):
    assert main(["directions", "alice/cats", "--data", "pictures"]) == 1
    assert "alice/cats is no folder" in capsys.readouterr().err


@pytest.fixture
def folder(pictures, tmp_path) -> Path:
    """A published folder whose recipe and directions know one column of the pictures only."""
    folder = publish_tiny(tmp_path / "model", pictures)
    recipe = Recipe.read(folder).model_copy(update={"attributes": {"side": "numeric"}})
    recipe.write(folder / "recipe.yaml")
    pipe = VAEPipeline.from_pretrained(folder)
    known = pipe.directions
    row = known.names.index("side")
    alone = AttributeDirections(
        [known.directions["side"]], known.differences[[row]], known.mean, known.covariance, {}, known.weights_sha256
    )
    alone.save_pretrained(folder)
    (folder / "evaluation.json").write_text(json.dumps({"run": {"steps": 7}}))
    return folder


def held_out_auc(folder: Path, pictures: Path, name: str) -> float:
    """The AUC of a direction's readout over the validation pictures, counted pair by pair."""
    pipe = VAEPipeline.from_pretrained(folder)
    lines = (pictures / "validation" / "metadata.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    latents = pipe.encode([str(pictures / "validation" / row["file_name"]) for row in rows])
    values = pipe.directions.values(latents)[:, pipe.directions.names.index(name)]
    bright = torch.tensor([row["bright"] for row in rows])
    pairs = values[bright][:, None] - values[~bright][None]
    return float((pairs > 0).double().mean())


def test_a_column_gets_a_direction_without_training_and_the_others_stay(folder, pictures, capsys):
    before = VAEPipeline.from_pretrained(folder).directions
    weights = (folder / "model.safetensors").read_bytes()
    asked = ["--data", str(pictures), "--attributes", "bright:boolean", "--tried", "8"]
    assert main(["directions", str(folder), *asked]) == 0
    after = VAEPipeline.from_pretrained(folder).directions
    assert after.names == ["side", "bright"] and (folder / "model.safetensors").read_bytes() == weights
    assert after.directions["side"] == before.directions["side"]
    assert torch.allclose(after.readouts[0], before.readouts[0]) and torch.equal(after.covariance, before.covariance)
    bright = after.directions["bright"]
    assert (bright.positives, bright.negatives) == (60, 60) and bright.seen is not None
    assert bright.held_out == pytest.approx(held_out_auc(folder, pictures, "bright"), abs=1e-3)
    assert f"bright: 60 with, 60 without; held-out AUC {bright.held_out:.3f}" in capsys.readouterr().out
    assert "| `bright` | 60 | 60 |" in (folder / "README.md").read_text()
    assert json.loads((folder / "evaluation.json").read_text())["directions"] == {"added": ["bright"]}
    assert main(["directions", str(folder), *asked]) == 0  # once more: in the place of itself
    assert VAEPipeline.from_pretrained(folder).directions.names == ["side", "bright"]
    capsys.readouterr()


def test_new_directions_can_be_written_alone(folder, pictures, tmp_path):
    before = (folder / "directions.safetensors").read_bytes()
    asked = [
        "--data",
        str(pictures),
        "--attributes",
        "bright:boolean",
        "--tried",
        "8",
        "--output",
        str(tmp_path / "new"),
    ]
    assert main(["directions", str(folder), *asked]) == 0
    assert (folder / "directions.safetensors").read_bytes() == before
    assert AttributeDirections.from_pretrained(tmp_path / "new").names == ["bright"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--attributes", "bright:boolean", "--with", "yes"], "are two ways: give one"),
        (["--data", "PICTURES", "--output", "new"], "--output is for new directions"),
        (["--data", "PICTURES", "--attributes", "gloomy:boolean"], "attributes names the column 'gloomy'"),
        (["--data", "PICTURES", "--attributes", "bright:boolean", "--train-split", "few"], "there is no direction"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(folder, pictures, tmp_path, arguments, message, capsys):
    data = Path(shutil.copytree(pictures, tmp_path / "data"))
    if "few" in arguments:
        for file in sorted((data / "train").glob("*.png"))[10:]:
            file.unlink()
        arguments = arguments[:-2]
    arguments = [str(data) if argument == "PICTURES" else argument for argument in arguments]
    assert main(["directions", str(folder), *arguments]) == 1
    assert message in capsys.readouterr().err
