"""The models at hand: each is loaded when it is first asked for, and a few stay loaded."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock

from modeling_vae.pipeline import VAEPipeline
from modeling_vae.refusals import refusals, sentence

from .recent import Recent
from .studio import Studio
from .uploads import Uploads

MOST_LOADED = 3
LONGEST_NAME = 200


class Shelf:
    """Studios by the names of their models. Safe to use from many threads.

    Args:
        first: the studio to open with.
        folders: of the other models on offer, by name.
        any_folder: whether a visitor may name other folders of this machine; a model of the Hub they may always.
    """

    def __init__(self, first: Studio, folders: Mapping[str, Path] | None = None, any_folder: bool = False) -> None:
        self.first, self.any_folder = first, any_folder
        self.folders = dict(folders or {})
        self._loaded: Recent[str, Studio] = Recent(MOST_LOADED)
        self._loading = Lock()

    @property
    def names(self) -> Sequence[str]:
        """On offer, that to open with first."""
        return list(dict.fromkeys([self.first.facts.name, *self.folders]))

    def studio(self, name: str) -> Studio:
        """The studio of a model: a name on offer, a Hub id, or (where allowed) a folder.

        Raises:
            ValueError: it cannot be loaded; the message says why.
        """
        if name == self.first.facts.name:
            return self.first
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or "\0" in name:
            raise ValueError(f"The model is {name!r:.40}; give the name of one on offer, or user/name of the Hub.")
        with self._loading:  # two at once would take twice the memory
            return self._loaded.get(name, lambda: self._load(name))

    def _load(self, name: str) -> Studio:
        source = self.folders.get(name, name)
        if name not in self.folders and not self.any_folder and not _is_hub_id(name):
            raise ValueError(f"{name!r} is not on offer here; give user/name of a model on the Hub.")
        try:
            pipe = VAEPipeline.from_pretrained(source)
        except refusals() as error:
            raise ValueError(f"The model {name} cannot be loaded: {sentence(error)}") from error
        return Studio(pipe, name, self.first.photos.uploads)


def open_studio(model: str | os.PathLike[str]) -> Studio:
    """The studio of a published folder or a Hub id."""
    pipe = VAEPipeline.from_pretrained(model)
    return Studio(pipe, name_of(Path(model).resolve()) if os.path.isdir(model) else str(model), Uploads())


def name_of(folder: Path) -> str:
    """What a folder's model is called; the folder of one's own training is `runs/NAME/published`."""
    return folder.parent.name if folder.name == "published" else folder.name


def _is_hub_id(name: str) -> bool:
    return (
        name.count("/") == 1 and not name.startswith((".", "/", "~")) and ".." not in name and not Path(name).exists()
    )
