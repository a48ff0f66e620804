"""`python -m modeling_vae compare`: the figures of `evaluate` for several models, one table, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from training.making import write_backbone, write_pictures

from modeling_vae.commands.main import main

from .measured import publish_tiny


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Pictures, a feature network, and three models: another seed, another likelihood, another size."""
    place = tmp_path_factory.mktemp("compared")
    pictures = write_pictures(place / "pictures")
    write_backbone(place / "backbone")
    publish_tiny(place / "first", pictures)
    publish_tiny(place / "second", pictures, seed=1, latent_dim=6)
    publish_tiny(place / "bernoulli", pictures, seed=2, likelihood="bernoulli")
    (place / "bernoulli" / "prior.safetensors").unlink()
    publish_tiny(place / "larger", pictures, image_size=[48, 32])
    publish_tiny(place / "grey", pictures, num_channels=1)
    (place / "carded").mkdir()
    (place / "carded" / "README.md").write_text("# A model\n")
    return place


def options(place: Path, *more: str) -> list[str]:
    few = ["--pictures", "24", "--edited", "4", "--resize", "32", "--seed", "3"]
    return ["--data", str(place / "pictures"), "--features", str(place / "backbone"), *few, *more]


def test_the_figures_are_those_of_evaluate(place, tmp_path, capsys, caplog):
    caplog.set_level("INFO")
    first, second, bernoulli = (str(place / name) for name in ("first", "second", "bernoulli"))
    arguments = options(place, "--baseline", bernoulli + "/", "--output", str(tmp_path / "both.json"))
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert main(["compare", first, second, *arguments]) == 0
    assert before == {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert caplog.text.count("Training a probe that judges 1 attributes, on 120 pictures") == 1
    found = json.loads((tmp_path / "both.json").read_text())
    text = capsys.readouterr().out
    assert text == (tmp_path / "both.md").read_text()
    assert list(found["models"]) == [first, second, bernoulli] and found["baseline"] == bernoulli
    for name in (first, second):
        assert main(["evaluate", name, *options(place, "--output", str(tmp_path / "one.json"))]) == 0
        alone = json.loads((tmp_path / "one.json").read_text())
        del alone["nearest_training_picture"], alone["measured_on"]
        assert found["models"][name] == alone
    distances = [found["models"][name]["frechet_distance"] for name in (first, bernoulli)]
    real, ours, theirs = distances[0]["training"], *(each["reconstructions"] for each in distances)
    share = 1 - (ours["value"] - real["value"]) / (theirs["value"] - real["value"])
    assert found["closed"][first]["reconstructions"] == pytest.approx(share)
    assert found["closed"][first]["fitted_samples"] is None  # the baseline has no fitted prior
    assert [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| `")] == [
        f"`{name}`" for name in found["models"]
    ]
    assert "| survival |" in text and "closed: reconstructions" in text and "Bernoulli" in text


@pytest.mark.parametrize(
    ("models", "more", "message"),
    [
        (["first", "larger"], [], "larger is a model of 48 x 32 pictures with 3 channels, but "),
        (["first", "grey"], [], "grey is a model of 32 x 32 pictures with 1 channel, but "),
        (["first"], ["--baseline", "larger"], "compare models of the same pictures"),
        (["first", "second"], ["--features", "", "--baseline", "second"], "give --features NETWORK to measure them"),
        (["first", "second"], ["--output", "nowhere/all.json"], "nowhere is no folder, so all.json cannot be written"),
        (["first", "second"], ["--output", "all.md"], "all.md is where the table goes"),
        (["first"], ["--sheets", "nowhere/all"], "nowhere is no folder, so all cannot be written there"),
        (["first"], ["--sheets", "first/config.json"], "first/config.json is a file: name a folder"),
        (["first"], ["--sheets", "carded"], "carded has a README.md that is no comparison"),
        (["first", "larger"], ["--sheets", "sheets", "--baseline", "first"], "compare models of the same pictures"),
        (["first", "nothing"], [], "nothing is no folder"),
        (["first"], ["--data", "no/where/at/all"], "data.path is 'no/where/at/all', which does not exist"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(models, more, message, place, capsys, monkeypatch):
    monkeypatch.chdir(place)
    assert main(["compare", *(f"./{name}" for name in models), *options(place, *more)]) == 1
    error = capsys.readouterr().err
    assert "error: " in error and message in error and "Traceback" not in error


def test_without_features_and_attributes_there_is_a_table_still(place, capsys, tmp_path):
    names = []
    for seed in (0, 1):
        folder = publish_tiny(tmp_path / f"{seed}", place / "pictures", seed=seed)
        (folder / "recipe.yaml").unlink()
        (folder / "directions.safetensors").unlink()
        names.append(str(folder))
    assert main(["compare", *names, "--data", str(place / "pictures"), "--pictures", "10"]) == 0
    text = capsys.readouterr().out
    assert "real training pictures" in text and "survival" not in text and "FD" not in text


def test_a_page_with_sheets(place, tmp_path, capsys):
    """Models of several sizes are measured each in its own; the page has all tables and can be written again."""
    (bare := publish_tiny(tmp_path / "bare", place / "pictures", seed=4)).joinpath("recipe.yaml").unlink()
    for file in ("directions.safetensors", "prior.safetensors"):
        (bare / file).unlink()
    names = [str(place / "first"), str(place / "larger"), str(place / "grey"), str(bare)]
    few = ["--data", str(place / "pictures"), "--pictures", "10", "--edited", "2"]
    for _ in range(2):
        assert main(["compare", *names, *few, "--sheets", str(tmp_path / "sheets")]) == 0
    text, page = capsys.readouterr().out, (tmp_path / "sheets" / "README.md").read_text()
    assert text == 2 * (table := text[: len(text) // 2]) and table.rstrip() in page
    assert table.count("real training pictures") == 3 and "10 validation pictures, 48 x 32;" in table
    shown = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    assert shown == set(names) and "48 x 32" in page and "32 x 32 grey" in page
    files = sorted(path.name for path in (tmp_path / "sheets").iterdir())
    sheets = ["averages.png", "interpolations.png", "reconstructions.png", "samples.png"]
    assert files == ["README.md", *sheets] and all(f"({name})" in page for name in sheets)
    for name in sheets:
        with Image.open(tmp_path / "sheets" / name) as sheet:
            sheet.load()
    assert main(["compare", names[1], *few]) == 0
    assert _cells(capsys.readouterr().out, names[1]) == _cells(table, names[1])  # figures of its own size


def _cells(text: str, name: str) -> list[str]:
    (line,) = (line for line in text.splitlines() if line.startswith(f"| `{name}`"))
    return [cell.strip() for cell in line.split("|")]
