"""A data set made ready: read, cleaned, divided, written or published, and trained on as it streams back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from modeling_vae.commands.main import main
from modeling_vae.data import labelled_batches, load_data
from modeling_vae.publishing.dataset_repository import prepare_data
from modeling_vae.recipes.recipe import DataRecipe

ATTRIBUTES = {"tame": "boolean", "coat": "category", "age": "numeric"}
GOOD = 44
ARGUMENTS = ["--size", "32", "--validation", "0.25", "--attributes", "tame:boolean", "coat:category", "age:numeric"]
TRAIN = """
from huggingface_hub import constants
import train
from modeling_vae.probing import probes

def copies():
    return {str(path) for path in Path(constants.HF_HOME).rglob("*.parquet")}

before, probes.EPOCHS = copies(), 2  # nothing here is about what the probes see
train.main(arguments)
result = sorted(copies() - before)
"""
COMMAND = """
import os
from huggingface_hub import constants
from modeling_vae.commands.main import main
constants.HF_HUB_DISABLE_XET = True  # by which `datasets` would push, and which the local Hub has not
os.environ["HF_TOKEN"] = token
result = main(arguments)
"""


def noise(seed: int, height: int = 36, width: int = 48) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def label(seed: int) -> dict:
    return {
        "tame": None if seed % 5 == 0 else seed % 2 == 0,
        "coat": None if seed % 7 == 0 else ["tabby", "black"][seed % 2],
        "age": None if seed % 3 == 0 else seed / 2,
    }


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """44 pictures with labels, two copies of others, and one that cannot be read."""
    folder = tmp_path_factory.mktemp("pictures") / "of-this-machine"
    folder.mkdir()
    rows = []
    for seed in range(GOOD):
        noise(seed).save(folder / f"{seed:02d}.png")
        rows.append({"file_name": f"{seed:02d}.png", "unused": "x", **label(seed)})
    for name, seed in (("copy.bmp", 3), ("second.png", 8)):
        noise(seed).save(folder / name)
        rows.append({"file_name": name, "unused": "x", **label(seed)})
    (folder / "broken.png").write_bytes((folder / "05.png").read_bytes()[:300])
    rows.append({"file_name": "broken.png", "unused": "x", **label(1)})
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    return folder


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """Where caches go."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HOME", str(tmp_path / "home"))
    return tmp_path


def read_back(path: str, home: Path, **fields) -> dict[str, dict[bytes, dict]]:
    """Pictures of both splits as they are trained on, by their bytes, with their labels."""
    settings = DataRecipe(path=path, **fields)
    data = load_data(settings, image_size=(32, 32), num_channels=3, attributes=ATTRIBUTES, cache_dir=home / "cache")
    found: dict[str, dict[bytes, dict]] = {}
    for split in ("train", "validation"):
        found[split] = {}
        for pixel_values, labels in labelled_batches(getattr(data, split), 16):
            grey_levels = (pixel_values * 255).round().to(torch.uint8)
            for row, picture in enumerate(grey_levels):
                found[split][picture.numpy().tobytes()] = {name: values[row] for name, values in labels.items()}
    return found


def expected() -> dict[bytes, dict]:
    """What should be there: the middle square of every picture, made smaller, with its labels."""
    pictures = {}
    for seed in range(GOOD):
        square = noise(seed).crop((6, 0, 42, 36)).resize((32, 32), Image.Resampling.LANCZOS)
        pictures[np.asarray(square).transpose(2, 0, 1).tobytes()] = label(seed)
    return pictures


def test_a_folder_of_pictures_becomes_a_folder_of_parquet(source, home, capsys):
    target = home / "prepared"
    assert main(["prepare", str(source), "--to", str(target), *ARGUMENTS, "--license", "cc-by-4.0"]) == 0
    assert capsys.readouterr().out.strip() == str(target)
    assert sorted(path.name for path in (target / "data").iterdir()) == [
        "train-00000-of-00001.parquet",
        "validation-00000-of-00001.parquet",
    ]
    back = read_back(str(target), home)
    assert back["train"] | back["validation"] == expected()
    assert not back["train"].keys() & back["validation"].keys() and 4 <= len(back["validation"]) <= 18
    assert back == read_back(str(source), home, validation=0.25), "the splits are those that training would make"


def test_the_card_says_what_is_there_and_what_was_left_out(source, home):
    target = home / "prepared"
    main(["prepare", str(source), "--to", str(target), *ARGUMENTS, "--license", "cc-by-4.0"])
    card = (target / "README.md").read_text()
    metadata = yaml.safe_load(card.split("---\n")[1])
    assert metadata["license"] == "cc-by-4.0" and metadata["size_categories"] == ["n<1K"]
    assert "# 44 pictures of 32 x 32 pixels" in card and "2 exact duplicates" in card
    assert "1 pictures that cannot be read: `train[44] (broken.png)`" in card
    assert "| `tame` | boolean | false 18, true 17 | 9 |" in card
    assert "| `coat` | category | black 19, tabby 18 | 7 |" in card
    assert "| `age` | numeric | 0.5 to 21.5, mean 10.88 | 15 |" in card
    assert "unused" not in card
    for path in target.rglob("*"):
        assert path.is_dir() or b"of-this-machine" not in path.read_bytes()


def test_other_sizes_and_grey(source, home):
    data = DataRecipe(path=str(source), validation=0.25, crop="none")
    prepare_data(data, str(home / "grey"), image_size=(24, 40), num_channels=1)
    import datasets

    row = datasets.load_dataset("parquet", data_dir=str(home / "grey" / "data"), cache_dir=str(home / "c"))["train"][0]
    assert list(row) == ["image"] and row["image"].mode == "L" and row["image"].size == (40, 24)
    assert row["image"].format == "PNG"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere", "--to", "{home}/a"], "nowhere is no folder or file here, and the Hub cannot be reached"),
        (["{source}", "--to", "cats"], "'cats' is no Hub id, which looks like user/name"),
        (["{source}", "--to", "{source}"], "is there already: give a folder that does not exist yet"),
        (["{source}", "--to", "{home}/a", "--attributes", "image:category"], "attributes names 'image'"),
        (["{source}", "--to", "{home}/a", "--attributes", "coats:category"], "did you mean 'coat'?"),
        (["{source}", "--to", "{home}/a", "--attributes", "coat:boolean"], "Column coat is boolean, but holds"),
        (["{source}", "--to", "{home}/a", "--validation", "test"], "data.validation names the split 'test'"),
        (["{source}", "--to", "{home}/a", "--validation", "1.5"], "set a share of train between 0 and 1"),
        (["{source}", "--to", "{home}/a", "--image-column", "photo"], "data.image_column names the column 'photo'"),
    ],
)
def test_what_is_not_possible_is_one_line_and_leaves_nothing(source, home, capsys, arguments, sentence):
    assert main(["prepare", *(a.format(source=source, home=home) for a in arguments)]) == 1
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith("error: ") and sentence in message
    assert not (home / "a").exists() and not list(home.glob("*.unfinished"))


def test_arguments_that_are_none(home, capsys):
    for extra in (["--attributes", "coat"], ["--size", "64x"], ["--size", "0"], ["--channels", "4"]):
        with pytest.raises(SystemExit):
            main(["prepare", "pictures", "--to", "alice/cats", *extra])
    assert "'coat' is not COLUMN:KIND" in capsys.readouterr().err


def test_a_streamed_source_is_refused(source, home):
    with pytest.raises(ValueError, match="data.streaming is true"):
        prepare_data(DataRecipe(path=str(source), streaming=True), str(home / "a"), image_size=(32, 32))


def test_published_streamed_back_and_trained_on(client, hub, repo, source, home):
    """One data set from a folder to a model: pushed twice, edited in between, and trained on without a copy."""
    arguments = ["prepare", str(source), "--to", repo, *ARGUMENTS]
    outcome = client.run(COMMAND, arguments=arguments, token=hub.token)
    assert outcome.value() == 0, outcome.text
    repository = hub.repo(repo, "dataset")
    card = hub.read(repo, "README.md", kind="dataset").decode()
    metadata = yaml.safe_load(card.split("---\n")[1])
    counts = {split["name"]: split["num_examples"] for split in metadata["dataset_info"]["splits"]}
    assert sum(counts.values()) == GOOD and metadata["configs"][0]["data_files"][0]["path"] == "data/train-*"
    assert "2 exact duplicates" in card and f"data.path={repo}" in card and "of-this-machine" not in card
    head = repository.resolve("main").oid
    assert client.run(COMMAND, arguments=arguments, token=hub.token).value() == 0
    assert repository.resolve("main").oid == head, "the same again is no commit"
    tree = dict(repository.resolve("main").tree)
    tree["README.md"] = hub.store.regular((card + "\nWords of a person.\n").encode())
    repository.append("refs/heads/main", tree, "by hand", "", "alice", head)
    edited = repository.resolve("main").oid
    assert client.run(COMMAND, arguments=[*arguments, "--license", "mit"], token=hub.token).value() == 0
    card = hub.read(repo, "README.md", kind="dataset").decode()
    assert "Words of a person." in card and "license: mit" in card and "dataset_info" in card
    assert repository.resolve("main").oid != edited
    trained(client, repo, home)


def trained(client, dataset: str, home: Path) -> None:
    recipe = {
        "model": {"image_size": 32, "latent_dim": 4, "hidden_channels": [8, 8]},
        "data": {"path": dataset, "streaming": True},
        "training": {"max_steps": 2, "per_device_train_batch_size": 8, "learning_rate": 1e-3},
        "attributes": ATTRIBUTES,
    }
    (home / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    outcome = client.run(TRAIN, arguments=[str(home / "recipe.yaml"), "--output", str(home / "run")])
    assert outcome.value() == [], "nothing of it is on this disk"
    assert "train is streamed" in outcome.text
    report = json.loads((home / "run" / "published" / "evaluation.json").read_text())
    assert report["run"]["steps"] == 2
    card = (home / "run" / "published" / "README.md").read_text()
    assert yaml.safe_load(card.split("---\n")[1])["datasets"] == [dataset]


def test_a_hub_that_refuses_is_asked_before_anything_is_read(client, hub, repo):
    outcome = client.run(COMMAND, arguments=["prepare", "/nowhere", "--to", repo], token="hf_wrong")
    assert outcome.value() == 1 and "sign in with" in outcome.text and "/nowhere" not in outcome.text
    assert ("dataset", repo) not in hub.store.repos
