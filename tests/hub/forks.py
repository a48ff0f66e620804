"""The other side of `clients.Client`: imports the libraries once, then forks for every piece of code it is sent."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import logging
import os
import signal
import socket
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

IMPORTED = ("modeling_vae.commands.main", "train", "transformers")
"""What takes seconds to import."""


def serve() -> None:
    """For every socket that comes over standard input, a fork that runs the code asked for there."""
    for name in IMPORTED:
        importlib.import_module(name)
    control = socket.socket(fileno=sys.stdin.fileno())
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    while True:
        message, sockets, *_ = socket.recv_fds(control, 1, 1)
        if not message:
            return
        with socket.socket(fileno=sockets[0]) as connection:
            if os.fork() == 0:
                try:
                    control.close()
                    serve_one(connection)
                finally:
                    os._exit(0)  # whatever threads the code has left


def serve_one(connection: socket.socket) -> None:
    """Say which process this is, read a line with the code, and answer."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with connection.makefile("rw") as file:
        print(os.getpid(), file=file, flush=True)
        print(answer(json.loads(file.readline())), file=file, flush=True)


def answer(request: dict[str, Any]) -> str:
    """Run the code of a request; a `clients.Outcome` as JSON."""
    names: dict[str, Any] = {"Path": Path, **request["values"]}
    text, error = io.StringIO(), None
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=text, force=True)
    with (
        contextlib.redirect_stdout(text),
        contextlib.redirect_stderr(text),
        warnings.catch_warnings(record=True) as seen,
    ):
        warnings.simplefilter("always")
        try:
            exec(request["code"], names)
        except (Exception, SystemExit) as raised:
            error = f"{type(raised).__name__}: {raised}"
            text.write(traceback.format_exc())
    told = "".join(f"{type(w.message).__name__}: {w.message}\n" for w in seen)
    return json.dumps({"result": names.get("result"), "text": text.getvalue() + told, "error": error}, default=str)


if __name__ == "__main__":
    serve()
