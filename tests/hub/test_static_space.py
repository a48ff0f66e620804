"""A static Space: what a push puts into it, and that a browser shows it from there."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from tiny import tiny_pipeline

from modeling_vae.browser.browser_model import PAGE, SCRIPTS
from modeling_vae.commands.main import main

from .spaces import files

PUSH_MODEL = """
from modeling_vae.publishing.repository import push_folder
result = push_folder(folder, repo, token=token).oid
"""
PUSH_SPACE = """
from modeling_vae.publishing.static_space import push_static_space
result = push_static_space(space, model, token=token).oid
"""


@pytest.fixture(scope="module")
def drawn_there(tmp_path_factory) -> Path:
    """The published folder of a model that browsers can draw with."""
    folder = tmp_path_factory.mktemp("drawn") / "tiny"
    tiny_pipeline(decoder_block="modulated", modulation_dim=16, decoder_channels=[16, 8]).save_pretrained(folder)
    (folder / "README.md").write_text("---\nlicense: cc0-1.0\nshows: cat\n---\nCats.\n")
    return folder


def test_a_static_space_is_made_once_and_holds_all_that_it_shows(client, hub, repo, drawn_there):
    space = f"{repo}-page"
    client.run(PUSH_MODEL, folder=str(drawn_there), repo=repo, token=hub.token).value()
    first = client.run(PUSH_SPACE, space=space, model=repo, token=hub.token).value()
    again = client.run(PUSH_SPACE, space=space, model=repo, token=hub.token).value()
    assert first == again
    held = files(hub, space)
    scripts = {f"scripts/{path.name}": path.read_bytes() for path in SCRIPTS.iterdir()}
    page = {f"page/{path.name}": path.read_bytes() for path in PAGE.iterdir() if path.name != "index.html"}
    index = {"index.html": (PAGE / "index.html").read_bytes()}
    assert {name: held[name] for name in scripts | page | index} == scripts | page | index
    data = {"README.md", "about.json", "browser.safetensors", "encoder.safetensors"}
    assert held.keys() == {*scripts, *page, *index, *data}
    card = yaml.safe_load(held["README.md"].decode().split("---\n")[1])
    assert (card["sdk"], card["app_file"], card["models"]) == ("static", "index.html", [repo])
    about = yaml.safe_load(held["about.json"])
    assert (about["name"], about["word"], about["licence"]) == (repo, "cat", "cc0 1.0")
    assert about["address"] == f"https://huggingface.co/{repo}"


def test_a_model_that_browsers_cannot_draw_is_refused_before_anything_is_made(client, hub, repo, complete):
    client.run(PUSH_MODEL, folder=str(complete), repo=repo, token=hub.token).value()
    answer = client.run(PUSH_SPACE, space=f"{repo}-page", model=repo, token=hub.token)
    with pytest.raises(Exception, match="not drawn in the browser"):
        answer.value()
    with pytest.raises(KeyError):
        hub.repo(f"{repo}-page", "space")


def test_hardware_is_refused(capsys):
    assert main(["push-space", "alice/page", "--model", "alice/cats", "--static", "--hardware", "cpu-upgrade"]) == 1
    assert "computes nothing" in capsys.readouterr().err
