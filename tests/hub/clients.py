"""Client processes of a local Hub: the libraries read the environment when they are imported, so each is a child."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patience import PATIENCE

QUIET = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "TRANSFORMERS_VERBOSITY": "error"}
PATIENT = {"HF_HUB_ETAG_TIMEOUT": "200", "HF_HUB_DOWNLOAD_TIMEOUT": "200"}
"""So that a busy machine is no outage; where a test is about one, see `outages.hurry`."""
REPOSITORY = Path(__file__).parents[2]


def environment(hub: Any, home: Path, token: str | None = None, **more: str) -> dict[str, str]:
    """What a child needs: this Hub, a cache of its own in `home`, our package importable."""
    paths = {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "0", "CUDA_VISIBLE_DEVICES": ""}
    return {**os.environ, **hub.env(home, token), **QUIET, **PATIENT, **paths, **more}


def python(
    hub: Any, home: Path, *arguments: str, seconds: float = PATIENCE, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run `python ...` in `home` as a client of the Hub; no token in what it prints, or to another origin."""
    home.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, *arguments],
        env=environment(hub, home / "hf", **env),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    refuse_tokens(hub, done.stdout + done.stderr)
    return done


def refuse_tokens(hub: Any, text: str) -> None:
    for token in (hub.token, hub.read_token, hub.other_token, "hf_wrong"):
        assert token not in text, text.replace(token, "<TOKEN>")
    assert hub.leaks() == []


@dataclass(frozen=True)
class Outcome:
    """What came of a piece of code: what it put into `result`, what it printed, logged and warned, and its error."""

    result: Any
    text: str
    error: str | None

    def value(self) -> Any:
        assert self.error is None, self.text
        return self.result


class Client:
    """Runs pieces of code, each in a process of its own, forked from one that has imported the libraries.

    Importing takes seconds and is done once; what one piece of code leaves behind, threads and patches included, ends
    with its process. Several threads may run code at the same time.
    """

    def __init__(self, hub: Any, home: Path, **env: str) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.hub = hub
        self.control, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("forks.py"))],
                env=environment(hub, home / "hf", token="", **env),
                cwd=home,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
            )

    def run(self, code: str, *, seconds: float = PATIENCE, **values: Any) -> Outcome:
        """Run code in which `values` are variables; it may set `result`. Killed, and an error, if it takes longer."""
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self.control, [b"."], [theirs.fileno()])
        with ours, ours.makefile("rw") as file:
            ours.settimeout(seconds)
            pid = int(file.readline() or 0)
            assert pid, "the client process has ended"
            try:
                file.write(json.dumps({"code": textwrap.dedent(code), "values": values}, default=str) + "\n")
                file.flush()
                answer = file.read()  # to the end, which is the end of the process
            except BaseException:
                os.kill(pid, signal.SIGKILL)
                raise
        assert answer, "the client died"
        outcome = Outcome(**json.loads(answer))
        refuse_tokens(self.hub, outcome.text + json.dumps(outcome.result))
        return outcome

    def close(self) -> None:
        self.control.close()
        self.process.kill()
        self.process.wait()
