"""From an encoded row to what training needs of it: the digest of its pixels, and the picture at the model's size."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from PIL import Image

from modeling_vae.model.image_processing_image_vae import VAEImageProcessor, to_picture

from .labels import Label
from .marks import UnmarkedError
from .sources import Row

_ROWS_AT_ONCE = 64


@dataclass(frozen=True)
class Prepared:
    """A good picture: `digest` of its decoded pixels (16 bytes), `pixels` uint8 [H, W, C] at the model's size."""

    name: str
    digest: bytes
    pixels: np.ndarray
    labels: Mapping[str, Label]


@dataclass(frozen=True)
class Broken:
    """A picture that cannot be read; `reason` is a sentence that names it."""

    name: str
    reason: str


@dataclass(frozen=True)
class Unmarked:
    """A picture in which nobody annotated what it shall be cropped by."""

    name: str


def prepare(row: Row, processor: VAEImageProcessor) -> Prepared | Broken | Unmarked:
    """Decodes, digests, crops and resizes the picture of one row.

    Two faces of one photo are two pictures: where pictures are cropped by annotations, the digest is of the crop.
    """
    try:
        picture = to_picture(_encoded(row), name=row.name)
    except ValueError as error:
        return Broken(row.name, str(error))
    if row.marks is not None:
        try:
            picture = row.marks.cut(picture, processor.size["width"] / processor.size["height"])
        except UnmarkedError:
            return Unmarked(row.name)
        except ValueError as error:
            return Broken(row.name, f"{row.name} cannot be cropped as it is annotated: {error}.".replace("..", "."))
    fitted = processor.fit(picture)
    pixels = np.asarray(fitted).reshape(fitted.height, fitted.width, processor.num_channels)
    return Prepared(row.name, pixel_digest(picture), pixels, row.labels)


def prepare_all(
    rows: Iterable[Row], processor: VAEImageProcessor, threads: int | None = None
) -> Iterator[Prepared | Broken | Unmarked]:
    """`prepare` for every row, in order; a few rows at once in `threads` (default: one a core), none far ahead."""
    rows = iter(rows)
    with ThreadPoolExecutor(threads or min(16, os.cpu_count() or 1)) as pool:
        while batch := list(itertools.islice(rows, _ROWS_AT_ONCE)):
            yield from pool.map(lambda row: prepare(row, processor), batch)


def pixel_digest(picture: Image.Image) -> bytes:
    """16 bytes that are the same for two RGB pictures only if all their pixels are."""
    digest = hashlib.blake2b(b"%d %d " % picture.size, digest_size=16)
    digest.update(picture.tobytes())
    return digest.digest()


def share_position(digest: bytes) -> float:
    """Where in [0, 1) a picture stands when pictures are divided by share; depends on its own pixels alone."""
    return int.from_bytes(digest[:6], "big") / 2**48


def _encoded(row: Row) -> bytes | str:
    if row.data is not None:
        return row.data
    if row.path is None:
        raise ValueError(f"{row.name} holds no picture (null).")
    if "://" not in row.path:
        return row.path
    import fsspec  # local archives and files on the Hub are paths with a scheme

    try:
        with fsspec.open(row.path, "rb") as file:
            result: bytes | str = file.read()
            return result
    except FileNotFoundError as error:
        raise ValueError(f"{row.name} does not exist.") from error
