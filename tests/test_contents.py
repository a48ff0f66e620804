"""What leaves the house: files that belong to a published model, whole, without secrets, and nothing by a link."""

from __future__ import annotations

import ast
import logging
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny import tiny_pipeline

from modeling_vae import AttributeDirections, VAEPipeline
from modeling_vae.contents import CODE, Contents
from modeling_vae.figures.tables import code, literal
from modeling_vae.publishing.card import write_card
from modeling_vae.publishing.repository import check_folder
from modeling_vae.recipes.recipe import Recipe

STRANGERS = (
    *("TOKEN", ".env", "run.sh", "notes.csv", "notes.txt", "cfg.toml", "nb.ipynb", "page.html", "id_rsa", "helper.py"),
    *("media/id_rsa", "media/notes.md", "media/deeper/a.png", ".git/config", "optimizer.pt", "model.bin", "a.png"),
    *("config.json.bak", "model.safetensors.unfinished", ".eval_results/deep/x.yaml", "onnx/run.py"),
)
SECRET = "hf_" + "a1B2" * 9


@pytest.fixture
def folder(published, tmp_path) -> Path:
    return shutil.copytree(published, tmp_path / "cats")


def write(file: Path, content: bytes = b"") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def test_what_does_not_belong_is_named_and_stays(folder, caplog):
    before = set(check_folder(folder))
    for name in STRANGERS:
        write(folder / name, SECRET.encode())
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert set(check_folder(folder)) == before
    assert "Left out" in caplog.text and f"and {len(STRANGERS) - 5} more" in caplog.text
    assert set(Contents.of(folder).left_out) == set(STRANGERS)


def test_what_belongs_goes(folder):
    belonging = {"README.md", "LICENSE", "media/samples.webp", "media/own.png", ".eval_results/a.yaml", "onnx/d.onnx"}
    for name in belonging:
        write(folder / name, b"x")
    required = {"config.json", "model.safetensors", "preprocessor_config.json"}
    fitted = {"directions.safetensors", "prior.safetensors"}
    assert set(check_folder(folder)) == belonging | required | fitted | {path.name for path in CODE}


@pytest.mark.parametrize("name", ["media/id_rsa", "media/a.png", "README.md", "notes.txt", "media", "deep/er"])
@pytest.mark.parametrize("dangling", [False, True])
def test_a_link_that_leads_out_is_refused(folder, tmp_path, name, dangling):
    secret = tmp_path / "secret" if dangling else write(tmp_path / "secret", b"of the house")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).symlink_to(secret)
    with pytest.raises(ValueError, match=f"{name} is a link that leads out of the folder"):
        check_folder(folder)


def test_a_link_to_a_folder_elsewhere_is_refused(folder, tmp_path):
    write(tmp_path / "home" / "a.png", b"x")
    (folder / "media").symlink_to(tmp_path / "home")
    with pytest.raises(ValueError, match="media is a link that leads out"):
        check_folder(folder)


def test_links_inside_and_to_the_blobs_of_the_cache_are_files(folder, tmp_path):
    write(folder / "media" / "a.png", b"x")
    (folder / "media" / "b.png").symlink_to("a.png")
    assert {"media/a.png", "media/b.png"} <= check_folder(folder).keys()
    snapshot = tmp_path / "models--user--cats" / "snapshots" / ("0" * 40)
    blobs = tmp_path / "models--user--cats" / "blobs"
    blobs.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    for path in Contents.of(folder).files.values():
        shutil.copyfile(path, blobs / path.name)
        (snapshot / path.relative_to(folder)).parent.mkdir(exist_ok=True)
        (snapshot / path.relative_to(folder)).symlink_to(blobs / path.name)
    assert "model.safetensors" in check_folder(snapshot)
    (snapshot / "LICENSE").symlink_to(tmp_path / "models--user--cats" / "refs")
    with pytest.raises(ValueError, match="LICENSE is a link"):
        check_folder(snapshot)


def test_saving_takes_nothing_along_by_a_link(folder, tmp_path):
    write(folder / "media" / "a.png", b"x")
    write(folder / "media" / "id_rsa", b"of the house")
    VAEPipeline.from_pretrained(folder).save_pretrained(tmp_path / "copy")
    assert [path.name for path in (tmp_path / "copy" / "media").iterdir()] == ["a.png"]
    (folder / "media" / "c.png").symlink_to(write(tmp_path / "secret", b"of the house"))
    with pytest.raises(ValueError, match="c.png is a link"):
        VAEPipeline.from_pretrained(folder).save_pretrained(tmp_path / "another")


@pytest.mark.parametrize(
    "name", ["README.md", "LICENSE", "evaluation.json", "media/a.gif", "media/film.mp4", "onnx/d.onnx"]
)
@pytest.mark.parametrize(
    "secret", [SECRET, "ghp_" + "x" * 36, "AKIA" + "A1" * 8, "-----BEGIN OPENSSH PRIVATE KEY-----", "under-the-mat"]
)
def test_every_file_is_looked_through(folder, name, secret):
    around = {"README.md": (b"# Cats\n" * 2000, b"\n"), "evaluation.json": (b'{"run": {"note": "', b'"}}')}
    before, after = around.get(name, (b"\x00\xff" * 5000, b"\x00"))
    write(folder / name, before + secret.encode() + after)
    with pytest.raises(ValueError, match=f"{name} holds what looks like an access token or a key"):
        check_folder(folder, token="under-the-mat")


def test_an_empty_file_holds_nothing(folder):
    write(folder / "LICENSE")
    assert "LICENSE" in check_folder(folder)


@pytest.mark.parametrize("value", ["x", [], ["modeling_image_vae.VAEModel"], 3, None])
def test_an_auto_map_that_is_none(folder, value):
    file = folder / "config.json"
    file.write_text(file.read_text().replace('"model_type"', f'"auto_map": {value!r}, "model_type"'.replace("'", '"'))
                    .replace("None", "null"))  # fmt: skip
    with pytest.raises(ValueError, match="auto_map"):
        check_folder(folder)


# --- names in cards ----------------------------------------------------------------------------------------------

NAMES = [
    '"); import os #',
    "a|b",
    "a\nb",
    "`x`",
    "``",
    "<!-- end: usage -->",
    "\\",
    "'",
    "\u202e",
    "😀",
    "```",
    "a\r| c",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_stays_a_name(name):
    assert ast.literal_eval(literal(name)) == name
    shown = code(name)
    assert "\n" not in shown and "\r" not in shown and "<!--" not in shown
    assert shown.count("|") == shown.count("\\|")
    assert code("eyes_closed") == "`eyes_closed`" and literal("eyes_closed") == '"eyes_closed"'


@pytest.mark.parametrize("name", NAMES)
def test_the_snippet_of_a_card_does_what_it_says(tmp_path, name):
    parts = tiny_pipeline().parts
    known = [replace(direction, name=name if i == 0 else direction.name)
             for i, direction in enumerate(parts.directions.directions.values())]  # fmt: skip
    old = parts.directions
    parts.directions = AttributeDirections(
        known, old.differences, old.mean, old.covariance, old.groups, old.weights_sha256
    )
    write_card(tmp_path, parts, Recipe(), {})
    text = (tmp_path / "README.md").read_text()
    snippet = text.split("```python\n")[1].split("\n```")[0]
    (edit,) = [node for node in ast.walk(ast.parse(snippet)) if isinstance(node, ast.Dict)]
    assert ast.literal_eval(edit) == {name: known[0].full()}
    rows = [line for line in text.splitlines() if line.startswith("| `") or line.startswith("| ``")]
    assert len(rows) == len(known)
    assert {line.replace("\\|", "").count("|") for line in rows} == {6}
    assert torch.equal(parts.directions.mean, old.mean)
