"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be removed anyway
    fcntl = None  # type: ignore[assignment]


def write_whole(path: str | os.PathLike[str], data: bytes | str) -> None:
    """Write beside the target and rename, so that nobody ever sees half a file; text becomes UTF-8.

    What a process that was killed left of the same file goes first.

    Raises:
        OSError: the file cannot be written; what was there stays, and nothing is left beside it.
    """
    path = Path(path)
    _sweep(path)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(unfinished, "xb") as file:
            claimed = _claimed(file)
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            if claimed:
                unfinished.replace(path)
        if not claimed:
            unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _sweep(path: Path) -> None:
    """Remove what was left of a file: its unfinished ones that no process holds."""
    name = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{8}}\.part")
    with suppress(OSError):  # whoever cannot read the folder may write into it all the same
        for entry in os.scandir(path.parent):
            if name.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with suppress(OSError), open(entry.path, "rb") as file:
                    if _claimed(file) or fcntl is None:
                        os.unlink(entry.path)


def _claimed(file: IO[bytes]) -> bool:
    """Claim an open file until it is closed, which the end of a process does too; False where that cannot be."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # another holds it, or the file system knows no locks
        return False
    return True
