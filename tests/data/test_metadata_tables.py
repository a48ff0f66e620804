"""Tables beside pictures are read as people write them; what is wrong is named with its file and row."""

from __future__ import annotations

import json
import re

import pytest

from modeling_vae.data.picture_folder import LeftOut

from .making import contents, write_folder
from .test_sources import everything

COUNT = 20


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "faces", range(COUNT))


def table(delimiter: str = ",", yes: str = "yes", no: str = "no", end: str = "\n") -> str:
    rows = [("file_name", "smile", "name")]
    rows += [(f"{n:03d}.png", yes if n < 5 else no, f"Zoë {n % 3}") for n in range(COUNT)]
    return "".join(delimiter.join(row) + end for row in rows)


def labels_of(data, column: str) -> list:
    return [values[column] for values in everything(data).values()]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"])
def test_delimiters_and_encodings(load, folder, delimiter, encoding):
    (folder / "metadata.csv").write_bytes(table(delimiter, end="\r\n").encode(encoding))
    data = load(folder, {"smile": "boolean", "name": "category"}, validation=0.3)
    assert sum(labels_of(data, "smile")) == 5
    assert set(labels_of(data, "name")) == {"Zoë 0", "Zoë 1", "Zoë 2"}
    assert data.report.left_out == LeftOut()


@pytest.mark.parametrize(
    ("name", "before"),
    [("metadata.tsv", ""), ("Metadata.CSV", ""), ("metadata.csv", "sep=\t\n"), ("metadata.csv", "\n\n")],
)
def test_other_ways_of_spreadsheets(load, folder, name, before):
    (folder / name).write_text(before + table("\t", end="\r") + "\t\t\n", encoding="utf-8")
    assert sum(labels_of(load(folder, {"smile": "boolean"}, validation=0.3), "smile")) == 5


@pytest.mark.parametrize(
    ("yes", "no"),
    [
        ("1", "0"),
        ("1", "-1"),
        ("True", "FALSE"),
        (" Y ", "n"),
        ("on", "off"),
        ("t", "F"),
        ("1.0", "0.0"),
    ],
)
def test_booleans(load, folder, yes, no):
    (folder / "metadata.csv").write_text(table(yes=yes, no=no))
    found = labels_of(load(folder, {"smile": "boolean"}, validation=0.3), "smile")
    assert (found.count(True), found.count(False)) == (5, 15)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_whole_numbers_with_a_gap_stay_whole(load, folder, kind):
    import pandas

    values = pandas.Series([None, *[1 + n % 3 for n in range(1, COUNT)]])  # float64: 1.0, 2.0, 3.0 and NaN
    frame = pandas.DataFrame({"file_name": [f"{n:03d}.png" for n in range(COUNT)], "kind": values})
    if kind == "csv":
        frame.astype({"kind": "Int64"}).to_csv(folder / "metadata.csv", index=False)
    elif kind == "jsonl":
        frame.to_json(folder / "metadata.jsonl", orient="records", lines=True)
    else:
        frame.to_parquet(folder / "metadata.parquet")
    assert set(labels_of(load(folder, {"kind": "category"}, validation=0.3), "kind")) == {"1", "2", "3", None}


def test_members_of_objects_are_columns(load, folder):
    rows = [{"file_name": f"{n:03d}.png", "face": {"smile": n < 5}} for n in range(COUNT)]
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert sum(labels_of(load(folder, {"face.smile": "boolean"}, validation=0.3), "face.smile")) == 5


def test_rows_without_pictures_and_pictures_without_rows_are_named(load, folder):
    rows = [f"{n:03d}.png,{n}" for n in range(10)] + [f"gone {n}.png,1" for n in range(4)] + ["sub\\x.png,1"]
    (folder / "metadata.csv").write_text("\n".join(["file_name,age", *rows]))
    data = load(folder, {"age": "numeric"}, validation=0.3)
    found = labels_of(data, "age")
    assert len(found) == COUNT and found.count(None) == 10
    assert data.report.left_out == LeftOut(
        without_row=tuple(f"{n:03d}.png" for n in range(10, COUNT)),
        rows_without_picture=(*(f"gone {n}.png" for n in range(4)), "sub/x.png"),
    )
    told = str(data.report)
    assert "10 pictures without a row in the table, taken without labels: 010.png, 011.png, 012.png, ..." in told
    assert "5 rows without a picture: gone 0.png, gone 1.png, gone 2.png, ..." in told
    assert load(folder, {"age": "numeric"}, validation=0.3).report.left_out == data.report.left_out, "from the cache"


def test_tables_of_several_folders(load, tmp_path):
    for split, start, count in (("train", 0, 10), ("val", 50, 4)):
        folder = write_folder(tmp_path / split, range(start, start + count))
        rows = "".join(f"./{n:03d}.png,{start}\n" for n in range(count))
        (folder / "metadata.csv").write_text(f"file_name,age\n{rows}")
    data = load(tmp_path, {"age": "numeric"})
    assert {values["age"] for values in contents(data.train).values()} == {0.0}
    assert {values["age"] for values in contents(data.validation).values()} == {50.0}


def celeba(count: int, names: str = "Smiling Young") -> str:
    rows = [f"{n + 1:06d}.jpg {1 if n < 5 else -1:2d} {-1:2d}" for n in range(count)]
    return "\n".join([str(count), names + " ", *rows, ""])


@pytest.mark.parametrize("kind", ["txt", "csv"])
@pytest.mark.parametrize("partition", [False, True])
def test_the_lists_of_celeba_as_they_come(load, tmp_path, kind, partition):
    pictures = write_folder(tmp_path / "Img" / "img_align_celeba", range(COUNT))
    for number in range(COUNT):
        (pictures / f"{number:03d}.png").rename(pictures / f"{number + 1:06d}.jpg")  # a suffix says nothing
    splits = [f"{n + 1:06d}.jpg {0 if n < 12 else 1 if n < 18 else 2}" for n in range(COUNT)]
    attributes = celeba(COUNT)
    if kind == "csv":  # as Kaggle has them
        header, *rows = attributes.splitlines()[1:]
        attributes = "\n".join(",".join(row.split()) for row in [f"image_id {header}", *rows])
        splits = [row.replace(" ", ",") for row in ["image_id partition", *splits]]
    (tmp_path / "Anno").mkdir()
    (tmp_path / "Anno" / f"list_attr_celeba.{kind}").write_text(attributes)
    if partition:
        (tmp_path / f"list_eval_partition.{kind}").write_text("\n".join(splits))
    data = load(tmp_path, {"Smiling": "boolean", "Young": "boolean"}, validation="validation" if partition else 0.3)
    assert sum(labels_of(data, "Smiling")) == 5
    assert not any(labels_of(data, "Young"))
    if partition:
        assert data.report.pictures == {"train": 12, "validation": 6}
        assert data.report.left_out == LeftOut(other_splits={"test": 2})


HEAD = "file_name,smile\n"
ROWS = "".join(f"{n:03d}.png,1\n" for n in range(COUNT))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "metadata.csv",
            HEAD + "000.png,1\n001.png,?\n",
            "metadata.csv, line 3 (001.png): Column smile is boolean, but "
            "holds '?'; use true or false, 1 or 0, or null for unknown.",
        ),
        (
            "metadata.csv",
            HEAD + "\n000.png,1\n\n001.png,ja\n",
            "metadata.csv, line 5 (001.png): Column smile is boolean, but holds 'ja'",
        ),
        ("metadata.csv", HEAD, "metadata.csv holds no rows; add one for each picture, or remove the file."),
        ("metadata.csv", "", "metadata.csv is empty; write a header and a row for each picture"),
        ("metadata.csv", "\ufeff \n", "metadata.csv is empty; write a header"),
        (
            "metadata.csv",
            "name;smile\n000.png;1\n",
            "metadata.csv has no column file_name; call the one that names the pictures so. It has: name, smile.",
        ),
        (
            "metadata.csv",
            HEAD + "000.png,1,2,3\n",
            "metadata.csv, line 2 has 4 cells, but the header has 2; put text that",
        ),
        (
            "metadata.csv",
            HEAD + ",1\n",
            "metadata.csv, line 2 says no file_name; name its picture, or remove the row.",
        ),
        (
            "metadata.csv",
            HEAD + "000.png,1\n000.png,0\n",
            "metadata.csv, line 3 (000.png) and metadata.csv, line 2 "
            "(000.png) say different things of one picture; leave one of them.",
        ),
        ("metadata.csv", "file_name,smile,smile\n" + ROWS, "metadata.csv has two columns called 'smile'; rename"),
        ("metadata.csv", HEAD + '000.png,"' + "x" * 200_000, "metadata.csv, line 2 cannot be read (field larger than"),
        ("metadata.jsonl", '{"file_name": "000.png"}\n[1]\n', "metadata.jsonl, line 2 is no JSON object; write one"),
        ("metadata.jsonl", '{"file_name": \n', "metadata.jsonl, line 1 is no JSON ("),
        ("metadata.jsonl", "[" * 100_000, "metadata.jsonl, line 1 is no JSON ("),
        ("metadata.parquet", "PAR1 and nothing", "metadata.parquet is damaged ("),
        (
            "list_attr_celeba.txt",
            "000.png 1\n001.png 1\n",
            "list_attr_celeba.txt is no list of CelebA's: it begins with",
        ),
        (
            "list_attr_celeba.txt",
            "2\nsmile old\n000.png 1 -1\n001.png 1\n",
            "list_attr_celeba.txt, line 4 has 1 values, but there are 2 columns.",
        ),
        (
            "list_eval_partition.txt",
            "000.png 0\n001.png 7\n",
            "list_eval_partition.txt, line 2 puts 001.png into no split",
        ),
    ],
)
@pytest.mark.parametrize("streaming", [False, True], ids=["cached", "streamed"])
def test_what_cannot_be_read_is_named(load, folder, name, text, message, streaming):
    (folder / name).write_bytes(text.encode())
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        contents(load(folder, {"smile": "boolean"}, validation=0.3, streaming=streaming).train)


def test_two_tables_for_one_folder_are_refused(load, folder):
    (folder / "metadata.csv").write_text(HEAD + ROWS)
    (folder / "metadata.jsonl").write_text("")
    with pytest.raises(ValueError, match="metadata.csv and metadata.jsonl describe the same pictures; leave one"):
        load(folder, {"smile": "boolean"}, validation=0.3)


def test_rows_that_are_written_twice_are_one(load, folder):
    (folder / "metadata.csv").write_text(HEAD + ROWS + ROWS)
    assert labels_of(load(folder, {"smile": "boolean"}, validation=0.3), "smile") == [True] * COUNT


def test_the_row_of_a_value_in_parquet_is_named(load, tmp_path):
    import datasets

    from .making import noise, png

    rows = {"image": [{"bytes": png(noise(n)), "path": None} for n in range(4)], "age": ["1", "2", "old", "3"]}
    features = datasets.Features({"image": datasets.Image(), "age": datasets.Value("string")})
    datasets.Dataset.from_dict(rows, features=features).to_parquet(str(tmp_path / "a.parquet"))
    with pytest.raises(ValueError, match=re.escape("train[2]: Column age is numeric, but holds 'old'; use finite")):
        load(tmp_path / "a.parquet", {"age": "numeric"}, validation=0.3)
