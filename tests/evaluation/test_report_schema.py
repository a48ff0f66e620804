"""evaluation.json of a folder from elsewhere: what is read again is checked, and file and field are named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from modeling_vae.commands.evaluate import _kept
from modeling_vae.figures.report_schema import read_report
from modeling_vae.publishing.repository import check_folder

CONFIGS = Path(__file__).parents[2] / "hub_configs"


@pytest.mark.parametrize("name", ["cats-128", "drawn-people-128", "faces-128", "kmnist-28"])
def test_ours_are_read_as_they_are(name):
    file = CONFIGS / name / "evaluation.json"
    assert read_report(file) == json.loads(file.read_text())


def deep(levels: int) -> list:
    return [deep(levels - 1)] if levels else []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("protocol", []),
        ("protocol.image_size", [64]),
        ("protocol.image_size", ["64", "64"]),
        ("protocol.pictures", -1),
        ("protocol.feature_network", {"architecture": 7}),
        ("reconstruction.psnr", "high"),
        ("reconstruction.psnr.value", float("nan")),
        ("reconstruction.psnr.low", [1]),
        ("reconstruction.latent_dim", "256"),
        ("reconstruction.active_units", None),
        ("sharpness.validation", 3),
        ("frechet_distance.training.value", float("inf")),
        ("kernel_distance.training.deviation", "x"),
        ("nearest_training_picture.pixels.share_of_copies", 2),
        ("attributes", "all"),
        ("attributes.mean.kept", []),
        ("attributes.each.Bald", 7),
        ("attributes.each.Bald.kept", {"value": "x"}),
        ("attributes.pictures", None),
        ("attributes.probe_learnt_from", {}),
        ("directions.refused", {"Bald": 1}),
        ("directions.refused.Bald", "x" * 2000),
        ("measured_on", {"dataset": 1, "split": "test"}),
        ("run", "long"),
        ("run.machine", deep(50)),
        ("notes", deep(500)),
    ],
)
def test_a_wrong_figure_is_named(tmp_path, place, value):
    report = json.loads((CONFIGS / "faces-128" / "evaluation.json").read_text())
    *way, last = place.split(".")
    table = report
    for key in way:
        table = table.setdefault(key, {})
    table[last] = value
    file = tmp_path / "evaluation.json"
    file.write_text(json.dumps(report))
    with pytest.raises(ValueError, match="evaluation.json") as error:
        read_report(file)
    said = str(error.value)
    assert "\n" not in said and len(said) < 600 and (place.split(".")[0] in said or "levels deep" in said)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{", '{"run": ' + "[" * 100_000, "{}" + " " * 1_000_000, "\ud7ff\0"]
)
def test_what_is_no_table(tmp_path, text):
    (tmp_path / "evaluation.json").write_text(text)
    with pytest.raises(ValueError, match=r"evaluation\.json"):
        read_report(tmp_path / "evaluation.json")


def test_pushes_and_evaluations_read_through_it(published, tmp_path):
    folder = shutil.copytree(published, tmp_path / "published")
    (folder / "evaluation.json").write_text('{"run": 7}')
    for read in (check_folder, lambda folder: _kept(folder / "evaluation.json")):
        with pytest.raises(ValueError, match=r"evaluation\.json: run is 7"):
            read(folder)
    (folder / "evaluation.json").unlink()
    (folder / "recipe.yaml").write_text("a: &a [*a]")
    with pytest.raises(ValueError, match=r"recipe\.yaml is nested more than 30 levels deep"):
        check_folder(folder)
