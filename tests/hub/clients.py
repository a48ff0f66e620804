"""Client processes of a local Hub: the libraries read the environment when they are imported, so each is a child."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import selectors
import subprocess
import sys
import textwrap
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

QUIET = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "TRANSFORMERS_VERBOSITY": "error"}
REPOSITORY = Path(__file__).parents[2]


def environment(hub: Any, home: Path, token: str | None = None, **more: str) -> dict[str, str]:
    """What a child needs: this Hub, a cache of its own in `home`, our package importable."""
    paths = {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "0", "CUDA_VISIBLE_DEVICES": ""}
    return {**os.environ, **hub.env(home, token), **QUIET, **paths, **more}


def python(
    hub: Any, home: Path, *arguments: str, seconds: float = 120, **env: str
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
    """A process that runs one piece of code after another; importing the libraries takes seconds, and is done once."""

    def __init__(self, hub: Any, home: Path, **env: str) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.hub = hub
        self.process = subprocess.Popen(
            [sys.executable, "-u", __file__],
            env=environment(hub, home / "hf", token="", **env),
            cwd=home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, code: str, *, seconds: float = 60, **values: Any) -> Outcome:
        """Run code in which `values` are variables; it may set `result`. Fails where it takes longer."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({"code": textwrap.dedent(code), "values": values}, default=str) + "\n")
        self.process.stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            assert selector.select(seconds), f"the client took longer than {seconds} s"
        outcome = Outcome(**json.loads(self.process.stdout.readline()))
        refuse_tokens(self.hub, outcome.text + json.dumps(outcome.result))
        return outcome

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def serve() -> None:
    """The child's side: a line of JSON in, a line of JSON out."""
    answers, sys.stdout = sys.stdout, sys.stderr
    logging.basicConfig(level=logging.INFO, handlers=[])
    for line in sys.stdin:
        request = json.loads(line)
        names: dict[str, Any] = {"Path": Path, **request["values"]}
        text, error = io.StringIO(), None
        handler = logging.StreamHandler(text)
        logging.getLogger().addHandler(handler)
        with (
            contextlib.redirect_stdout(text),
            contextlib.redirect_stderr(text),
            warnings.catch_warnings(record=True) as seen,
        ):
            warnings.simplefilter("always")
            try:
                exec(request["code"], names)
            except Exception as raised:
                error = f"{type(raised).__name__}: {raised}"
                text.write(traceback.format_exc())
        logging.getLogger().removeHandler(handler)
        told = "".join(f"{type(w.message).__name__}: {w.message}\n" for w in seen)
        outcome = {"result": names.get("result"), "text": text.getvalue() + told, "error": error}
        print(json.dumps(outcome, default=str), file=answers, flush=True)


if __name__ == "__main__":
    serve()
