"""What the page says about its model: sizes, attributes and their names, and what the model's card says of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huggingface_hub import RepoCard, hf_hub_download

from modeling_vae import Direction
from modeling_vae.model.direction import USUAL_REACH
from modeling_vae.pipeline import VAEPipeline
from modeling_vae.refusals import refusals

from .render_requests import LARGEST_STRENGTH

MOST_SHOWN = 14
"""Attributes that are shown at once; of more, so many, the others on request."""
WORD = "picture"
CARD_NAME = "README.md"
FILMS = ("media/training.mp4", "media/training.webp")
"""Of the training, the one to show first."""


@dataclass(frozen=True)
class Attribute:
    """One slider: the name the model knows it by, words for people, and how far it reaches.

    Args:
        name: of the direction.
        label: words.
        least, most: deviations at the ends of the slider.
        gone, full: deviations at which it clearly is lost, and clearly shows.
        drawable: whether a change of it shows at all, as far as that was measured.
        column: of which it is one value; "" of what is no category.
    """

    name: str
    label: str
    least: float = -USUAL_REACH
    most: float = USUAL_REACH
    gone: float = -USUAL_REACH
    full: float = USUAL_REACH
    drawable: bool = True
    column: str = ""


@dataclass(frozen=True)
class ModelCard:
    """What the card says.

    Args:
        word: what one picture shows, such as "cat".
        licence: its name, "" where the card names none.
        link: of the licence, or "".
        text: the card itself in Markdown, without its metadata.
        address: of the model's page on the Hub, "" for a folder here.
    """

    word: str = WORD
    licence: str = ""
    link: str = ""
    text: str = ""
    address: str = ""

    @property
    def words(self) -> str:
        """What several pictures show."""
        return f"{self.word[:-1]}ies" if self.word.endswith("y") else f"{self.word}s"


@dataclass(frozen=True)
class ModelFacts:
    """What the page says about its model.

    Sizes are in pixels; `draws_fitted` where new faces come from a prior fitted to the data, and not from N(0, I);
    `film` is that of its training, where it came with one; `values` are what a face can become, with words for each,
    and `asked` those of them that new ones can be asked to show.
    """

    name: str
    height: int
    width: int
    latent_dim: int
    draws_fitted: bool
    attributes: tuple[Attribute, ...]
    card: ModelCard = field(default=ModelCard(), repr=False)
    film: Path | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    asked: tuple[str, ...] = ()

    @classmethod
    def of(cls, pipe: VAEPipeline, name: str) -> ModelFacts:
        height, width = pipe.model.config.image_size
        values = values_of(pipe)
        return cls(
            name,
            height,
            width,
            pipe.latent_dim,
            draws_fitted=pipe.prior is not None,
            attributes=attributes_of(pipe),
            card=read_card(pipe),
            film=_film(pipe.folder),
            values=values,
            asked=tuple(name for name in values if pipe.prior is not None and pipe.prior.labels.knows(name)),
        )


def _film(folder: Path | None) -> Path | None:
    films = (folder / name for name in FILMS) if folder is not None else ()
    return next((film for film in films if film.is_file()), None)


def attributes_of(pipe: VAEPipeline) -> tuple[Attribute, ...]:
    """The attributes as the pipeline offers them: those first that show in pictures.

    Where nobody measured that, and there are more than are shown at once, those first that the model reads best.
    """
    if pipe.directions is None:
        return ()
    known, names = pipe.directions.directions, pipe.attributes
    if len(names) > MOST_SHOWN and all(direction.drawable is None for direction in known.values()):
        names = sorted(names, key=lambda name: -known[name].concordance)
    return tuple(_attribute(known[name]) for name in names)


def values_of(pipe: VAEPipeline) -> dict[str, str]:
    """What a face can become, in the order in which attributes are offered, and what it is called.

    All values of which the prior was told, and of other categories those that have two directions or more.
    """
    columns = [pipe.directions.directions[name].column for name in pipe.attributes] if pipe.directions else []
    told = pipe.prior.labels.names if pipe.prior is not None else []
    others = [a.name for a in attributes_of(pipe) if columns.count(a.column) > 1 and a.name not in told]
    offered = [name for name in (*told, *others) if name.partition(":")[0] in columns]
    return {name: _value_label(name) for name in sorted(offered, key=lambda n: columns.index(n.partition(":")[0]))}


def _value_label(name: str) -> str:
    column, _, value = name.partition(":")
    return label_of(f"{column}:{ {'true': 'yes', 'false': 'no'}.get(value, value) }")


def _attribute(direction: Direction) -> Attribute:
    least, most = (max(-LARGEST_STRENGTH, min(LARGEST_STRENGTH, end)) for end in direction.reach)
    gone, full = (max(least, min(most, direction.full(losing))) for losing in (True, False))
    column = direction.column if direction.kind == "category" else ""
    drawable = direction.drawable is not False
    return Attribute(direction.name, label_of(direction.name), least, most, gone, full, drawable, column)


def label_of(name: str) -> str:
    """ "coat:black_and_white" is "Coat: black and white"."""
    column, _, value = name.partition(":")
    words = [part.replace("_", " ").strip() for part in (column, value)]
    return words[0].capitalize() + (f": {words[1]}" if value else "")


def read_card(pipe: VAEPipeline) -> ModelCard:
    """Of the folder that the pipeline came from, or its repository; what neither says stays open."""
    written = _card_text(pipe)
    said, text = _parted(written)
    return ModelCard(
        word=str(said.get("shows") or WORD),
        licence=str(said.get("license_name") or said.get("license") or ""),
        link=str(said.get("license_link") or ""),
        text=text.strip(),
        address=f"https://huggingface.co/{pipe.hub_id}" if pipe.hub_id else "",
    )


def _card_text(pipe: VAEPipeline) -> str:
    if pipe.folder is not None and (pipe.folder / CARD_NAME).is_file():
        return (pipe.folder / CARD_NAME).read_text(encoding="utf-8")
    if pipe.hub_id is not None:
        with suppress(OSError, ValueError):  # a repository without a card, or no network: the page does without
            file = hf_hub_download(pipe.hub_id, CARD_NAME, revision=pipe.folder.name if pipe.folder else None)
            return Path(file).read_text(encoding="utf-8")
    return ""


def _parted(written: str) -> tuple[dict[str, Any], str]:
    """Metadata and text of a card; of one whose metadata are damaged there is the text alone."""
    if not written.startswith("---"):
        return {}, written
    try:
        card = RepoCard(written, ignore_metadata_errors=True)
    except refusals():
        return {}, written
    return card.data.to_dict(), card.text
