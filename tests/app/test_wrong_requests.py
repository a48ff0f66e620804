"""Whatever a request holds, the answer is a sentence; nothing is done before counts and limits were looked at."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from patience import PATIENCE
from PIL import Image

from app.__main__ import LOCK, PREFIX, _sweep
from app.files import upload_path
from app.layout import build
from app.render_requests import CropRequest, EditRequest, FilmRequest, GenerateRequest, PathRequest
from app.studio import _decoded, _named
from app.tabs.morph import MorphTab
from app.tray import check_room, chosen, moved, removed
from app.turns import MOST_WAITING
from modeling_vae.model.picture_colours import _matrix_profile

WRONG = [None, "", "7", "x", [], [1], {}, {"a": 1}, True, float("nan"), float("inf"), -1e308, 10**400, 1.5, b"7"]
TRAY = np.zeros((3, 4), np.float32)
P3 = _matrix_profile((0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060), None)


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
        lambda v: chosen(TRAY, v),
        lambda v: removed(TRAY, v),
        lambda v: moved(TRAY, v, 1),
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
        lambda v: CropRequest(zoom=v),
        lambda v: CropRequest(across=v),
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


def test_the_tray_counts_before_anything_is_read(studio):
    class Nothing:
        def __getattr__(self, name):
            raise AssertionError("no photo is read")

    tab = object.__new__(MorphTab)
    tab.studio = Nothing()
    with pytest.raises(Exception, match="it has 3, 30 came"):
        tab.tray_add_photos(TRAY, [{"path": "x"}] * 30)
    check_room(TRAY, 5)
    with pytest.raises(ValueError):
        check_room(None, 9)


def test_the_queue_is_bounded(studio):
    assert build(studio)._queue.max_size == MOST_WAITING


def test_names_and_outputs_of_the_api(studio):
    info = build(studio).get_api_info()["named_endpoints"]
    labels = [output["label"] for endpoint in info.values() for output in endpoint["returns"]]
    assert labels and not [label for label in labels if label.startswith("value_")]


def test_parameters_are_printed_as_they_are_taken():
    """Gradio prints them in lower case."""
    names = [a.parameter for a in _named(["Male", "5_o_Clock_Shadow", "male", "Coat:Black", "TRAY", "ÄÖ"])]
    assert names == ["male", "_5_o_clock_shadow", "_male", "coat_black", "_tray", "äö"]


def test_a_large_jpeg_is_decoded_smaller():
    file = io.BytesIO()
    Image.new("RGB", (9000, 7000), (40, 90, 160)).save(file, "JPEG")
    assert max(_decoded(file.getvalue(), "a.jpg").size) == 2048
    file = io.BytesIO()
    Image.new("L", (9000, 7000)).save(file, "PNG")
    with pytest.raises(ValueError, match="63,?000,?000|9000 x 7000"):
        _decoded(file.getvalue(), "a.png")


@pytest.mark.parametrize(("kind", "side"), [("HEIF", 64), ("JPEG", 64), ("JPEG", 6000), ("PNG", 64), ("TIFF", 64)])
def test_an_upload_is_srgb_whatever_its_profile(kind, side):
    """A large JPEG too, which is decoded at a part of its size."""
    pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    Image.new("RGB", (side, 64), (222, 170, 140)).save(file, kind, icc_profile=P3, quality=95)
    picture = _decoded(file.getvalue(), "IMG_0001.HEIC")
    assert picture.mode == "RGB" and "icc_profile" not in picture.info
    assert np.abs(np.asarray(picture)[5, 5].astype(int) - (232, 167, 135)).max() <= 3


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
