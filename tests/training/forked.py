"""train.py in processes of its own, forked from one that has imported what takes seconds to import.

Probes learn for two epochs in the place of twenty, which is most of a small run: nothing here asks what they see.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import sys
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

from modeling_vae.probing import probes

PROGRAM = Path(__file__).parents[2] / "train.py"
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["train", "modeling_vae.commands.whole_run", "modeling_vae.data"])


def started(arguments: Sequence[str], log: Path, before: Callable[[], object] | None = None) -> BaseProcess:
    """Run the program; what it prints goes to `log`, and `before` is called first, in its process."""
    process = SERVER.Process(target=_run, args=([str(PROGRAM), *arguments], log, before))
    process.start()
    return process


def _run(argv: list[str], log: Path, before: Callable[[], object] | None) -> None:
    # what a shell starts in the background may ignore Ctrl-C, and so would all that it starts
    signal.signal(signal.SIGINT, signal.default_int_handler)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    probes.EPOCHS = 2
    if before is not None:
        before()
    sys.argv = argv
    runpy.run_path(argv[0], run_name="__main__")
