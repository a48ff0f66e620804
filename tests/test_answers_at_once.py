"""Without a network our programs answer before PyTorch is imported, and ask once; what is here or cached is used."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from answering import free_port
from huggingface_hub import constants
from patience import PATIENCE

from modeling_vae.commands import prepare
from modeling_vae.data.labels import KINDS
from modeling_vae.hub import network
from modeling_vae.hub.network import reachable, refuse_unreachable

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "hub_configs" / "kmnist-28"
PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
WATCH = """
import atexit, sys
asked = []
sys.addaudithook(lambda event, of: asked.append(of[1]) if event == "socket.connect" else None)
atexit.register(lambda: print("asked", len(asked), "torch" in sys.modules, "transformers" in sys.modules))
"""


@pytest.fixture
def closed() -> str:
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture
def program(tmp_path, closed):
    """Run one of our programs where the Hub is a closed port; it tells at its end how often it asked for it."""
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    kept = {key: value for key, value in os.environ.items() if key not in PROXIES and not key.startswith("HF_")}
    env = {"HF_ENDPOINT": closed, "HF_HOME": str(tmp_path / "hf"), "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, env=kept | env | more, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE
        )

    return run


COMMANDS = [
    ["evaluate", "no/body", "--data", "pictures"],
    ["evaluate", str(MODEL), "--data", "no/body"],
    ["evaluate", str(MODEL), "--features", "no/body"],
    ["compare", str(MODEL), "no/body"],
    ["train", "pictures-64", "data.path=no/body"],
    ["push", str(MODEL), "no/body"],
    ["push-space", "no/body", "--model", "no/thing"],
    ["prepare", "no/body", "--to", "./ready"],
    ["prepare", ".", "--to", "no/body"],
    ["directions", str(MODEL), "--data", "no/body"],
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: "-".join(arguments[:1]))
def test_one_sentence_one_question_and_no_torch(program, arguments):
    done = program("-m", "modeling_vae", *arguments)
    assert done.returncode == 1
    assert done.stdout == "asked 1 False False\n"
    (line,) = done.stderr.splitlines()
    assert (
        line.startswith("error: ") and "no/body is" in line and "the Hub cannot be reached: try again later." in line
    )


def test_the_training_program_too_and_how_to_do_without(program):
    done = program(str(ROOT / "train.py"), "pictures-64", "data.path=.", "objective.perceptual.backbone=no/body")
    assert done.returncode == 1 and done.stdout == "asked 1 False False\n"
    assert done.stderr.startswith("objective.perceptual.backbone: no/body is") or done.stderr.startswith("error: obj")
    assert "Or do without: objective.perceptual=null" in done.stderr and len(done.stderr.splitlines()) == 1


def test_where_there_shall_be_no_network_nobody_is_asked(program):
    done = program("-m", "modeling_vae", "evaluate", "no/body", HF_HUB_OFFLINE="1")
    assert done.returncode == 1 and done.stdout == "asked 0 False False\n"
    assert "no/body is neither a folder here nor in the cache, and HF_HUB_OFFLINE is set" in done.stderr


def test_help_needs_no_torch(program):
    for command in ("train", "evaluate", "compare", "directions", "prepare", "push", "push-space"):
        done = program("-m", "modeling_vae", command, "--help")
        assert done.returncode == 0 and done.stdout.endswith("asked 0 False False\n"), command


def test_names_and_the_reader_of_heic_come_with_the_first_name(program, tmp_path):
    """As our own programs have it; whoever imports the package has them at once."""
    script = "import modeling_vae\n{}from PIL import Image\nprint('.heic' in Image.registered_extensions())"
    done = program("-c", script.format(""))
    assert done.stdout.startswith("True\n"), done.stderr
    (tmp_path / "modeling-vae").write_text(
        script.format("print(vars(modeling_vae).keys() & {'Crop'})\nmodeling_vae.Crop\n")
    )
    done = program(str(tmp_path / "modeling-vae"))
    assert done.stdout.startswith("set()\nTrue\n"), done.stderr


@pytest.fixture
def unreachable(monkeypatch, tmp_path, closed):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "datasets"))
    for name, value in {"HF_HUB_OFFLINE": False, "ENDPOINT": closed, "HF_HUB_CACHE": str(tmp_path / "hub")}.items():
        monkeypatch.setattr(constants, name, value)
    monkeypatch.chdir(tmp_path)
    reachable.cache_clear()
    yield
    reachable.cache_clear()


def test_what_is_a_path_or_cached_or_no_id_is_left_to_the_libraries(unreachable, tmp_path):
    for folder in ("hub/models--no--model", "hub/datasets--no--data", "datasets/no___table", "no/folder"):
        (tmp_path / folder).mkdir(parents=True)
    refuse_unreachable("no/model", "no/data", "no/table", "no/folder", None, 3, "", "mnist", "./a/b", "/a/b", "a/b/c")
    with pytest.raises(ConnectionError, match="no/body is neither"):
        refuse_unreachable("no/model", "no/body")
    with pytest.raises(ConnectionError, match="no/model is on the Hub, and the Hub cannot be reached"):
        refuse_unreachable("no/model", cached=False)


def test_the_address_is_asked_once(unreachable, monkeypatch):
    asked, connect = [], socket.create_connection
    monkeypatch.setattr(network.socket, "create_connection", lambda *a, **k: asked.append(a) or connect(*a, **k))
    for name in ("no/body", "no/thing"):
        with pytest.raises(ConnectionError):
            refuse_unreachable(name)
    assert len(asked) == 1


def test_prepare_knows_the_kinds_of_labels():
    assert prepare.KINDS == KINDS
