"""Pictures and films as files in Gradio's cache, where the page may fetch them and from where they are cleaned away.

The cache names a file by its content: what two components show is one file, and one visitor's file is never
overwritten by another's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gradio.processing_utils import save_bytes_to_cache, save_pil_to_cache
from gradio.utils import get_upload_folder
from PIL import Image


def picture_file(picture: Image.Image, name: str = "face") -> str:
    """The path of a picture as PNG."""
    result: str = save_pil_to_cache(picture, cache_dir=get_upload_folder(), name=name, format="png")
    return result


def picture_files(pictures: Iterable[Image.Image]) -> list[str]:
    return [picture_file(picture) for picture in pictures]


def film_file(data: bytes, name: str, format: str) -> str:
    """The path of a film's bytes."""
    result: str = save_bytes_to_cache(data, f"{name}.{format}", cache_dir=get_upload_folder())
    return result


def upload_path(upload: Any) -> str:
    """The path of what a component sent as it came (`preprocess=False`): nobody has tried to open it yet.

    Whoever writes requests by hand can name any path there, so only what was really uploaded is taken.
    """
    given = upload.get("path") if isinstance(upload, Mapping) else None
    if not isinstance(given, str) or not given or "\0" in given:
        raise ValueError("No picture came; choose a picture file to upload.")
    path = Path(given).resolve()
    if not path.is_relative_to(Path(get_upload_folder()).resolve()):
        raise ValueError("The picture was not uploaded here; choose a picture file to upload.")
    return str(path)
