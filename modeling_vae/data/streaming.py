"""Pictures decoded as they arrive, for data sets that do not fit the disk."""

from __future__ import annotations

import copy
import hashlib
import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from torch.utils.data import IterableDataset, get_worker_info

from modeling_vae.model.image_processing_image_vae import VAEImageProcessor

from .dataset import Item, to_pixel_values
from .preparation import Broken, Prepared, Unmarked, prepare_all, share_position
from .report import refuse_many_broken
from .sources import Source

_SEEN_BEFORE_STOPPING = 20
_BUFFER_SIZE = 1024


@dataclass
class StreamCounts:
    """What one pass has met so far, in the process that makes it."""

    seen: int = 0
    duplicates: int = 0
    broken: list[Broken] = field(default_factory=list)
    unmarked: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Selection:
    """Which pictures of a stream belong to a split.

    `excluded` holds digests of pictures that belong to another split; `above` and `below` bound `share_position`.
    """

    excluded: frozenset[bytes] = frozenset()
    above: float = 0.0
    below: float = 1.0

    def takes(self, digest: bytes) -> bool:
        return digest not in self.excluded and self.above <= share_position(digest) < self.below


class StreamedPictures(IterableDataset[Item]):
    """One split of a source, decoded on the fly; items as those of `PictureDataset`.

    Each pass drops exact duplicates by a set of 16-byte digests (about 100 bytes of memory a picture, as Python keeps
    them), skips broken pictures, and stops with ValueError when more than 5 % of at least 20 are broken. The order
    (with `shuffle`: a buffer of 1,024 rows) and the flips depend on the seed and the number of the pass alone. Of a
    source longer than `max_pictures` only the first rows are read.

    An `endless` stream goes through its pictures pass after pass, so that its i-th item is the same in every process
    that counts from the beginning: a resumed run that skips what it has seen sees the same as one never stopped. It
    has no epochs to be told of. ValueError where a pass finds no picture at all.

    Workers share the source by its files; with two or more of them a duplicate whose copies lie in files of different
    workers is not noticed; nor is one of different shares. `counts` is of the latest pass made in this process.
    """

    def __init__(
        self,
        source: Source,
        split: str,
        processor: VAEImageProcessor,
        *,
        selection: Selection | None = None,
        max_pictures: int | None = None,
        shuffle: bool = False,
        horizontal_flip: bool = False,
        seed: int = 0,
        endless: bool = False,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        source.check(split)
        self.source, self.split, self.processor = source, split, processor
        self.selection = selection or Selection()
        self.max_pictures, self.shuffle, self.horizontal_flip, self.seed = max_pictures, shuffle, horizontal_flip, seed
        self.endless, self.share = endless, share
        self.counts = StreamCounts()

    def plain(self) -> StreamedPictures:
        """The same pictures once, in the source's order, without augmentation."""
        return StreamedPictures(
            self.source, self.split, self.processor, selection=self.selection, max_pictures=self.max_pictures
        )

    def of_share(self, share: tuple[int, int]) -> StreamedPictures:
        """The i-th of n shares of these pictures, (i, n): a share of the source's files, or every n-th row."""
        mine = copy.copy(self)
        mine.share, mine.counts = share, StreamCounts()
        return mine

    def __iter__(self) -> Iterator[Item]:
        for number in itertools.count() if self.endless else range(1):
            empty = True
            for picture in self.prepared(number):
                empty = False
                yield self._item(picture, number)
            if empty and self.endless:
                # A worker beyond the number of the source's files has no share, and leaves the work to the others.
                if self.counts.seen == 0 and get_worker_info() is not None:
                    return
                raise ValueError(
                    f"A pass through the stream of {self.split} found no picture among {self.counts.seen} rows; "
                    "see that the data set is still there and whole, and start again."
                )

    def _item(self, picture: Prepared, number: int) -> Item:
        pixel_values = to_pixel_values(picture.pixels[None].copy())[0]
        if self.horizontal_flip and _coin(self.seed, number, picture.digest):
            pixel_values = pixel_values.flip(-1)
        return {"pixel_values": pixel_values, "labels": dict(picture.labels)}

    def prepared(self, number: int = 0) -> Iterator[Prepared]:
        """The pictures of pass `number` before they become items; fills `counts`."""
        self.counts = counts = StreamCounts()
        digests: set[bytes] = set()
        order = (self.seed, number, _BUFFER_SIZE) if self.shuffle else None
        for result in prepare_all(self.source.rows(self.split, self.max_pictures, order, self.share), self.processor):
            counts.seen += 1
            if isinstance(result, Broken):
                counts.broken.append(result)
                if counts.seen >= _SEEN_BEFORE_STOPPING:
                    self._refuse_many_broken()
            elif isinstance(result, Unmarked):
                counts.unmarked.append(result.name)
            elif result.digest in digests:
                counts.duplicates += 1
            elif self.selection.takes(result.digest):
                digests.add(result.digest)
                yield result
        # The few pictures of one worker among many say little about the whole.
        if counts.seen >= _SEEN_BEFORE_STOPPING or get_worker_info() is None:
            self._refuse_many_broken()

    def _refuse_many_broken(self) -> None:
        refuse_many_broken([broken.reason for broken in self.counts.broken], self.counts.seen)


def _coin(seed: int, number: int, digest: bytes) -> bool:
    """A fair coin for one picture in one pass, whatever its place in the stream."""
    toss = hashlib.blake2b(digest + struct.pack("<qq", seed, number), digest_size=1).digest()
    return toss[0] % 2 == 1
