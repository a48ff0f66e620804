"""One pass over a data set into a memory-mapped file: decoded, checked, without duplicates, at the model's size."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from modeling_vae.model.image_processing_image_vae import VAEImageProcessor
from modeling_vae.recipes.crops import AnnotatedCrop

from .labels import LabelTable
from .picture_folder import LeftOut
from .preparation import Broken, Prepared, Unmarked, prepare_all, share_position
from .report import described, refuse_many_broken
from .settings import DataSettings
from .sources import Source

logger = logging.getLogger(__name__)

# Part of every cache's key: raise it when a change in reading, cropping or in the files below makes old caches wrong.
_VERSION = 2

_PIXELS, _LABELS, _MANIFEST = "pixels.bin", "labels.npz", "manifest.json"


class PictureCache:
    """A finished cache folder: `pixels` uint8 [N, H, W, C], `labels` of N rows, and the rows that each split owns.

    It travels to worker processes as the folder's name; each maps the file for itself.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest: dict[str, Any] = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))

    @cached_property
    def pixels(self) -> np.ndarray:
        return np.memmap(self.folder / _PIXELS, dtype=np.uint8, mode="r", shape=tuple(self.manifest["shape"]))

    @cached_property
    def _arrays(self) -> dict[str, np.ndarray]:
        with np.load(self.folder / _LABELS, allow_pickle=False) as arrays:
            return dict(arrays)

    @cached_property
    def labels(self) -> LabelTable:
        columns = {column: self._arrays[f"label.{number}"] for number, column in enumerate(self.manifest["kinds"])}
        return LabelTable.from_arrays(self.manifest["kinds"], self.manifest["names"], columns)

    def rows_of(self, split: str) -> np.ndarray:
        """The rows of "train" or "validation": int64 [n]."""
        return self._arrays[f"rows.{split}"]

    @property
    def is_whole(self) -> bool:
        pixels, size = self.folder / _PIXELS, int(np.prod(self.manifest["shape"], dtype=np.int64))
        return (self.folder / _LABELS).is_file() and pixels.is_file() and pixels.stat().st_size == size

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder, "manifest": self.manifest}


def cached_pictures(
    data: DataSettings, processor: VAEImageProcessor, attributes: Mapping[str, str], cache_dir: Path
) -> tuple[PictureCache, bool]:
    """Returns the cache of a data set, and whether it was there already; builds it where it was not.

    The folder appears under its name only when it is complete. What a killed run leaves half way is removed by the
    next run; two runs that build the same cache wait for each other.

    Raises:
        ValueError: the recipe names what does not exist, nothing is left to train on, or too much is broken.
        OSError: the cache folder cannot be written, or the disk is full.
    """
    source = Source(data, attributes)
    folder = cache_dir / _key(source, data, processor, attributes)
    if (cache := _open_whole(folder)) is not None:
        return cache, True
    for split in {data.train, data.validation}:
        if isinstance(split, str):
            source.check(split)
    partial = folder.with_suffix(".partial")
    with _writing(cache_dir):
        cache_dir.mkdir(parents=True, exist_ok=True)
        _sweep(cache_dir)
        lock = FileLock(folder.with_suffix(".lock"))
        lock.acquire()
    try:
        if (cache := _open_whole(folder)) is not None:
            return cache, True
        with _writing(cache_dir):
            shutil.rmtree(partial, ignore_errors=True)
            shutil.rmtree(folder, ignore_errors=True)
            partial.mkdir()
        _build(partial, source, data, processor, attributes)
        with _writing(cache_dir):
            partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        lock.release()
    return PictureCache(folder), False


def _key(source: Source, data: DataSettings, processor: VAEImageProcessor, attributes: Mapping[str, str]) -> str:
    """Everything that decides what is in the cache, as the name of its folder."""
    parts: dict[str, Any] = {
        "version": _VERSION,
        "files": source.fingerprint,
        "splits": [data.train, data.validation],
        "image_column": data.image_column,
        "processor": processor.to_dict(),
        "attributes": list(attributes.items()),
        "max_pictures": data.max_pictures,
    }
    if isinstance(data.crop, AnnotatedCrop):
        parts["crop"] = data.crop.model_dump()
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _open_whole(folder: Path) -> PictureCache | None:
    if not (folder / _MANIFEST).is_file():
        return None
    cache = PictureCache(folder)
    if cache.is_whole:
        return cache
    logger.warning("The picture cache in %s is damaged; it is built anew.", folder)
    return None


def _build(
    folder: Path, source: Source, data: DataSettings, processor: VAEImageProcessor, attributes: Mapping[str, str]
) -> None:
    """Reads validation first, so that a picture in both splits stays there and training never sees it."""
    reading = _Reading(processor, attributes, data.max_pictures)
    reading.left_out = source.left_out
    with _PixelFile(folder / _PIXELS) as pixels:
        if isinstance(data.validation, str):
            reading.read(source, data.validation, "validation", pixels)
        reading.read(source, data.train, "train", pixels)
    reading.left_out = replace(reading.left_out, without_marks=tuple(reading.unmarked))
    refuse_many_broken([broken.reason for broken in reading.broken], reading.seen)
    if not isinstance(data.validation, str):
        reading.divide(data.validation)
    for split, rows in reading.rows.items():
        if not rows:
            besides = "".join(f"; {part}" for part in described(reading.left_out))
            raise ValueError(
                f"No pictures are left for {split} out of {reading.seen:,} read ({reading.duplicates:,} of them "
                f"duplicates, {len(reading.broken):,} broken{besides}); add pictures or name another split in "
                f"data.{split}."
            )
    with _writing(folder.parent):
        reading.save(folder)


class _Reading:
    """What one pass has gathered so far; only digests, labels and row numbers stay in memory."""

    def __init__(self, processor: VAEImageProcessor, attributes: Mapping[str, str], max_pictures: int | None) -> None:
        self.processor, self.max_pictures = processor, max_pictures
        self.labels = LabelTable(attributes)
        self.rows: dict[str, list[int]] = {"train": [], "validation": []}
        self.digests: dict[bytes, int] = {}
        self.seen, self.duplicates = 0, 0
        self.broken: list[Broken] = []
        self.unmarked: list[str] = []
        self.left_out = LeftOut()

    def read(self, source: Source, name: str, split: str, pixels: _PixelFile) -> None:
        from tqdm.auto import tqdm

        results = prepare_all(source.rows(name), self.processor)
        for result in tqdm(results, desc=f"Reading {name}", unit=" pictures", disable=None, leave=False):
            if self.max_pictures is not None and len(self.rows[split]) >= self.max_pictures:
                break
            self.seen += 1
            if isinstance(result, Broken):
                self.broken.append(result)
            elif isinstance(result, Unmarked):
                self.unmarked.append(result.name)
            elif result.digest in self.digests:
                self.duplicates += 1
            else:
                self._keep(result, split, pixels)

    def _keep(self, result: Prepared, split: str, pixels: _PixelFile) -> None:
        row = len(self.digests)
        self.digests[result.digest] = row
        self.rows[split].append(row)
        self.labels.append(result.labels)
        pixels.write(result.pixels)

    def divide(self, share: float) -> None:
        """Moves a share of the train pictures, chosen by their digests, to validation: at least one, never all."""
        position = {row: share_position(digest) for digest, row in self.digests.items()}
        order = sorted(self.rows["train"], key=lambda row: position[row])
        count = sum(position[row] < share for row in order)
        chosen = set(order[: max(1, min(count, len(order) - 1))])
        self.rows["validation"] = [row for row in self.rows["train"] if row in chosen]
        self.rows["train"] = [row for row in self.rows["train"] if row not in chosen]

    def save(self, folder: Path) -> None:
        size = self.processor.size
        manifest = {
            "version": _VERSION,
            "shape": [len(self.digests), size["height"], size["width"], self.processor.num_channels],
            "kinds": self.labels.kinds,
            "names": self.labels.names,
            "duplicates": self.duplicates,
            "broken": [broken.name for broken in self.broken],
            "left_out": self.left_out.to_dict(),
        }
        labels = {f"label.{number}": values for number, values in enumerate(self.labels.to_arrays().values())}
        rows = {f"rows.{split}": np.asarray(rows, dtype=np.int64) for split, rows in self.rows.items()}
        np.savez(folder / _LABELS, allow_pickle=False, **labels, **rows)
        (folder / _MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


class _PixelFile:
    """The file of pixels while it is written; its errors tell that it was the cache, not the data set, that failed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> _PixelFile:
        with _writing(self._path.parent.parent):
            self._file = open(self._path, "wb")
        return self

    def write(self, pixels: np.ndarray) -> None:
        with _writing(self._path.parent.parent):
            self._file.write(pixels.tobytes())

    def __exit__(self, *_: object) -> None:
        with _writing(self._path.parent.parent):
            self._file.close()


@contextlib.contextmanager
def _writing(cache_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        reason = "the disk is full" if is_full else (error.strerror or str(error)).lower()
        raise OSError(
            error.errno,
            f"The picture cache in {str(cache_dir)!r} cannot be written ({reason}); "
            f"{'free some space' if is_full else 'make it writable'} or set HF_HOME to another folder.",
        ) from error


def _sweep(cache_dir: Path) -> None:
    """Removes what killed runs have left: partial folders that nobody holds the lock of."""
    for partial in cache_dir.glob("*.partial"):
        with contextlib.suppress(Timeout), FileLock(partial.with_suffix(".lock"), timeout=0):
            shutil.rmtree(partial, ignore_errors=True)
