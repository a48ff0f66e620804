"""What is in the folder that was named, all of it and nothing else, is read or named in the report."""

from __future__ import annotations

import io
import os
import re
import shutil
import unicodedata

import pytest
from PIL import Image

from modeling_vae.data.picture_folder import LeftOut, PictureFolder
from modeling_vae.data.sources import Source
from modeling_vae.recipes.recipe import DataRecipe

from .making import contents, expected, noise, png, write_folder
from .test_sources import everything, write_parquet

both_ways = pytest.mark.parametrize("streaming", [False, True], ids=["cached", "streamed"])


def encoded(picture: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, lossless=True)
    return file.getvalue()


def save(folder, name: str, seed: int) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(noise(seed)))


# --- words in names decide nothing -------------------------------------------------------------------------------


@both_ways
@pytest.mark.parametrize(
    "name",
    [
        "toy train {}.png",
        "test-{}.png",
        "eval_{}.png",
        "validation.{}.png",
        "dev {}.png",
        "{}.train.png",
        "val/{}.png",
    ],
)
def test_words_in_names_of_files_are_no_splits(load, tmp_path, streaming, name):
    folder = write_folder(tmp_path / "cats" / "my test set", range(20))
    where = folder.parent if "/" not in name else folder.parent / "holiday train"
    for seed in range(100, 104):
        save(where, name.format(seed).replace("v/", ""), seed)
    (folder.parent / "instruction.md").write_text("how to test")
    data = load(folder.parent, validation=0.3, streaming=streaming)
    assert everything(data) == expected([*range(20), *range(100, 104)])
    assert data.report.left_out == LeftOut(not_pictures={".md": 1})


def test_one_picture_called_train_among_others(load, tmp_path):
    folder = write_folder(tmp_path / "cats", range(20))
    save(folder, "train.png", 50)
    (folder / "metadata.csv").write_text("file_name,age\n" + "".join(f"{n:03d}.png,{n}\n" for n in range(20)))
    data = load(folder, {"age": "numeric"}, validation=0.3)
    labels = {key: values["age"] for key, values in everything(data).items()}
    assert sorted(age for age in labels.values() if age is not None) == list(map(float, range(20)))
    assert list(labels.values()).count(None) == 1
    assert data.report.left_out.without_row == ("train.png",)


@pytest.mark.parametrize(("train", "validation"), [("train", "valid"), ("Training", "val"), ("TRAIN", "dev")])
def test_splits_are_folders_of_these_names(load, tmp_path, train, validation):
    write_folder(tmp_path / "cats" / "set" / train / "images", range(10))
    write_folder(tmp_path / "cats" / "set" / validation / "images", range(20, 24))
    write_folder(tmp_path / "cats" / "set" / "test", range(30, 33))
    save(tmp_path / "cats" / "set", "preview.png", 99)
    data = load(tmp_path / "cats")
    assert contents(data.train) == expected(range(10))
    assert contents(data.validation) == expected(range(20, 24))
    assert data.report.left_out == LeftOut(beside=("set/preview.png",), other_splits={"test": 3})
    told = str(data.report)
    assert "1 pictures beside the folders of splits, not read: set/preview.png" in told
    assert "3 pictures of splits that are not asked for: test (3)" in told
    same = load(tmp_path / "cats", train=train.lower(), validation=validation)
    assert contents(same.validation) == expected(range(20, 24))


def test_the_layout_of_yolo(load, tmp_path):
    for split, seeds in (("train", range(10)), ("val", range(20, 24))):
        write_folder(tmp_path / "images" / split, seeds)
        (tmp_path / "labels" / split).mkdir(parents=True)
        for number in range(4):
            (tmp_path / "labels" / split / f"{number:03d}.txt").write_text("0 .5 .5 1 1")
    data = load(tmp_path)
    assert contents(data.train) == expected(range(10))
    assert contents(data.validation) == expected(range(20, 24))
    assert data.report.left_out.not_pictures == {".txt": 8}


def test_pictures_beside_a_folder_of_validation_are_for_training(load, tmp_path):
    write_folder(tmp_path / "a", range(10))
    write_folder(tmp_path / "val", range(20, 24))
    data = load(tmp_path)
    assert contents(data.train) == expected(range(10))
    assert contents(data.validation) == expected(range(20, 24))


def test_two_names_of_one_split_are_refused(load, tmp_path):
    write_folder(tmp_path / "val", range(4))
    write_folder(tmp_path / "train", range(10, 14))
    with pytest.raises(ValueError, match="'val' and 'dev', are the same pictures; name another split"):
        load(tmp_path, train="val", validation="dev")
    with pytest.raises(
        ValueError, match="data.validation names the split 'test', which does not exist; there are: tr"
    ):
        load(tmp_path, validation="test")


# --- every picture, whatever it is called ------------------------------------------------------------------------


@both_ways
def test_any_suffix_in_any_case_or_none(load, tmp_path, streaming):
    folder = write_folder(tmp_path / "cats", range(12))
    names = ["a.Png", "b.PNG", "c.jpg_large", "d.png.bak", "e", "f.JPG", "g.txt", "h.webp!", "i.html", "__j__"]
    for seed, name in enumerate(names, 50):
        save(folder, name, seed)
    (folder / "k.WebP").write_bytes(encoded(noise(60), "WEBP"))
    (folder / "l.image").write_bytes(encoded(noise(61), "JPEG2000"))
    (folder / "m.data").write_bytes(encoded(noise(62), "TIFF"))
    (folder / "n.ppm").write_bytes(encoded(noise(63), "PPM"))
    data = load(folder, validation=0.3, streaming=streaming)
    assert everything(data) == expected([*range(12), *range(50, 64)])
    assert data.report.left_out == LeftOut()


@both_ways
def test_other_files_are_counted_by_suffix(load, tmp_path, streaming):
    folder = write_folder(tmp_path / "cats", range(20))
    for number in range(20):
        (folder / f"{number:03d}.txt").write_text("a cat")
        (folder / f"{number:03d}.png.json").write_text("{}")
        (folder / f"{number:03d}.MOV").write_bytes(b"\0\0\0\x14ftypqt  \0\0\0\0qt  ")
    (folder / "labels.xml").write_text("<annotation/>")
    (folder / "LICENSE").write_text("yours")
    (folder / "backup.zip").write_bytes(b"PK\3\4")
    (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (folder / "._000.png").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
    save(folder, ".thumbnail.png", 77)
    data = load(folder, validation=0.3, streaming=streaming)
    assert everything(data) == expected(range(20))
    others = {".json": 20, ".mov": 20, ".txt": 20, ".xml": 1, "no suffix": 1, ".zip": 1}
    assert data.report.left_out == LeftOut(not_pictures=others, hidden=(".thumbnail.png",))
    assert re.search(r"63 files that are no pictures: (20 \.(mov|json|txt), ){3}\.\.\.", str(data.report))


def test_what_calls_itself_a_picture_and_is_none_is_broken(load, tmp_path):
    folder = write_folder(tmp_path / "cats", range(60))
    (folder / "page.jpg").write_text("<html>not found</html>")
    (folder / "empty.png").write_bytes(b"")
    os.symlink(folder / "gone.png", folder / "link.png")
    data = load(folder, validation=0.3)
    assert len(everything(data)) == 60
    assert [name.split(" ")[1] for name in data.report.broken] == ["(empty.png)", "(link.png)", "(page.jpg)"]


def test_pipes_and_loops_of_links_stop_nobody(load, tmp_path):
    folder = write_folder(tmp_path / "cats", range(20))
    for name in ("pipe.png", "metadata.csv", "README.md", "pipe"):
        os.mkfifo(folder / name)
    os.symlink(folder, folder / "again")
    data = load(folder, validation=0.3)
    assert everything(data) == expected(range(20))
    assert (data.report.duplicates, data.report.broken) == (0, ())
    assert data.report.left_out.not_pictures == {"no suffix": 1, ".md": 1, ".csv": 1, ".png": 1}


@pytest.mark.parametrize(
    "name", ["my [2024] cats", "cats[1]", "cats::old", "cats*", "c?ts", "{a,b}", "#1 100% ~cats", "ca ts\u0301"]
)
@both_ways
def test_names_that_look_like_patterns(load, tmp_path, name, streaming):
    write_folder(tmp_path / "cats and dogs", range(90, 99))
    write_folder(tmp_path / "cats1", range(80, 89))
    write_folder(tmp_path / name, range(20))
    data = load(tmp_path / name, validation=0.3, streaming=streaming)
    assert everything(data) == expected(range(20))


@pytest.mark.parametrize("name", ["my [2024] cats", "cats::old", "cats*", "{a,b}"])
def test_parquet_in_folders_that_look_like_patterns(load, tmp_path, name):
    write_parquet(tmp_path / "made" / "a.parquet", range(90, 99))
    write_parquet(tmp_path / "made" / "b.parquet", range(20))
    for folder, file, made in (
        ("cats and dogs", "train.parquet", "a"),
        (name, "train [1].parquet", "b"),
        ("cats and dogs", "train 1.parquet", "a"),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        shutil.copy(tmp_path / "made" / f"{made}.parquet", tmp_path / folder / file)
    for path in ("", "/train [1].parquet", "/*.parquet"):
        data = load(f"{tmp_path}/{name}{path}", validation=0.3, image_column="face")
        assert everything(data) == expected(range(20)), path


def test_a_broken_readme_stops_nobody(load, tmp_path):
    folder = write_folder(tmp_path / "cats", range(20))
    (folder / "README.md").write_text("---\nlicense: [mit\n: : :\n---\n")
    assert everything(load(folder, validation=0.3)) == expected(range(20))


def test_folders_without_pictures_say_what_they_hold(load, tmp_path):
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "a.MOV").write_bytes(b"\0\0\0\x14ftypqt  ")
    with pytest.raises(ValueError, match=re.escape("is empty: of what it holds (1 .mov) nothing is a picture")):
        load(tmp_path / "films")


# --- classes -----------------------------------------------------------------------------------------------------


def test_classes_are_the_folders_below_the_splits(tmp_path):
    for kind, start in (("cat", 0), ("test dog", 10)):
        write_folder(tmp_path / "pets" / kind, range(start, start + 5))
    save(tmp_path / "pets", "loose.png", 50)
    source = Source(DataRecipe(path=str(tmp_path / "pets"), validation=0.3), {"label": "category"})
    labels = [row.labels["label"] for row in source.rows("train")]
    assert labels == [*["cat"] * 5, None, *["test dog"] * 5]


def test_names_are_compared_in_one_unicode_form(load, tmp_path):
    """macOS writes ä as two characters, tables as one."""
    name = "Kätzchen 1.png"
    for form in ("NFC", "NFD"):
        folder = write_folder(tmp_path / form, range(20))
        save(folder, unicodedata.normalize(form, name), 50)
        other = unicodedata.normalize("NFD" if form == "NFC" else "NFC", name)
        rows = "".join(f"{n:03d}.png,no\n" for n in range(20))
        (folder / "metadata.csv").write_text(f"file_name,smile\n{other},yes\n{rows}", encoding="utf-8")
        data = load(folder, {"smile": "boolean"}, validation=0.3)
        labels = [values["smile"] for values in everything(data).values()]
        assert (labels.count(True), labels.count(False)) == (1, 20)
        assert data.report.left_out == LeftOut()


def test_a_folder_listing_is_the_same_wherever_it_lies(tmp_path):
    for place in ("a", "b [2]"):
        write_folder(tmp_path / place / "train", range(3))
    first, second = (PictureFolder.open(str(tmp_path / place)) for place in ("a", "b [2]"))
    assert first is not None and second is not None
    assert first.splits == second.splits == {"train": [f"train/{n:03d}.png" for n in range(3)]}
