"""What reading a data set needs to be told: the `data` section of a recipe, or anything with the same fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from modeling_vae.recipes.crops import AnnotatedCrop


class AugmentSettings(Protocol):
    @property
    def horizontal_flip(self) -> bool:
        """Whether training sees every picture mirrored with probability one half."""

    @property
    def repeats(self) -> Mapping[str, int]:
        """How often training sees a picture in an epoch, by what it has; once where nothing is said."""


class DataSettings(Protocol):
    @property
    def path(self) -> str | None:
        """A Hub id, a folder, a parquet or tar file, or a pattern of such files."""

    @property
    def name(self) -> str | None:
        """The configuration of the data set, where it has several."""

    @property
    def train(self) -> str:
        """The split to train on."""

    @property
    def validation(self) -> str | float:
        """The split to validate on, or the share of train to take for it."""

    @property
    def image_column(self) -> str: ...

    @property
    def crop(self) -> str | AnnotatedCrop:
        """As in `VAEImageProcessor`, "center", "none" or "pad"; or by what is annotated in each picture."""

    @property
    def augment(self) -> AugmentSettings: ...

    @property
    def streaming(self) -> bool:
        """Whether pictures are decoded as they arrive instead of once into a cache."""

    @property
    def max_pictures(self) -> int | None:
        """Only the first so many pictures of each split are taken; with a share, of both together."""
