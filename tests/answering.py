"""A program that answers at a port of this machine, in a process of its own while a test needs it."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from patience import PATIENCE


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def answering(
    command: Sequence[str | Path], url: str, log: Path, seconds: float = PATIENCE, **surroundings: Any
) -> Iterator[None]:
    """The command from when it answers at `url` on; what it prints goes to `log`. `surroundings` are Popen's."""
    with open(log, "wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, **surroundings)
        try:
            _wait_until_ready(process, url, log, time.monotonic() + seconds)
            yield
        finally:
            process.terminate()
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path, deadline: float) -> None:
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=PATIENCE).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"It did not start:\n{log.read_text()[-3000:]}")
