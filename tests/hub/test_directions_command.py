"""`python -m modeling_vae directions`: what edits show, into a folder and its card, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from training.making import write_pictures

from modeling_vae import VAEPipeline
from modeling_vae.commands.main import main

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
