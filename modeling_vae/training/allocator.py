"""Memory that one step frees is kept for the next one."""

from __future__ import annotations

import ctypes
import platform

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's malloc.h


def keep_freed_memory() -> None:
    """Tell glibc to give no freed block back to the system before the process ends.

    A training step on a CPU frees and asks for the same blocks of tens of megabytes over and over. By default those
    above 32 MB go back to the system each time, and their pages are faulted in anew: 54,000 page faults in each step
    of the cats, a third of its time in a virtual machine. The price is that the process keeps its peak. With another
    C library nothing happens.
    """
    if platform.libc_ver()[0] == "glibc":
        malloc = ctypes.CDLL(None)
        malloc.mallopt(M_MMAP_MAX, 0)  # large blocks come from the heap too
        malloc.mallopt(M_TRIM_THRESHOLD, -1)  # whose end is never handed back
