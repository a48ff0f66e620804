"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_whole(path: str | os.PathLike[str], data: bytes | str) -> None:
    """Write beside the target and rename, so that nobody ever sees half a file; text becomes UTF-8.

    Raises:
        OSError: the file cannot be written; what was there stays, and nothing is left beside it.
    """
    path = Path(path)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(unfinished, "xb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
