"""The cached pictures as a data set of torch, and the two ways of making batches of items."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, IterableDataset

from .cache import PictureCache
from .labels import Label
from .repeats import repeated

Item = dict[str, Any]
"""`{"pixel_values": float32 [C, H, W] in [0, 1], "labels": {column: value or None}}`"""

CHOICE_SEED = 0
"""Of the pictures that are drawn where a part of them is enough."""


class PictureDataset(Dataset[Item]):
    """One split of a cache, map-style.

    With `horizontal_flip` each picture is mirrored with probability one half. Which ones are depends on the seed, the
    epoch (`set_epoch`) and the index alone: not on the order of access, the number of workers or any global state, so
    that a resumed run sees the same pictures. With `repeats` a picture has an index for each time that it comes in an
    epoch, see `repeated`.
    """

    def __init__(
        self,
        cache: PictureCache,
        split: str,
        *,
        horizontal_flip: bool = False,
        repeats: Mapping[str, int] | None = None,
        seed: int = 0,
    ) -> None:
        self.cache, self.split, self.horizontal_flip, self.seed = cache, split, horizontal_flip, seed
        self._rows = repeated(cache.rows_of(split), cache.labels, repeats or {})
        # In shared memory, so that workers that outlive an epoch see the next one too.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()
        self._flips: tuple[int, np.ndarray] | None = None

    def set_epoch(self, epoch: int) -> None:
        """Chooses the epoch whose augmentation the next items get."""
        self._epoch.fill_(epoch)

    def plain(self) -> PictureDataset:
        """The same pictures without augmentation, each once."""
        return PictureDataset(self.cache, self.split)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Item:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Item]:
        """Several items at once, which the fetcher of a DataLoader prefers."""
        rows = self._rows[np.asarray(indices)]
        grey_levels = self.cache.pixels[rows]  # [B, H, W, C]
        if self.horizontal_flip:
            flipped = self._flipped()[np.asarray(indices)]
            grey_levels[flipped] = grey_levels[flipped][:, :, ::-1]
        pixel_values = to_pixel_values(grey_levels)
        labels = self.cache.labels.rows(rows)
        return [{"pixel_values": values, "labels": row} for values, row in zip(pixel_values, labels, strict=True)]

    def _flipped(self) -> np.ndarray:
        epoch = int(self._epoch)
        if self._flips is None or self._flips[0] != epoch:
            generator = np.random.default_rng([self.seed, epoch])
            self._flips = (epoch, generator.random(len(self), dtype=np.float32) < 0.5)
        return self._flips[1]


def to_pixel_values(grey_levels: np.ndarray) -> torch.Tensor:
    """uint8 [B, H, W, C] -> float32 [B, C, H, W] in [0, 1], the same values as `VAEImageProcessor` gives."""
    return torch.from_numpy(grey_levels).permute(0, 3, 1, 2).contiguous().float().div_(255.0)


def collate(items: Sequence[Item]) -> dict[str, torch.Tensor]:
    """Items -> `{"pixel_values": float32 [N, C, H, W]}`, what the model takes in training."""
    return {"pixel_values": torch.stack([item["pixel_values"] for item in items])}


def labelled_batches(
    dataset: Dataset[Item], batch_size: int, most: int | None = None, share: tuple[int, int] = (0, 1)
) -> Iterator[tuple[torch.Tensor, dict[str, list[Label]]]]:
    """Goes once through `dataset` in order, without augmentation.

    Args:
        dataset: map-style or streamed, of `Item`s.
        batch_size: pictures at once.
        most: no more pictures than these. They are drawn at random, always the same, for a folder may be sorted by
            class; of a stream, whose end nobody knows, they are the first.
        share: (i, n): the i-th of n shares of the batches, which together are all of them, each once and each made of
            the same pictures as without shares. Of a stream it is a share of the rows, and only these are decoded.

    Yields:
        pixel_values float32 [n, C, H, W] with n at most `batch_size`, and for each column its n labels.
    """
    first, step = share
    if not 0 <= first < step:
        raise ValueError(f"share is {share}; the first of n shares is (0, n), and the last (n - 1, n).")
    plain = dataset.plain() if hasattr(dataset, "plain") else dataset
    if isinstance(plain, IterableDataset):
        plain, first, step = plain.of_share(share) if step > 1 else plain, 0, 1  # type: ignore[attr-defined]
    for items in _in_batches(plain, batch_size, most, first, step):
        columns = items[0]["labels"]
        labels = {column: [item["labels"][column] for item in items] for column in columns}
        yield collate(items)["pixel_values"], labels


def _in_batches(dataset: Any, batch_size: int, most: int | None, first: int, step: int) -> Iterator[list[Item]]:
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; set a whole number of at least 1.")
    if isinstance(dataset, IterableDataset):
        remaining = itertools.islice(dataset, most)
        while batch := list(itertools.islice(remaining, batch_size)):
            yield batch
        return
    rows = np.arange(len(dataset))
    if most is not None and most < len(rows):
        rows = np.sort(np.random.default_rng(CHOICE_SEED).choice(rows, most, replace=False))
    for start in range(first * batch_size, len(rows), step * batch_size):
        chosen = rows[start : start + batch_size].tolist()
        yield dataset.__getitems__(chosen) if hasattr(dataset, "__getitems__") else [dataset[row] for row in chosen]
