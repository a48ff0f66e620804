"""Files come whole or not at all, and nothing stays beside them."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError

import modeling_vae
from modeling_vae import VAEPipeline
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
