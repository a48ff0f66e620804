"""Work that takes long, in a thread of its own, so that it can be watched and stopped; sliders go first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from .turns import check_wanted, giving_way

Result = TypeVar("Result")
Report = Callable[[int, int], None]
"""Called by the work with the steps done and all steps; what it raises ends the work."""
TICK = 0.25
"""Seconds between two looks at how far it is."""


class Stopped(Exception):
    """Nobody waits any more."""


def watched(work: Callable[[Report], Result]) -> Iterator[float | Result]:
    """How far the work is, from 0 to 1, and its result at last; closing the iterator ends the work.

    Raises:
        Exception: whatever the work raises.
    """
    thread = _Worker(work)
    thread.start()
    try:
        yield 0.0
        while thread.is_alive():
            thread.join(TICK)
            check_wanted()
            yield thread.share
        if thread.error is not None:
            raise thread.error
        yield from thread.result
    finally:
        thread.stopped.set()


class _Worker(threading.Thread, Generic[Result]):
    def __init__(self, work: Callable[[Report], Result]) -> None:
        super().__init__(name="watched work", daemon=True)
        self._work, self.stopped = work, threading.Event()
        self._give_way = giving_way()  # known to whoever asks, and not to the thread
        self.share = 0.0
        self.result: list[Result] = []
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.result.append(self._work(self._report))
        except Stopped:
            pass
        except Exception as error:  # told to whoever waits, in their own thread
            self.error = error

    def _report(self, done: int, steps: int) -> None:
        if self.stopped.is_set():
            raise Stopped
        self.share = done / steps
        self._give_way()
