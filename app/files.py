"""Pictures and films as files in Gradio's cache, where the page may fetch them and from where they are cleaned away.

The cache names a file by its content: what two components show is one file, and one visitor's file is never
overwritten by another's.
"""

from __future__ import annotations

import base64
import io
import os
import re
import tempfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import torch
from gradio.processing_utils import hash_bytes
from gradio.utils import get_upload_folder
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from modeling_vae import Taught

SMALL = 256
"""Longer side up to which a picture is shown exactly; larger ones are shown as good JPEG."""
QUICKLY = {"compress_level": 1, "compress_type": zlib.Z_RLE}
"""Of PNG: of smooth pictures faster, and a fifth smaller, than with a search for repetitions."""
RECIPE = "studio"
"""Key of the text in a PNG file that says how the face was made."""


def file_data(path: str, name: str | None = None) -> dict[str, Any]:
    """A file of the cache as Gradio's front end is told of it; it adds the address."""
    return {"path": path, "orig_name": name or Path(path).name, "meta": {"_type": "gradio.FileData"}}


def shown_file(picture: Image.Image) -> dict[str, Any]:
    """A picture for the page."""
    exact = max(picture.size) <= SMALL or picture.mode not in ("RGB", "L")
    buffer = io.BytesIO()
    if exact:
        picture.save(buffer, "PNG", **QUICKLY)
    else:
        picture.save(buffer, "JPEG", quality=90, icc_profile=picture.info.get("icc_profile"))
    return file_data(cached(buffer.getvalue(), f"picture.{'png' if exact else 'jpg'}"))


def shown_files(pictures: Iterable[Image.Image]) -> list[dict[str, Any]]:
    return [shown_file(picture) for picture in pictures]


def picture_bytes(picture: Image.Image, recipe: str = "") -> bytes:
    """A picture as PNG, which says how it was made."""
    buffer, about = io.BytesIO(), PngInfo()
    if recipe:
        about.add_text(RECIPE, recipe)
    picture.save(buffer, "PNG", pnginfo=about, icc_profile=picture.info.get("icc_profile"), **QUICKLY)
    return buffer.getvalue()


def commented(gif: bytes, text: str) -> bytes:
    """A GIF that says how it was made, in a comment (GIF89a, section 24) right behind its table of colours."""
    said = f"{RECIPE}:{text}".encode()
    blocks = [said[start : start + 255] for start in range(0, len(said), 255)]
    comment = b"!\xfe" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"
    table = 3 << (gif[10] % 8 + 1) if gif[10] >= 128 else 0
    return gif[: 13 + table] + comment + gif[13 + table :]


def recipe_of(path: str | os.PathLike[str]) -> str | None:
    """How a PNG or GIF file of the studio was made; None where it does not say so."""
    try:
        with Image.open(path, formats=["PNG", "GIF"]) as picture:
            if picture.format == "PNG":
                said = getattr(picture, "text", {}).get(RECIPE)
                return said if isinstance(said, str) else None
            said = picture.info.get("comment", b"")
            text: str = said.decode("utf-8", "replace") if isinstance(said, bytes) else ""
            return text.removeprefix(f"{RECIPE}:") if text.startswith(f"{RECIPE}:") else None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def text_of(latent: torch.Tensor) -> str:
    """A latent [D] for the page, base64 of float32."""
    return base64.b64encode(latent.numpy().astype("<f4").tobytes()).decode()


def cached(data: bytes, name: str) -> str:
    """The path of bytes in the cache.

    Gradio's own `save_bytes_to_cache` empties a file that is there already and writes it anew: a browser that fetches
    it meanwhile is told a length that no longer holds. Here it is there whole or not at all.
    """
    path = (Path(get_upload_folder()) / hash_bytes(data) / Path(name).name).resolve()
    try:
        os.utime(path)  # the cache deletes what is a day old
    except FileNotFoundError:
        path.parent.mkdir(exist_ok=True, parents=True)
        unfinished = path.with_name(f".{uuid4().hex}")
        unfinished.write_bytes(data)
        unfinished.replace(path)
    return str(path)


def file_name(*parts: str) -> str:
    """A name for a download, of words: letters, digits and hyphens."""
    words = (re.sub(r"[^\w+-]+", "-", part.replace(":", "-").replace("_", "-")).strip("-") for part in parts)
    return "_".join(word for word in words if word)[:120] or "picture"


def upload_path(upload: Any) -> str:
    """The path of what the page says was uploaded: nobody has tried to open it yet.

    Whoever writes requests by hand can name any path there, so only what was really uploaded is taken.
    """
    given = upload.get("path") if isinstance(upload, Mapping) else None
    if not isinstance(given, str) or not given or "\0" in given:
        raise ValueError("No picture came; choose a picture file to upload.")
    path = Path(given).resolve()
    if not path.is_relative_to(Path(get_upload_folder()).resolve()):
        raise ValueError("The picture was not uploaded here; choose a picture file to upload.")
    return str(path)


def jpeg_bytes(picture: Image.Image) -> bytes:
    """A large photo as the best JPEG."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=95, subsampling=0, icc_profile=picture.info.get("icc_profile"))
    return buffer.getvalue()


def directions_bytes(taught: Taught) -> bytes:
    """directions.safetensors of what was taught."""
    with tempfile.TemporaryDirectory() as folder:
        taught.directions.save_pretrained(folder)
        (path,) = Path(folder).iterdir()
        return path.read_bytes()
