"""The studio as a process of its own, on a free port of this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from answering import answering, free_port

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
    port = str(free_port())
    running = Server(f"http://127.0.0.1:{port}/", folder / "temporary", folder / "log")
    running.temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(running.temporary), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    environment.pop("GRADIO_TEMP_DIR", None)
    command = [sys.executable, "-m", "app", "--model", str(model), "--host", "127.0.0.1", "--port", port]
    with answering(command, running.url, running.log, cwd=ROOT, env=environment):
        yield running
    left = [path for path in running.temporary.rglob("*") if path.is_file()]
    assert not left, "the studio left files behind"
