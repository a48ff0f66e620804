"""`evaluate --report`: pictures, a page, figures in evaluation.json and a section of the card; and what it refuses."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image
from training.making import write_pictures

from modeling_vae.commands.main import main
from modeling_vae.contents import Contents
from modeling_vae.figures.latent_figures import CAPTIONS, file_of

from .measured import publish_tiny


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("reported") / "pictures")


@pytest.fixture(scope="module")
def reported(pictures, tmp_path_factory) -> Path:
    """A published folder with a report."""
    folder = publish_tiny(tmp_path_factory.mktemp("reported") / "model", pictures)
    assert main(["evaluate", str(folder), "--data", str(pictures), *FEW, "--report"]) == 0
    return folder


FEW = ["--pictures", "20", "--edited", "4"]


def test_a_folder_gets_pictures_page_figures_and_a_section_of_its_card(reported):
    page, card = (reported / "latents.md").read_text(), (reported / "README.md").read_text()
    found = json.loads((reported / "evaluation.json").read_text())["latents"]
    assert (found["pictures"], found["dimensions"], len(found["ks"])) == (180, 8, 8)
    assert "Over 180 pictures, " in page and "## Latent space" in card and "(latents.md)" in card
    assert "nobody on them exists" in page
    drawn = [name for name in CAPTIONS if (reported / "media" / file_of(name)).is_file()]
    assert drawn == [name for name in CAPTIONS if name != "joint"]  # two attributes, one of them a number
    for name in drawn:
        assert f"(media/{file_of(name)})" in page
        with Image.open(reported / "media" / file_of(name)) as picture:
            picture.load()
    assert {"latents.md", *(f"media/{file_of(name)}" for name in drawn)} <= Contents.of(reported).files.keys()


def test_figures_made_anew_keep_the_report_and_faces_that_are_given_are_shown(reported, pictures, tmp_path):
    folder = Path(shutil.copytree(reported, tmp_path / "model"))
    before = json.loads((folder / "evaluation.json").read_text())["latents"]
    assert main(["evaluate", str(folder), "--data", str(pictures), *FEW]) == 0
    assert json.loads((folder / "evaluation.json").read_text())["latents"] == before
    assert "## Latent space" in (folder / "README.md").read_text()
    faces = [str(pictures / "validation" / f"{number:03d}.png") for number in (0, 1)]
    assert main(["evaluate", str(folder), "--data", str(pictures), *FEW, "--report", "--faces", *faces]) == 0
    assert "pictures that were given" in (folder / "latents.md").read_text()
    generated, given = ((f / "media" / file_of("originals")).read_bytes() for f in (reported, folder))
    assert generated != given


def test_what_cannot_be_is_said_in_one_line(reported, pictures, tmp_path, capsys, monkeypatch):
    wrong = {
        "--report writes into the model's own folder": ["--report", "--output", str(tmp_path / "f.json")],
        "--faces are what a report shows": ["--faces", "a.png", "b.png"],
        "'nothing.png' is no file": ["--report", "--faces", "nothing.png", "nothing.png"],
    }
    for message, arguments in wrong.items():
        assert main(["evaluate", str(reported), "--data", str(pictures), *FEW, *arguments]) == 1
        assert message in capsys.readouterr().err
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "sklearn" else find(name))
    assert main(["evaluate", str(reported), "--data", str(pictures), *FEW, "--report"]) == 1
    assert "pip install 'modeling-vae[report]'" in capsys.readouterr().err
