"""One studio for all the tests of a session: the real process on a free port of this machine, with a tiny model."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from patience import PATIENCE
from PIL import Image

from app.shelf import open_studio
from app.studio import Studio
from modeling_vae import FaceAlignment, VAEConfig, VAEImageProcessor, VAEModel, VAEPipeline

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Server:
    """Where the studio answers, where it may put temporary files, and what it prints."""

    url: str
    temporary: Path
    log: Path


@pytest.fixture(scope="session")
def aligned(published: Path, alignment: FaceAlignment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published folder of a model that finds (drawn) faces in photos."""
    folder = tmp_path_factory.mktemp("aligned") / "tiny"
    shutil.copytree(published, folder)
    alignment.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def studio(aligned: Path) -> Studio:
    return open_studio(aligned)


@pytest.fixture(scope="session")
def bare_studio() -> Studio:
    """Of a model of another shape: grey, not square, with neither directions nor a fitted prior."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = VAEModel(VAEConfig(image_size=[32, 48], num_channels=1, latent_dim=4, hidden_channels=[8]))
    return Studio(VAEPipeline(model, VAEImageProcessor({"height": 32, "width": 48}, num_channels=1)), "bare")


@pytest.fixture(scope="session")
def server(aligned: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(aligned, tmp_path_factory.mktemp("server")) as running:
        yield running


@contextmanager
def serving(model: Path, folder: Path) -> Iterator[Server]:
    """The studio on a model, with an empty folder for what it writes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = Server(f"http://127.0.0.1:{port}/", folder / "temporary", folder / "log")
    running.temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(running.temporary), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    environment.pop("GRADIO_TEMP_DIR", None)
    with open(running.log, "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "--model", str(model), "--host", "127.0.0.1", "--port", str(port)],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_ready(process, running)
            yield running
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        left = [path for path in running.temporary.rglob("*") if path.is_file()]
        assert not left, "the studio left files behind"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo of its own kind: not square, not small, JPEG."""
    y, x = np.mgrid[0:180, 0:240]
    pixels = np.stack([x, y, (x * y) % 256], axis=-1).clip(0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.jpg", quality=95)
    return tmp_path / "photo.jpg"


def _wait_until_ready(process: subprocess.Popen, server: Server) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(server.url, timeout=PATIENCE):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"The studio did not start:\n{server.log.read_text()[-3000:]}")
