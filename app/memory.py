"""What visitors' work has freed goes back to the system, so that memory stays bounded; glibc by itself keeps it.

A process that draws for many has many threads, and glibc an arena for each, which keeps what was freed in it.
"""

from __future__ import annotations

import ctypes
import os
import platform
import threading
from functools import cache

M_ARENA_MAX = -8  # of glibc's malloc.h
ARENAS = 2
PAUSE = 5.0
"""Seconds after a request's end in which more may end, before what all of them freed is given back."""


def share_arenas() -> None:
    """Let all threads have two arenas, unless the environment asks for another number."""
    malloc = _glibc()
    if malloc is not None and "MALLOC_ARENA_MAX" not in os.environ:
        malloc.mallopt(M_ARENA_MAX, ARENAS)


_due = threading.Lock()


def give_back_soon() -> None:
    """Give freed memory back to the system a little later, once for all who ask for it meanwhile."""
    if _glibc() is None or not _due.acquire(blocking=False):
        return
    later = threading.Timer(PAUSE, _give_back)
    later.daemon = True
    later.start()


def _give_back() -> None:
    _due.release()
    malloc = _glibc()
    if malloc is not None:
        malloc.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
