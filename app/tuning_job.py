"""Making a face its visitor's own, in a thread of its own, so that it can be watched and stopped."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from .face_recipes import Uploaded
from .studio import Studio

TICK = 0.25
"""Seconds between two looks at how far it is."""


class Stopped(Exception):
    """Nobody waits any more."""


def tune(studio: Studio, uploaded: Uploaded) -> Iterator[float | Uploaded]:
    """How far it is, from 0 to 1, and the tuned face at last; closing the iterator ends the work.

    Raises:
        ValueError: the photo cannot be tuned to.
    """
    job = _Job(studio, uploaded)
    job.start()
    try:
        while job.is_alive():
            job.join(TICK)
            yield job.share
        if job.error is not None:
            raise job.error
        if job.tuned is not None:
            yield job.tuned
    finally:
        job.stop()


class _Job(threading.Thread):
    def __init__(self, studio: Studio, uploaded: Uploaded) -> None:
        super().__init__(name="tuning", daemon=True)
        self._studio, self._uploaded, self._stopped = studio, uploaded, threading.Event()
        self.share = 0.0
        self.tuned: Uploaded | None = None
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.tuned = self._studio.photos.tune(self._uploaded, self._report)
        except Stopped:
            pass
        except Exception as error:  # told to whoever waits, in their own thread
            self.error = error

    def stop(self) -> None:
        self._stopped.set()

    def _report(self, done: int, steps: int) -> None:
        if self._stopped.is_set():
            raise Stopped
        self.share = done / steps
