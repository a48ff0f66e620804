"""Memory that was freed goes back to the system."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import threading

import pytest
from patience import PATIENCE

from app import memory

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="arenas are glibc's")
ARENAS = """
import ctypes, sys, threading
if {studio}:
    import app
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.fopen.restype = ctypes.c_void_p, ctypes.c_void_p
libc.fclose.argtypes, libc.malloc_info.argtypes = [ctypes.c_void_p], [ctypes.c_int, ctypes.c_void_p]
together = threading.Barrier(8)
def ask():
    together.wait()
    libc.malloc(1000)
    together.wait()
threads = [threading.Thread(target=ask) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
out = libc.fopen(sys.argv[1].encode(), b"w")
libc.malloc_info(0, out)
libc.fclose(out)
"""


@glibc
def test_threads_share_two_arenas(tmp_path):
    def arenas(studio: bool, **environment: str) -> int:
        found = tmp_path / "arenas.xml"
        surroundings = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
        code = ARENAS.format(studio=studio)
        subprocess.run([sys.executable, "-c", code, found], env=surroundings | environment, check=True)
        return len(re.findall(r"<heap nr=", found.read_text()))

    assert arenas(False) > 2
    assert arenas(True) <= 2
    assert arenas(True, MALLOC_ARENA_MAX="5") > 2


class Malloc:
    def __init__(self):
        self.trimmed = threading.Semaphore(0)

    def malloc_trim(self, kept: int) -> None:
        self.trimmed.release()


def test_what_many_freed_is_given_back_once(monkeypatch):
    malloc = Malloc()
    monkeypatch.setattr(memory, "_glibc", lambda: malloc)
    monkeypatch.setattr(memory, "PAUSE", 0.3)
    for _ in range(2):
        for _ in range(20):
            memory.give_back_soon()
        assert malloc.trimmed.acquire(timeout=PATIENCE)
        assert not malloc.trimmed.acquire(timeout=0.5)


def test_elsewhere_nothing_happens(monkeypatch):
    """On macOS and Windows, and with musl."""
    monkeypatch.setattr(memory, "_glibc", lambda: None)
    threads = threading.active_count()
    memory.share_arenas()
    memory.give_back_soon()
    memory._due.acquire(timeout=0)
    memory._give_back()
    assert threading.active_count() == threads


def test_another_library_is_not_asked(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda *_: ("", ""))
    memory._glibc.cache_clear()
    try:
        assert memory._glibc() is None
    finally:
        memory._glibc.cache_clear()
