"""The README says nothing that is not so: its Python runs, its commands parse and train, its links exist."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from training.making import write_backbone, write_pictures

import train
from modeling_vae.commands.main import main as cli_main
from modeling_vae.data import load_data
from modeling_vae.data.dataset import labelled_batches
from modeling_vae.probing import probes
from modeling_vae.recipes.recipe import DataRecipe

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("docs/**/*.md"), ROOT / "CONTRIBUTING.md"])
COMMAND = ".venv/bin/modeling-vae"
BUNDLED = ROOT / "hub_configs" / "cats-128" / "model.safetensors"


def blocks(language: str, text: str = README) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [body for name, body in found if name == language]


def commands(text: str = README) -> list[list[str]]:
    whole = [block.replace("\\\n", " ") for block in blocks("bash", text)]  # a line may go on in the next one
    lines = [line for block in whole for line in block.splitlines() if line]
    return [shlex.split(line.split("  #")[0]) for line in lines]


def test_every_link_leads_somewhere():
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if not link.startswith("http")]
    links += re.findall(r'<img src="([^"]+)"', README)
    assert len(links) > 20
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_models_are_as_large_as_it_says():
    table = [line.strip("| ").split(" | ") for line in README.splitlines() if line.startswith("| ")]
    names, sizes = (next(row for row in table if there in row[0]) for there in ("cats-128`", "x 128, "))
    assert len(names) == len(sizes) == 4
    for name, size in zip(names, sizes, strict=True):
        folder = ROOT / re.search(r"\((hub_configs/.*)\)", name).group(1)
        if (folder / "model.safetensors").exists():
            megabytes = sum(file.stat().st_size for file in folder.glob("*.safetensors")) / 1e6
            height, width = json.loads((folder / "config.json").read_text())["image_size"]
            assert size == f"{width} x {height}, {megabytes:.1f} MB"


def test_every_path_of_the_tree_exists():
    tree = next(block for block in blocks("") if "modeling_vae/" in block)
    folder = Path()
    for line in tree.strip().splitlines():
        name = line.split()[0]
        path = folder / name if line.startswith(" ") else Path(name)
        folder = Path(name) if not line.startswith(" ") else folder
        assert (ROOT / path).exists(), path


@pytest.mark.skipif(not BUNDLED.exists(), reason="the bundled model is not in this checkout")
@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_the_python_runs(number, tmp_path):
    (tmp_path / "hub_configs").symlink_to(ROOT / "hub_configs")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    script = blocks("python")[number]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    if "morph.gif" in script:
        assert (tmp_path / "morph.gif").stat().st_size > 10_000 and (tmp_path / "asleep.png").exists()


def test_the_make_targets_exist():
    targets = [words[1] for words in commands() if words[0] == "make"]
    assert targets == ["app", "test", "docs"]
    makefile = (ROOT / "Makefile").read_text()
    assert all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in targets)


def test_the_training_commands_train(tmp_path, monkeypatch):
    """As they stand, but for a few steps on small pictures."""
    write_pictures(tmp_path / "my_pictures")
    for file in (tmp_path / "my_pictures").rglob("metadata.jsonl"):
        rows = file.read_text().replace('"bright"', '"smiling"').replace('"side": ', '"hair": ').replace(".0}", "}")
        file.write_text(rows)
    backbone = write_backbone(tmp_path / "backbone")
    short = [
        f"objective.perceptual.backbone={backbone}", "objective.perceptual.layers=[conv_stem]",
        "objective.adversarial.layers=null", "training.max_steps=2", "training.per_device_train_batch_size=8",
        "training.precision=fp32", "data.max_pictures=60",
    ]  # fmt: skip
    small = ["model.hidden_channels=[8, 8, 8, 8]", "model.decoder_channels=null", "model.latent_dim=8"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(probes, "EPOCHS", 2)  # nothing here is about what they see, and it takes the longest
    training = [words[2:] for words in commands() if words[0] == COMMAND and words[1] == "train"]
    assert len(training) == 4
    for number, arguments in enumerate(training):
        recipe, *overrides = [word.replace("=hub_configs/", f"={ROOT}/hub_configs/") for word in arguments]
        short_run = short if any("model.pretrained" in word for word in overrides) else [*short, *small]
        published = train.main([recipe, *overrides, *short_run, "--output", f"runs/{number}"])
        assert (published / "README.md").exists()


def test_the_other_commands_are_understood(capsys):
    """`--help` behind them: the command exists. What stands before it is refused where it is unknown."""
    asked = [words[1:] for words in commands() if words[0] == COMMAND]
    assert {words[0] for words in asked} == {"train", "studio", "evaluate", "compare", "export", "push", "push-space"}
    for words in asked:
        with pytest.raises(SystemExit) as stopped:
            cli_main([*words, "--help"])
        assert stopped.value.code == 0
    assert "usage" in capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_the_pages_are_understood(page):
    for words in commands(page.read_text(encoding="utf-8")):
        if Path(words[0]).name == "modeling-vae":
            with pytest.raises(SystemExit) as stopped:
                cli_main([*words[1:], "--help"])
            assert stopped.value.code == 0
        elif "benchmarks/" in " ".join(words):
            assert (ROOT / next(word for word in words if word.startswith("benchmarks/"))).exists()


def test_the_table_to_copy_is_read(tmp_path):
    """With the attributes of the command below it: a value that is missing is not known."""
    (tmp_path / "metadata.csv").write_text(blocks("csv")[0])
    for number, name in enumerate(("ann.jpg", "bob.jpg", "eve.jpg")):
        Image.new("RGB", (32, 32), (80 * number, 90, 40)).save(tmp_path / name)
    settings = DataRecipe(path=str(tmp_path), validation=0.4)
    data = load_data(
        settings, image_size=(32, 32), num_channels=3, attributes={"smiling": "boolean", "hair": "category"}
    )
    found = set()
    for part in (data.train, data.validation):
        for _, columns in labelled_batches(part, 8):
            found |= set(zip(columns["smiling"], columns["hair"], strict=True))
    assert found == {(True, "brown"), (False, "grey"), (None, "black")}
