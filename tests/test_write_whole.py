"""Files come whole or not at all, and nothing stays beside them."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from patience import PATIENCE
from PIL import Image
from safetensors import SafetensorError

import modeling_vae
from modeling_vae import VAEPipeline
from modeling_vae.animation import Animation
from modeling_vae.files import write_whole
from modeling_vae.model.tensor_files import read_tensors, write_tensors

PACKAGE = Path(modeling_vae.__file__).parent


def test_text_and_bytes_take_the_place_of_what_was_there(tmp_path):
    for data in ("über\n", b"\x00\r\n"):
        write_whole(str(tmp_path / "file"), data)
        assert (tmp_path / "file").read_bytes() == (data.encode() if isinstance(data, str) else data)
    assert os.listdir(tmp_path) == ["file"]


def test_what_fails_leaves_nothing(tmp_path):
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError):
        write_whole(tmp_path / "file", "text")
    with pytest.raises(UnicodeEncodeError):
        write_whole(tmp_path / "other", "\ud800")
    assert os.listdir(tmp_path) == ["file"]


HALF_WRITTEN = """
import os, signal, sys
from modeling_vae import files
def half(file):
    claimed = claim(file)
    file.write(b"half")
    file.flush()
    print("amid", flush=True)
    {then}
    return claimed
files._sweep(files.Path(sys.argv[1]))
files._sweep = lambda path: None
claim, files._claimed = files._claimed, half
files.write_whole(sys.argv[1], b"whole")
"""


def writer(path: Path, then: str) -> subprocess.Popen:
    """A process amid the writing of a file."""
    command = [sys.executable, "-c", HALF_WRITTEN.format(then=then), str(path)]
    process = subprocess.Popen(command, cwd=PACKAGE.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"amid\n"
    return process


@pytest.mark.parametrize("name", ["film.gif", "film[1]*.mp4", "README.md", "été.webp"])
def test_what_a_killed_process_left_goes_with_the_next_writing(tmp_path, name):
    for _ in range(2):
        assert writer(tmp_path / name, "os.kill(os.getpid(), signal.SIGKILL)").wait(PATIENCE) == -signal.SIGKILL
        assert len(os.listdir(tmp_path)) == 1  # the second took away what the first left
    (tmp_path / ".other.gif.00000000.part").touch()
    write_whole(tmp_path / name, b"whole")
    assert sorted(os.listdir(tmp_path)) == sorted([".other.gif.00000000.part", name])
    assert (tmp_path / name).read_bytes() == b"whole"


def test_what_another_process_is_writing_stays(tmp_path):
    process = writer(tmp_path / "film.gif", "sys.stdin.readline()")
    write_whole(tmp_path / "film.gif", b"ours")
    assert len(os.listdir(tmp_path)) == 2
    process.communicate(b"go on\n", timeout=PATIENCE)
    assert process.returncode == 0 and os.listdir(tmp_path) == ["film.gif"]


@pytest.mark.parametrize("suffix", [".gif", ".mp4", ".webp"])
def test_a_film_whose_process_is_killed_is_made_by_the_same_command(tmp_path, suffix):
    script = (
        "import os, signal, sys\nfrom PIL import Image\nfrom modeling_vae import files\n"
        "from modeling_vae.animation import Animation\n"
        "files.Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "Animation([Image.new('RGB', (32, 32), (9 * n, 0, 0)) for n in range(8)]).save(sys.argv[1], size=64)\n"
    )
    film = tmp_path / f"film{suffix}"
    killed = subprocess.run([sys.executable, "-c", script, str(film)], cwd=PACKAGE.parent, timeout=PATIENCE)
    assert killed.returncode == -signal.SIGKILL
    (left,) = os.listdir(tmp_path)
    assert left.endswith(".part")
    Animation([Image.new("RGB", (32, 32), (9 * n, 0, 0)) for n in range(8)]).save(film, size=64)
    assert os.listdir(tmp_path) == [film.name]


def test_tensors_on_a_full_disk(tmp_path, monkeypatch):
    path, write = tmp_path / "prior.safetensors", Path.write_bytes

    def half(file, data):
        write(file, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    write_tensors(path, {"a": torch.ones(2)}, {})
    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OSError, match=r"prior\.safetensors could not be written \(.*No space left.*\): make room"):
        write_tensors(path, {"a": torch.zeros(2)}, {})
    assert os.listdir(tmp_path) == [path.name] and read_tensors(path)[0]["a"].tolist() == [1, 1]


def test_weights_on_a_full_disk(pipe: VAEPipeline, tmp_path, monkeypatch):
    def save_pretrained(folder, **kwargs):
        raise SafetensorError("IoError: No space left on device")

    monkeypatch.setattr(pipe.model, "save_pretrained", save_pretrained)
    with pytest.raises(OSError, match=r"model\.safetensors could not be written \(.*No space left.*\): make room"):
        pipe.save_pretrained(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("umask, mode", [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_whoever_may_read_one_published_file_may_read_all(pipe: VAEPipeline, alignment, tmp_path, umask, mode):
    pipe.alignment = alignment
    before = os.umask(umask)
    try:
        pipe.save_pretrained(tmp_path / "published")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "published").iterdir()}
    assert {"model.safetensors", "directions.safetensors", "prior.safetensors", "alignment.safetensors"} <= set(modes)
    assert set(modes.values()) == {mode}, modes


def test_code_is_published_and_no_droppings_of_editors(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".blocks.py.swp", ".#blocks.py", "blocks.py~", "blocks.py.orig", "#blocks.py#", "_draft.py"):
        (tmp_path / PACKAGE.name / "model" / name).write_text("")
    script = "from modeling_vae.contents import CODE; print(*(path.name for path in CODE))"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    modules = {path.name for path in (PACKAGE / "model").glob("[a-z]*.py")}
    assert set(done.stdout.split()) == modules | {"requirements.txt"}
