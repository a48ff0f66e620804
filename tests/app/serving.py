"""The studio as a process of its own, on a free port of this machine."""

from __future__ import annotations

import os
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

import pytest
from patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Server:
    """Where the studio answers, where it may put temporary files, and what it prints."""

    url: str
    temporary: Path
    log: Path


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
