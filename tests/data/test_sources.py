"""Every kind of data set gives the same pictures and labels, cached and streamed; wrong names are refused."""

from __future__ import annotations

import json
import pickle
import re
import zipfile

import datasets
import pytest

from modeling_vae.data.sources import Source
from modeling_vae.recipes.recipe import DataRecipe

from .making import contents, expected, noise, png, write_folder, write_tar

both_ways = pytest.mark.parametrize("streaming", [False, True], ids=["cached", "streamed"])


def everything(data) -> dict[bytes, dict]:
    train, validation = contents(data.train), contents(data.validation)
    assert not train.keys() & validation.keys()
    assert train
    assert validation
    return {**train, **validation}


@both_ways
def test_folders_of_classes(load, tmp_path, streaming):
    for split, start in (("train", 0), ("validation", 50)):
        for number, kind in enumerate(("cat", "dog")):
            write_folder(tmp_path / "pets" / split / kind, range(start + 10 * number, start + 10 * number + 5))
    data = load(tmp_path / "pets", {"label": "category"}, streaming=streaming)
    assert contents(data.train) == {
        **expected(range(5), lambda _: {"label": "cat"}),
        **expected(range(10, 15), lambda _: {"label": "dog"}),
    }
    assert contents(data.validation).keys() == expected([*range(50, 55), *range(60, 65)]).keys()


@both_ways
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_folder_with_metadata(load, tmp_path, streaming, kind):
    import pandas

    folder = write_folder(tmp_path / "faces", range(20))

    def label(seed):
        return {
            "smile": None if seed == 3 else seed % 2 == 0,
            "age": None if seed == 4 else seed / 2,
            "coat": "ab"[seed % 2],
        }

    table = pandas.DataFrame([{"file_name": f"{seed:03d}.png", **label(seed)} for seed in range(20)])
    if kind == "csv":
        table.to_csv(folder / "metadata.csv", index=False)
    elif kind == "jsonl":
        table.to_json(folder / "metadata.jsonl", orient="records", lines=True)
    else:
        table.to_parquet(folder / "metadata.parquet")
    attributes = {"smile": "boolean", "age": "numeric", "coat": "category"}
    data = load(folder, attributes, validation=0.3, streaming=streaming)
    assert everything(data) == expected(range(20), label)


def write_parquet(path, seeds):
    import datasets

    features = datasets.Features({"face": datasets.Image(), "smiles": datasets.ClassLabel(names=["no", "yes"])})
    rows = {"face": [{"bytes": png(noise(seed)), "path": None} for seed in seeds], "smiles": [s % 2 for s in seeds]}
    path.parent.mkdir(exist_ok=True)
    datasets.Dataset.from_dict(rows, features=features).to_parquet(str(path))


@both_ways
def test_parquet(load, tmp_path, streaming):
    write_parquet(tmp_path / "parquet" / "train.parquet", range(20))
    write_parquet(tmp_path / "parquet" / "validation.parquet", range(50, 53))
    settings = {"image_column": "face", "streaming": streaming}
    data = load(tmp_path / "parquet", {"smiles": "boolean"}, **settings)
    assert contents(data.train) == expected(range(20), lambda seed: {"smiles": seed % 2 == 1})
    assert contents(data.validation) == expected(range(50, 53), lambda seed: {"smiles": seed % 2 == 1})
    one_file = load(tmp_path / "parquet" / "train.parquet", {"smiles": "category"}, validation=0.3, **settings)
    assert everything(one_file) == expected(range(20), lambda seed: {"smiles": ["no", "yes"][seed % 2]})


@both_ways
def test_configurations_in_a_readme(load, tmp_path, streaming):
    write_parquet(tmp_path / "named" / "a.parquet", range(4))
    write_parquet(tmp_path / "named" / "b.parquet", range(4, 6))
    entries = [{"split": "train", "path": "a.parquet"}, {"split": "test", "path": "b.parquet"}]
    header = json.dumps({"configs": [{"config_name": "small", "data_files": entries}]})
    (tmp_path / "named" / "README.md").write_text(f"---\n{header}\n---\n")
    data = load(tmp_path / "named", name="small", validation="test", image_column="face", streaming=streaming)
    assert contents(data.train) == expected(range(4))
    assert contents(data.validation) == expected(range(4, 6))


@both_ways
@pytest.mark.parametrize("path", ["", "/train-0.tar", "/*.tar"], ids=["folder", "file", "pattern"])
def test_webdataset(load, tmp_path, streaming, path):
    def sample(seed):
        facts = {"smile": seed % 2 == 0, "age": seed}
        return {"png": png(noise(seed)), "cls": str(seed % 3).encode(), "json": json.dumps(facts).encode()}

    for shard in range(2):
        write_tar(
            tmp_path / "tars" / f"train-{shard}.tar", [sample(seed) for seed in range(20 * shard, 20 * shard + 20)]
        )
    attributes = {"cls": "category", "json.smile": "boolean", "json.age": "numeric"}
    data = load(f"{tmp_path}/tars{path}", attributes, validation=0.3, image_column="png", streaming=streaming)
    assert everything(data) == expected(
        range(20 if path == "/train-0.tar" else 40),
        lambda seed: {"cls": str(seed % 3), "json.smile": seed % 2 == 0, "json.age": float(seed)},
    )


@both_ways
def test_zipped_pictures(load, tmp_path, streaming):
    (tmp_path / "zipped").mkdir()
    with zipfile.ZipFile(tmp_path / "zipped" / "pictures.zip", "w") as archive:
        for seed in range(20):
            archive.writestr(f"{seed}.png", png(noise(seed)))
    assert everything(load(tmp_path / "zipped", validation=0.3, streaming=streaming)) == expected(range(20))


@both_ways
@pytest.mark.parametrize(
    ("attributes", "fields", "message"),
    [
        ({}, {"train": "trian"}, "data.train names the split 'trian', which does not exist; there are: train, "
         "validation; did you mean 'train'?"),
        ({}, {"validation": "x"}, "data.validation names the split 'x', which does not exist; there are: train, "
         "validation, or set the share of train to take for it, such as 0.1."),
        ({}, {"validation": "train"}, "data.train and data.validation are both 'train'; name another split"),
        ({}, {"validation": 1.0}, "data.validation is 1.0; set a share of train between 0 and 1, or the name of"),
        ({}, {"image_column": "imge"}, "data.image_column names the column 'imge', which does not exist; there are: "
         "image; did you mean 'image'?"),
        ({}, {"image_column": "label"}, "data.image_column is 'label', but that column holds no pictures; those with "
         "pictures are: image."),
        ({"lable": "category"}, {}, "attributes names the column 'lable', which does not exist; there are: label; "
         "did you mean 'label'?"),
        ({"label": "colour"}, {}, "attributes.label is 'colour'; set \"boolean\", \"category\" or \"numeric\"."),
    ],
)  # fmt: skip
def test_wrong_names(load, tmp_path, streaming, attributes, fields, message):
    for split, start in (("train", 0), ("validation", 50)):
        for number, kind in enumerate(("cat", "dog")):
            write_folder(tmp_path / "pets" / split / kind, range(start + 10 * number, start + 10 * number + 2))
    with pytest.raises(ValueError, match=re.escape(message)):
        load(tmp_path / "pets", attributes, streaming=streaming, **fields)


def test_a_mistyped_folder_without_a_network_is_named_as_such(load, monkeypatch):
    """`my_pictures` might be a Hub id, but first of all there is no such folder."""

    def offline(path, name):
        raise ConnectionError("offline")

    monkeypatch.setattr(datasets, "load_dataset_builder", offline)
    with pytest.raises(ConnectionError, match=r"data\.path is 'my_pictures': there is no such folder or file here"):
        load("my_pictures")


def test_wrong_paths(load, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("no picture")
    for path, message in (
        (tmp_path / "nowhere", "which does not exist; give a folder, a file or a Hub id."),
        ("../nowhere", "data.path is '../nowhere', which does not exist"),
        (tmp_path / "empty", "which is empty: it holds no pictures, parquet or tar files; add some."),
        (tmp_path / "notes.txt", "which is of the kind .txt; give .parquet or .tar files, or a folder of pictures."),
        ("", "data.path is missing; give a folder of pictures, a parquet or tar file, or a Hub id."),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            load(path)


@both_ways
@pytest.mark.filterwarnings("ignore")
def test_damaged_containers(load, tmp_path, streaming):
    # A member is a header of 512 bytes and a picture of at most 512; the cut is within the pixels of the eleventh.
    whole = write_tar(tmp_path / "whole.tar", [{"png": png(noise(seed))} for seed in range(30)])
    (tmp_path / "half.tar").write_bytes(whole.read_bytes()[: 10 * 1024 + 700])
    (tmp_path / "half.parquet").write_bytes(b"PAR1 and then nothing")
    for name in ("half.tar", "half.parquet"):
        with pytest.raises(
            ValueError, match=r"half.*the split 'train' cannot be read to its end .* damaged or truncated"
        ):
            data = load(tmp_path / name, validation=0.3, image_column="png", streaming=streaming)
            contents(data.train)


def test_an_opened_source_can_be_sent_to_another_process(tmp_path):
    """Labels are read by functions, and what is open stays here."""
    for kind in ("cat", "dog"):
        write_folder(tmp_path / "pets" / "train" / kind, range(3))
    write_folder(tmp_path / "pets" / "validation" / "cat", range(5, 7))
    source = Source(DataRecipe(path=str(tmp_path / "pets"), streaming=True), {"label": "category"})
    source.check("train")
    rows = list(source.rows("train"))
    assert [row.labels["label"] for row in rows] == ["cat"] * 3 + ["dog"] * 3
    assert list(pickle.loads(pickle.dumps(source)).rows("train")) == rows
