"""Visitors' photos: each has a name that nobody can guess, so that it is served to nobody else.

Of a photo only the path in Gradio's cache is kept, from where it is deleted after a day; a few are kept decoded.
"""

from __future__ import annotations

import io
import math
import os
import secrets
from collections import OrderedDict
from pathlib import Path
from threading import Lock

from PIL import Image

from modeling_vae.model.image_processing_image_vae import upright

from .recent import Recent

MAX_UPLOAD_BYTES = 20_000_000
MOST_UPLOAD_PIXELS = 40_000_000
"""Of an upload as it is decoded."""
OWN_PIXELS = 16_000_000
"""Of a photo as it is kept: larger ones are scaled down, so that the memory of an edit is bounded."""
MOST_UPLOADS = 4096
"""Whose names are known; the oldest is forgotten."""
DECODED = 4


class Uploads:
    """Photos by their secret names. Safe to use from many threads."""

    def __init__(self, most: int = MOST_UPLOADS) -> None:
        self.most = most
        self._paths: OrderedDict[str, Path] = OrderedDict()
        self._decoded: Recent[str, Image.Image] = Recent(DECODED)
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._paths)

    def add(self, path: str | os.PathLike[str]) -> str:
        """The new name of an uploaded picture file, which is read to see that it is one.

        Raises:
            ValueError: it is no picture, or too large.
        """
        name = secrets.token_urlsafe(16)
        with self._lock:
            self._paths[name] = Path(path)
            while len(self._paths) > self.most:
                self._paths.popitem(last=False)
        try:
            self.photo(name)
        except ValueError:
            with self._lock:
                self._paths.pop(name, None)
            raise
        return name

    def path(self, name: str) -> Path:
        """The file of a photo."""
        with self._lock:
            path = self._paths.get(name)
        if path is None or not path.is_file():
            raise ValueError("The photo is no longer here; upload it again.")
        return path

    def photo(self, name: str) -> Image.Image:
        """A photo, upright, in its own colours and with its transparency, at its own size up to `OWN_PIXELS`."""
        path = self.path(name)
        return self._decoded.get(name, lambda: decoded(read(path), path.name))


def read(path: str | os.PathLike[str]) -> bytes:
    """The bytes of an upload."""
    try:
        if os.path.getsize(path) > MAX_UPLOAD_BYTES:
            raise ValueError(f"The picture is larger than {MAX_UPLOAD_BYTES // 10**6} MB; scale it down first.")
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise ValueError("The upload is no longer here; upload it again.") from None


def decoded(data: bytes, name: str) -> Image.Image:
    """An upload as it is kept; a large JPEG is decoded at a part of its own size."""
    picture = upright(_reduced(data) or data, MOST_UPLOAD_PIXELS, name=repr(name))
    share = math.sqrt(OWN_PIXELS / (picture.width * picture.height))
    if share < 1:
        picture.thumbnail((round(picture.width * share), round(picture.height * share)), Image.Resampling.LANCZOS)
    return picture


def _reduced(data: bytes) -> Image.Image | None:
    """A JPEG of too many pixels, to be decoded smaller; of all else None, and errors are another's to name."""
    try:
        picture = Image.open(io.BytesIO(data), formats=["JPEG"])
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    pixels = picture.width * picture.height
    part = next((part for part in (2, 4, 8) if pixels / part**2 <= MOST_UPLOAD_PIXELS), 8)
    if pixels <= MOST_UPLOAD_PIXELS:
        return None
    return picture if picture.draft(None, (picture.width // part, picture.height // part)) else None
