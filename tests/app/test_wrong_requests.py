"""Whatever a request holds, the answer is a sentence; nothing is done before counts and limits were looked at."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock
from patience import PATIENCE

from app.__main__ import LOCK, PREFIX, _sweep
from app.face_recipes import Drawn, from_json
from app.files import upload_path
from app.layout import build
from app.page_state import parsed
from app.recipe_text import parse_recipe
from app.render_requests import EditRequest, FilmRequest, FrameRequest, GenerateRequest, PathRequest
from app.turns import MOST_WAITING

WRONG = [None, "", "7", "x", [], [1], {}, {"a": 1}, True, float("nan"), float("inf"), -1e308, 10**400, 1.5, b"7"]


@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize(
    "ask",
    [
        lambda v: GenerateRequest(v),
        lambda v: GenerateRequest(1, count=v),
        lambda v: FilmRequest(frames=v),
        lambda v: FilmRequest(size=v),
        lambda v: FilmRequest(format=v),
        lambda v: PathRequest(path=v),
        lambda v: PathRequest(easing=v),
        lambda v: PathRequest(loop=v),
        lambda v: Drawn(v),
        lambda v: Drawn(1, v),
        lambda v: from_json(v) if v != {} and v != {"a": 1} else from_json({"seed": v}),
        lambda v: from_json({"seed": 1, "mix": v}),
        lambda v: upload_path(v),
        lambda v: upload_path({"path": v}),
    ],
)
def test_a_wrong_value_is_a_sentence(ask, value):
    with pytest.raises(ValueError) as error:
        ask(value)
    assert 10 < len(str(error.value)) < 250 and "\n" not in str(error.value)


@pytest.mark.parametrize("value", [v for v in WRONG if v != 1.5], ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize(
    "ask",
    [
        lambda v: GenerateRequest(1, truncation=v),
        lambda v: FilmRequest(seconds=v),
        lambda v: FrameRequest(v, 0, 10),
        lambda v: FrameRequest(0, 0, v),
        lambda v: EditRequest({"smiling": v}),
    ],
)
def test_a_wrong_number_is_a_sentence(ask, value):
    with pytest.raises(ValueError):
        ask(value)


@pytest.mark.parametrize("hold", [None, 3, {"a": 1}, [1], [None], [["smiling"]]], ids=repr)
def test_what_is_held_has_names(hold):
    with pytest.raises(ValueError, match="list of attributes' names"):
        EditRequest({}, hold)
    assert EditRequest({}, "smiling").hold == ("smiling",)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '{"model": 3}', '{"model": "m", "seed": "x"}', '{"model": "m", "way": 3}']
)
def test_a_damaged_link_is_a_sentence(text):
    with pytest.raises(ValueError) as error:
        parsed(text)
    assert 10 < len(str(error.value)) < 250 and "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "x", "[]", '{"model": "m"}', '{"model": "m", "faces": [3]}'])
def test_a_pictures_own_words_may_be_wrong(text):
    with pytest.raises(ValueError):
        parse_recipe(text)


def test_the_queue_is_bounded(studio):
    assert build(studio)._queue.max_size == MOST_WAITING


def test_names_and_outputs_of_the_api(studio):
    info = build(studio).get_api_info()["named_endpoints"]
    labels = [output["label"] for endpoint in info.values() for output in endpoint["returns"]]
    assert labels and not [label for label in labels if label.startswith("value_")]


def test_folders_of_studios_that_were_killed_are_swept(tmp_path):
    dead, alive, other = tmp_path / f"{PREFIX}dead", tmp_path / f"{PREFIX}alive", tmp_path / f"{PREFIX}other"
    for folder in (dead, alive, other):
        folder.mkdir()
        (folder / "photo.png").write_bytes(b"of a visitor")
    (dead / LOCK).touch()
    with FileLock(alive / LOCK):
        _sweep(tmp_path)
        assert not dead.exists() and (alive / "photo.png").exists()
        assert other.exists()  # nobody knows whose it is


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there are no terminals that close")
def test_a_terminal_that_closes_ends_the_studio_in_order(tmp_path):
    script = (
        "from app.__main__ import _ending_in_order, _files_of_this_run\nimport os, time\n"
        "with _ending_in_order(), _files_of_this_run():\n"
        "    open(os.path.join(os.environ['GRADIO_TEMP_DIR'], 'photo.png'), 'w').close()\n"
        "    print('there', flush=True)\n    time.sleep(60)\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "GRADIO_TEMP_DIR"} | {"TMPDIR": str(tmp_path)}
    root = Path(__file__).parents[2]
    process = subprocess.Popen([sys.executable, "-c", script], cwd=root, env=environment, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"there\n" and list(tmp_path.rglob("photo.png"))
    process.send_signal(signal.SIGHUP)
    assert process.wait(PATIENCE) == 0
    deadline = time.monotonic() + PATIENCE
    while list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list(tmp_path.iterdir()) == []
