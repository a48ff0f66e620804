"""Reading, checking, cropping and caching data sets of pictures."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from modeling_vae.hub.network import fetching
from modeling_vae.model.image_processing_image_vae import VAEImageProcessor

from .cache import cached_pictures
from .dataset import PictureDataset, collate, labelled_batches
from .picture_folder import LeftOut
from .report import DataReport
from .settings import DataSettings
from .sources import Source
from .streaming import Selection, StreamedPictures

__all__ = [
    "DataReport",
    "PictureData",
    "PictureDataset",
    "StreamedPictures",
    "collate",
    "labelled_batches",
    "boolean_columns",
    "load_data",
]


@dataclass(frozen=True)
class PictureData:
    """The two splits of a data set, and what reading it found."""

    train: PictureDataset | StreamedPictures
    validation: PictureDataset | StreamedPictures
    report: DataReport


def load_data(
    data: DataSettings,
    *,
    image_size: tuple[int, int],
    num_channels: int,
    attributes: Mapping[str, str],
    seed: int = 0,
    cache_dir: str | os.PathLike[str] | None = None,
) -> PictureData:
    """Opens the data set of a recipe and prepares its pictures.

    Every picture is decoded once; broken ones are skipped and named; of pictures with the same decoded pixels the
    first one stays, validation's before train's. Unless `data.streaming` is set, the pictures are kept at the model's
    size in a cache folder, which the next run with the same settings opens at once.

    Args:
        data: where the pictures are and how to read them.
        image_size: (height, width) of the pixel_values.
        num_channels: 3 for RGB, 1 for grey.
        attributes: the label columns and their kinds, "boolean", "category" or "numeric".
        seed: of the augmentation and of the order of streams.
        cache_dir: folder of the cache; by default `modeling_vae` in the cache folder of Hugging Face.

    Raises:
        ValueError: the recipe names a path, split or column that does not exist, a label has another kind than its
            column should, no picture is left, or more than 5 % are broken; pictures of a stream shall be repeated.
        OSError: the cache cannot be written.
    """
    started = time.monotonic()
    crop = data.crop if isinstance(data.crop, str) else "center"  # of what is cut out by annotations, all of it
    processor = VAEImageProcessor(size=image_size, num_channels=num_channels, crop=crop)
    if not isinstance(data.validation, str) and not 0.0 < data.validation < 1.0:
        raise ValueError(
            f"data.validation is {data.validation}; set a share of train between 0 and 1, or the name of a split."
        )
    if data.max_pictures is not None and data.max_pictures < 1:
        raise ValueError(
            f"data.max_pictures is {data.max_pictures}; set a whole number of at least 1, or null for all."
        )
    with fetching(str(data.path)):
        if data.streaming:
            return _streamed(data, processor, attributes, seed, started)
        cache, from_cache = cached_pictures(data, processor, attributes, Path(cache_dir or _default_cache_dir()))
    flip, repeats = data.augment.horizontal_flip, data.augment.repeats
    train = PictureDataset(cache, "train", horizontal_flip=flip, repeats=repeats, seed=seed)
    validation = PictureDataset(cache, "validation")
    report = DataReport(
        pictures={"train": len(train.plain()), "validation": len(validation)},
        duplicates=cache.manifest["duplicates"],
        broken=tuple(cache.manifest["broken"]),
        seconds=time.monotonic() - started,
        from_cache=from_cache,
        left_out=LeftOut.from_dict(cache.manifest["left_out"]),
    )
    return PictureData(train, validation, report)


def boolean_columns(data: DataSettings) -> list[str]:
    """The columns of a data set's training split that are true or false, which `attributes: all` stands for.

    Raises:
        ValueError: there is no such data set, or no such split.
    """
    with fetching(str(data.path)):
        return Source(data, {}).booleans(data.train)


def _streamed(
    data: DataSettings, processor: VAEImageProcessor, attributes: Mapping[str, str], seed: int, started: float
) -> PictureData:
    """Validation is read once now, so that training can leave its pictures out; a share needs no reading."""
    if data.augment.repeats:
        raise ValueError("data.augment.repeats is for pictures whose labels are known beforehand: not for a stream.")
    source = Source(data, attributes)
    pictures: dict[str, int | None] = {"train": None, "validation": None}
    limit = data.max_pictures
    if isinstance(data.validation, str):
        validation = StreamedPictures(source, data.validation, processor, max_pictures=limit)
        digests = frozenset(picture.digest for picture in validation.prepared())
        pictures["validation"] = len(digests)
        selection = Selection(excluded=digests)
    else:
        below = Selection(below=data.validation)
        validation = StreamedPictures(source, data.train, processor, selection=below, max_pictures=limit)
        selection = Selection(above=data.validation)
    train = StreamedPictures(
        source,
        data.train,
        processor,
        selection=selection,
        max_pictures=limit,
        shuffle=True,
        horizontal_flip=data.augment.horizontal_flip,
        seed=seed,
        endless=True,
    )
    counts = validation.counts
    for split, dataset in (("train", train), ("validation", validation)):
        if next(iter(dataset.plain()), None) is None:
            raise ValueError(f"No pictures are left for {split}; add pictures or name another split in data.{split}.")
    report = DataReport(
        pictures=pictures,
        duplicates=counts.duplicates,
        broken=tuple(broken.name for broken in counts.broken),
        seconds=time.monotonic() - started,
        from_cache=False,
        left_out=replace(source.left_out, without_marks=tuple(counts.unmarked)),
    )
    return PictureData(train, validation, report)


def _default_cache_dir() -> str:
    from huggingface_hub import constants

    return os.path.join(constants.HF_HOME, "modeling_vae")
