"""`python -m modeling_vae evaluate`: figures into a folder and its card, or into a file, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from training.making import write_backbone, write_pictures

from modeling_vae.commands.main import main
from modeling_vae.publishing.card_sections import Card

from .clients import python
from .measured import publish_tiny


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("evaluated") / "pictures")


@pytest.fixture(scope="module")
def whole(pictures, tmp_path_factory) -> Path:
    """A published folder with recipe, directions of the pictures' columns and an evaluation.json of an older kind."""
    folder = publish_tiny(tmp_path_factory.mktemp("evaluated") / "model", pictures)
    older = {"run": {"steps": 7}, "alignment": {"steps": 7}, "sharpness": {"validation": 1.0}}
    (folder / "evaluation.json").write_text(json.dumps(older))
    return folder


@pytest.fixture
def folder(whole, tmp_path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "model"))


def test_a_folder_gets_its_figures_and_its_card(folder, pictures, capsys):
    (folder / "README.md").write_text(str(Card.generated({}, {"about": "old"})) + "\nBy hand.\n")
    assert main(["evaluate", str(folder), "--data", str(pictures), "--pictures", "50", "--edited", "20"]) == 0
    report = json.loads((folder / "evaluation.json").read_text())
    assert report["protocol"]["pictures"] == 50 and report["run"] == report["alignment"] == {"steps": 7}
    found = report["attributes"]
    assert found["pictures"] == {"validation": 50, "edited": 20, "encoded_again": 20}
    assert found["left_out"] == {"side": "a number, no yes or no"}
    bright, side = found["each"]["bright"], found["each"]["side"]
    assert bright["probe_auc"]["value"] > 0.9 and 0 <= bright["success"]["value"] <= 1
    assert bright["leak"]["value"] is None  # there is no other attribute of yes or no
    assert side["reencoding_error"]["value"] > 0 and side["success"]["value"] is None
    printed = capsys.readouterr().out
    assert printed == (folder / "evaluation.md").read_text()
    assert "| `bright` " in printed and "probe AUC" in printed and "PSNR (dB)" in printed
    card = (folder / "README.md").read_text()
    assert "By hand." in card and "| probe AUC | survival | success | leak | leak, held |" in card
    assert f"{bright['survival']['value']:.3f} ± " in card and str(pictures) not in card
    assert (
        report["measured_on"] == {"dataset": None, "split": "validation"}
        and "of pictures that are not on the Hub, split `validation`" in card
    )
    assert {"attribute_survival", "edit_success"} <= {
        metric["type"] for metric in Card.parse(card).metadata["model-index"][0]["results"][0]["metrics"]
    }


def test_a_file_instead_of_the_folder_and_the_same_for_a_seed(folder, pictures, tmp_path, capsys):
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    reports = []
    for number, seed in enumerate((3, 3, 4)):
        file = tmp_path / f"{number}.json"
        arguments = ["--data", str(pictures), "--pictures", "30", "--edited", "10", "--seed", str(seed)]
        assert main(["evaluate", str(folder), *arguments, "--output", str(file)]) == 0
        reports.append(json.loads(file.read_text()))
    assert reports[0] == reports[1] != reports[2]
    assert before == {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    capsys.readouterr()


def test_splits_columns_and_features_are_as_asked(folder, pictures, tmp_path, capsys):
    renamed = Path(shutil.copytree(pictures, tmp_path / "pictures"))
    (renamed / "validation").rename(renamed / "test")
    network = write_backbone(tmp_path / "backbone")
    arguments = ["--data", str(renamed), "--split", "test", "--features", str(network), "--resize", "32"]
    arguments += ["--pictures", "24", "--edited", "4", "--output", str(tmp_path / "figures.json")]
    assert main(["evaluate", str(folder), *arguments]) == 0
    report = json.loads((tmp_path / "figures.json").read_text())
    assert report["protocol"]["feature_network"]["resolution"] == 32
    assert set(report["frechet_distance"]) >= {"reconstructions", "fitted_samples", "morph_midpoints"}
    assert "samples, fitted prior" in capsys.readouterr().out


def test_without_a_recipe_the_attributes_are_those_of_the_directions(folder, pictures, capsys, caplog):
    (folder / "recipe.yaml").unlink()
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps(settings | {"crop": "face"}))
    assert main(["evaluate", str(folder), "--data", str(pictures), "--pictures", "20", "--edited", "4"]) == 0
    assert set(json.loads((folder / "evaluation.json").read_text())["attributes"]["each"]) == {"bright", "side"}
    assert not (folder / "README.md").exists() and "its card stays as it is" in caplog.text
    capsys.readouterr()


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "does not say where its pictures are: give --data PATH_OR_ID"),
        (["--data", "no/where/at/all"], "data.path is 'no/where/at/all', which does not exist"),
        (["--data", "PICTURES", "--split", "tets"], "tets"),
        (["--data", "PICTURES", "--image-column", "photo"], "photo"),
        (["--data", "PICTURES", "--output", "nowhere/figures.json"], "nowhere is no folder, so figures.json cannot"),
        (
            ["--data", "PICTURES", "--features", "./nothing"],
            "'./nothing' is no folder, and no Hub id",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments, message, folder, pictures, capsys):
    arguments = [str(pictures) if argument == "PICTURES" else argument for argument in arguments]
    assert main(["evaluate", str(folder), *arguments]) == 1
    error = capsys.readouterr().err
    assert "error: " in error and message in error and "Traceback" not in error


def test_impossible_numbers_and_models_are_refused(folder, capsys):
    for arguments in (["--pictures", "0"], ["--pictures", "1"], ["--resize", "big"], ["--device", "abacus"]):
        with pytest.raises(SystemExit) as stopped:
            main(["evaluate", str(folder), *arguments])
        assert stopped.value.code == 2 and arguments[1] in capsys.readouterr().err
    assert main(["evaluate", "./nowhere", "--data", "x"]) == 1
    assert "nowhere is no folder" in capsys.readouterr().err
    (folder / "evaluation.json").write_text('{"run": ')
    assert main(["evaluate", str(folder), "--data", "x"]) == 1
    assert "evaluation.json is damaged" in capsys.readouterr().err


def test_a_model_of_the_hub_is_measured_as_its_recipe_says(hub, client, repo, whole, pictures, tmp_path):
    push = "from modeling_vae.publishing.repository import push_folder\npush_folder(folder, repo, token=token)"
    client.run(push, folder=whole, repo=repo, token=hub.token).value()
    arguments = ["evaluate", repo, "--data", str(pictures), "--pictures", "20", "--edited", "4", "--output", "f.json"]
    done = python(hub, tmp_path / "home", "-m", "modeling_vae", *arguments, HF_TOKEN=hub.token)
    assert done.returncode == 0, done.stderr
    assert "| `bright` " in done.stdout
    assert "attributes" in json.loads((tmp_path / "home" / "f.json").read_text())
