"""Tables and folders that are odder still: what cannot be right is named, what can is read to the last character."""

from __future__ import annotations

import json
import os
import re

import pytest

from modeling_vae.data.labels import label_reader
from modeling_vae.data.picture_folder import LeftOut
from modeling_vae.data.report import DataReport
from modeling_vae.refusals import printable

from .making import noise, png, write_folder
from .test_sources import everything

COUNT = 20
HEAD = "file_name,v\n"


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "faces", range(COUNT))


def rows(cell: str = "a") -> list[str]:
    return [f"{n:03d}.png,{cell}\n" for n in range(COUNT)]


def refused(load, folder, kind: str, message: str, **fields) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(message)) as raised:
        load(folder, {"v": kind}, validation=0.3, **fields)
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize("at", [0, 5, COUNT - 2])
@pytest.mark.parametrize("name", ["metadata.csv", "metadata.tsv"])
def test_a_quotation_that_nothing_closes_swallows_no_rows(load, folder, at, name):
    lines = rows()
    lines[at] = f'{at:03d}.png,"a\n'
    text = HEAD + "".join(lines)
    (folder / name).write_text(text.replace(",", "\t") if name.endswith("tsv") else text)
    refused(load, folder, "category", f"{name}, line {at + 2} opens a quotation mark that nothing closes; close it")


@pytest.mark.parametrize("cell", ['5"tall', '"a ""b"" c"', '"line\nbreak"', '"a"b', "'a"])
def test_other_quotation_marks_are_read(load, folder, cell):
    (folder / "metadata.csv").write_text(HEAD + "".join(rows(cell)))
    data = load(folder, {"v": "category"}, validation=0.3)
    assert len({labels["v"] for labels in everything(data).values()}) == 1
    assert data.report.left_out == LeftOut()


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("numeric", 10**400, "Column v is numeric, but holds 1000"),
        ("numeric", "1_000", "Column v is numeric, but holds '1_000'"),
        ("numeric", "9" * 5000, "Column v is numeric, but holds '9999"),
        ("numeric", float("inf"), "Column v is numeric, but holds inf"),
        ("boolean", "x" * 1_000_000, "Column v is boolean, but holds 'xxx"),
        ("boolean", 10**400, "Column v is boolean, but holds 1000"),
        ("category", [1] * 100_000, "Column v is a category, but holds [1, 1"),
    ],
    ids=str,
)
def test_values_beyond_all_bounds(kind, value, message):
    with pytest.raises(ValueError, match="^" + re.escape(message)) as raised:
        label_reader("v", kind)(value)
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize("number", [2**53 + 1, 10**400 + 1, -7])
def test_the_number_of_a_category_keeps_every_digit(number):
    assert label_reader("v", "category")(number) == str(number)


@pytest.mark.parametrize("key", ["file_name", "v"])
def test_half_a_character_is_no_text(load, folder, key):
    values = {"file_name": "000.png", "v": "a"}
    values[key] += "\ud83d"
    (folder / "metadata.jsonl").write_text(json.dumps(values))
    refused(load, folder, "category", "metadata.jsonl, line 1 is no JSON (")
    values[key] += "\ude00"  # with its other half
    (folder / "metadata.jsonl").write_text(json.dumps(values))
    load(folder, {"v": "category"}, validation=0.3)


def test_utf_32_and_line_breaks_of_unicode(load, folder):
    (folder / "metadata.csv").write_bytes((HEAD + "".join(rows("a\u2028b\x0cc\x85d"))).encode("utf-32"))
    data = load(folder, {"v": "category"}, validation=0.3)
    assert {labels["v"] for labels in everything(data).values()} == {"a\u2028b\x0cc\x85d"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such links")
@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl", "metadata.parquet", "list_attr_celeba.txt"])
def test_a_table_that_is_a_link_to_nothing_is_refused(load, folder, name):
    (folder / name).symlink_to("nowhere")
    refused(load, folder, "boolean", name)


@pytest.mark.parametrize("wanted", ["Train", "TRAINING"])
def test_a_split_by_another_of_its_names_is_asked_for(load, folder, wanted):
    (folder / "metadata.csv").write_text(HEAD + "".join(rows()[1:]))
    data = load(folder, {"v": "category"}, train=wanted, validation=0.3)
    assert data.report.left_out == LeftOut(without_row=("000.png",))


@pytest.mark.skipif(os.name == "nt", reason="names there are text")
@pytest.mark.parametrize("streaming", [False, True], ids=["cached", "streamed"])
def test_names_that_are_no_text(load, folder, streaming):
    picture = os.fsencode(folder) + b"/caf\xe9/f\xff.png"
    os.mkdir(os.path.dirname(picture))
    for path, data in ((picture, png(noise(50))), (os.fsencode(folder) + b"/br\xe9.png", b"\x89PNG")):
        with open(path, "wb") as file:
            file.write(data)
    for _ in range(2):  # the second time from the cache
        data = load(folder, validation=0.3, streaming=streaming)
        assert len(everything(data)) == COUNT + 1
        str(data.report).encode()
    assert streaming or r"br\udce9.png" in str(data.report)


def test_names_do_nothing_to_a_terminal():
    report = DataReport({"train": 1}, 0, ("a\x1b[2J\n\u202e.png",), 0.0, False, LeftOut(hidden=("\r.x.png",)))
    assert str(report).isprintable() and r"a\x1b[2J\n\u202e.png" in str(report)
    assert printable("a\tb\nä\x7f") == "a\\tb\nä\\x7f"


def test_of_suffixes_only_such_are_published_as_say_nothing_of_a_person():
    found = {".txt": 2, ".my passport 4711": 1, ".": 1, "no suffix": 3, ".jpg_large": 1, ".é": 1}
    counts = DataReport({"train": 1}, 0, (), 0.0, False, LeftOut(not_pictures=found)).counts()
    assert counts["files that are no pictures"] == {".txt": 2, "others": 3, "no suffix": 3, ".jpg_large": 1}


@pytest.mark.parametrize(
    ("name", "data"), [("a.zip", b"PK\3\4cut"), ("a.tar", b"cut"), ("a.arrow", b"cut"), ("a.parquet", b"PAR1")]
)
def test_a_broken_archive_is_named_by_its_folder(load, tmp_path, name, data):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / name).write_bytes(data)
    with pytest.raises(ValueError, match="data.path is .*data', but the split 'train' cannot be read to its end"):
        load(tmp_path / "data", validation=0.3)


@pytest.mark.parametrize("configs", ["3", "{a: 1}", "[]", "''"])
def test_a_readme_whose_configs_are_none_stops_nobody(load, folder, configs):
    (folder / "README.md").write_text(f"---\nconfigs: {configs}\n---\n")
    assert len(everything(load(folder, validation=0.3))) == COUNT


def test_a_readme_that_names_other_files_is_said_to(load, folder):
    (folder / "README.md").write_text("---\nconfigs:\n- config_name: a\n  data_files: nowhere/*\n---\n")
    with pytest.raises(ValueError, match=r"whose README.md says which files the data set is made of"):
        load(folder, validation=0.3)
