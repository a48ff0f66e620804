"""Answers about pictures: one at a time, on the disk at once, undone and gone on with."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modeling_vae.annotating.annotations import Annotations
from modeling_vae.annotating.page import LARGEST, SMALLEST, Page
from modeling_vae.commands.main import main
from modeling_vae.data.metadata_tables import Tables


@pytest.fixture
def folder(tmp_path) -> Path:
    """Nine pictures, two of them in a folder below."""
    folder = tmp_path / "cats"
    (folder / "more").mkdir(parents=True)
    for number in range(9):
        pixels = np.random.default_rng(number).integers(0, 256, (20, 30 + number, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / ("more" if number > 6 else "") / f"{number}.png")
    return folder


def begun(folder: Path, *values: str, column: str = "grumpy") -> Annotations:
    return Annotations(folder, column, values or ("yes", "no"))


def table(folder: Path) -> list[dict[str, str]]:
    with open(folder / "metadata.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_picture_is_asked_about_once_in_a_random_order_that_stays(folder):
    asked, annotations = [], begun(folder)
    while (name := annotations.next) is not None:
        asked.append(name)
        annotations.answer(name, "no")
    assert sorted(asked) == [*(f"{n}.png" for n in range(7)), "more/7.png", "more/8.png"] and asked != sorted(asked)
    (folder / "metadata.csv").unlink()
    assert begun(folder).pictures == annotations.pictures


def test_an_answer_is_on_the_disk_at_once_and_a_later_sitting_goes_on(folder):
    annotations = begun(folder)
    first, second = annotations.pictures[:2]
    annotations.answer(first, "yes")
    assert table(folder) == [{"file_name": first, "grumpy": "yes"}]
    later = begun(folder)
    assert later.next == second and not later.can_undo
    later.answer(second, "no")
    rows = Tables(str(folder), ["metadata.csv"])  # as training reads them
    assert rows.row_of(first).values == {"grumpy": "yes"} and rows.row_of(second).values == {"grumpy": "no"}
    assert later.counts == {"yes": 1, "no": 1}


def test_undo_takes_back_answers_and_skips_one_by_one(folder):
    annotations = begun(folder)
    first, second, third = annotations.pictures[:3]
    annotations.answer(first, "yes")
    annotations.answer(second, None)
    assert annotations.next == third
    assert annotations.undo() == second == annotations.next
    assert annotations.undo() == first == annotations.next
    assert annotations.undo() is None and annotations.answers == {}
    assert [row["grumpy"] for row in table(folder)] == [""]


def test_what_is_skipped_comes_again_in_a_later_sitting(folder):
    annotations = begun(folder)
    first = annotations.pictures[0]
    annotations.answer(first, None)
    assert annotations.next != first and begun(folder).next == first


def test_other_columns_and_rows_stay(folder):
    text = "file_name;age;note\n3.png;7;a, b\ngone.png;;x\n"
    (folder / "metadata.csv").write_text(text, encoding="utf-16")
    annotations = begun(folder)
    annotations.answer("3.png", "yes")
    annotations.answer("0.png", "no")
    assert table(folder) == [
        {"file_name": "0.png", "age": "", "note": "", "grumpy": "no"},
        {"file_name": "3.png", "age": "7", "note": "a, b", "grumpy": "yes"},
        {"file_name": "gone.png", "age": "", "note": "x", "grumpy": ""},
    ]
    assert begun(folder, "1", "2", column="stars").next is not None


def test_an_answer_that_cannot_be_written_is_not_taken(folder, monkeypatch):
    annotations = begun(folder)
    first = annotations.next

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("modeling_vae.annotating.annotations.write_whole", full)
    with pytest.raises(OSError):
        annotations.answer(first, "yes")
    assert annotations.next == first and not annotations.can_undo and not os.path.exists(folder / "metadata.csv")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--column", "file_name"], "'file_name' is no name for a column"),
        (["--column", "x", "--values", "a"], "--values are 1"),
        (["--column", "x", "--values", "a", "a"], "two different values"),
        (["--column", "x", "--values", "yes", "None"], "'None' says in a table"),
        (["--column", "coat"], "holds 'tabby' in coat"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(folder, arguments, message, capsys):
    (folder / "metadata.csv").write_text("file_name,coat\n3.png,tabby\n")
    assert main(["annotate", str(folder), *arguments]) == 1
    assert message in capsys.readouterr().err


def test_folders_without_pictures_or_with_other_tables_are_refused(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no pictures"):
        begun(tmp_path / "empty")
    with pytest.raises(ValueError, match="is no folder"):
        begun(tmp_path / "nowhere")
    (folder / "more" / "metadata.jsonl").write_text('{"file_name": "7.png"}\n')
    with pytest.raises(ValueError, match=r"has a table more/metadata\.jsonl"):
        begun(folder)


def test_the_page_shows_pictures_of_any_size_and_names_broken_ones(folder):
    Image.new("RGB", (4000, 10)).save(folder / "wide.png")
    (folder / "broken.jpg").write_bytes(b"no picture")
    page = Page(begun(folder, "<b>", "no"))
    assert page._picture("broken.jpg") is None and page._picture("wide.png").size == (LARGEST, 2)
    small = page._picture("0.png")
    assert min(small.size) == SMALLEST and max(small.size) <= LARGEST
    said = page.show("broken.jpg")[2]
    assert "0 of 11" in said and "<code>broken.jpg</code>" in said and "&lt;b&gt;" in said
