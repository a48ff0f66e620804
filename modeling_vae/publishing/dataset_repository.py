"""A data set made ready: pictures read, checked, cropped and divided once, and written where training reads them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import HTTPError
from PIL import Image

from modeling_vae.data import PictureData, PictureDataset, load_data
from modeling_vae.data.cache import PictureCache
from modeling_vae.files import write_whole
from modeling_vae.hub.commits import Change, Head, PushOptions, bounded_waits, commit
from modeling_vae.hub.downloads import check_repo_id
from modeling_vae.hub.failures import FAILURES, explained
from modeling_vae.recipes.recipe import DataRecipe

from .card import CARD_NAME
from .card_sections import Card
from .dataset_card import dataset_card

if TYPE_CHECKING:
    import datasets

IMAGE_COLUMN = "image"
TYPES = {"boolean": "bool", "category": "string", "numeric": "float64"}
"""How labels of each kind are stored; unknown ones are null."""


def prepare_data(
    data: DataRecipe,
    target: str,
    *,
    image_size: tuple[int, int],
    num_channels: int = 3,
    attributes: Mapping[str, str] | None = None,
    license: str | None = None,
    **options: Unpack[PushOptions],
) -> str:
    """Turn a data set into one without duplicates, of one size, with clean labels and two splits; say where it is.

    Exact duplicates (by decoded pixels) and broken pictures are left out, as `load_data` does it, pictures become PNG
    of the size, and the columns `image` and those of the attributes stay.

    Args:
        data: where the pictures are, how to crop them, and the splits, as in a recipe.
        target: `user/dataset` on the Hub, or a new folder, which starts with "/", "." or "~".
        image_size: height and width.
        num_channels: 3 for RGB, 1 for grey.
        attributes: columns and their kinds, "boolean", "category" or "numeric".
        license: of the pictures, for the card.
        options: see `PushOptions`; the pictures themselves are pushed by `datasets`, to the main branch.

    Raises:
        ValueError: see `load_data`; a streamed data set; a column called `image` that is none of pictures.
        FileExistsError: the folder is there and not empty.
        OSError: the folder cannot be written; the Hub refused or cannot be reached.
    """
    attributes = dict(attributes or {})
    if data.streaming:
        raise ValueError("data.streaming is true; a data set that is prepared is read whole, so leave it out.")
    if IMAGE_COLUMN in attributes:
        raise ValueError(f"attributes names {IMAGE_COLUMN!r}, where the pictures will be: rename the column first.")
    is_folder = target.startswith(("/", ".", "~"))
    if is_folder:
        folder = _free_folder(Path(target).expanduser())
    else:
        _check_account(target, options.get("token"))
    pictures = _load(data, image_size, num_channels, attributes)
    name = "FOLDER" if is_folder else target
    card = dataset_card(data, pictures.report, _cache_of(pictures), name=name, license=license)
    with tempfile.TemporaryDirectory() as temporary:
        splits = _splits(pictures, attributes, temporary)
        if is_folder:
            _write(splits, card, folder)
            return str(folder)
        return _push(splits, card, target, {"commit_message": "Publish the data set", **options})


def _free_folder(folder: Path) -> Path:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} is there already: give a folder that does not exist yet, or an empty one.")
    return folder


def _check_account(repo_id: str, token: str | bool | None) -> None:
    """Ask who we are before anything is read, which may take long."""
    check_repo_id(repo_id)
    try:
        with bounded_waits():
            HfApi(token=token).whoami()
    except FAILURES as error:
        raise explained(error, repo_id, writing=True) from error


def _load(
    data: DataRecipe, image_size: tuple[int, int], num_channels: int, attributes: Mapping[str, str]
) -> PictureData:
    try:
        return load_data(data, image_size=image_size, num_channels=num_channels, attributes=attributes)
    except (HTTPError, ConnectionError) as error:
        told = explained(error, str(data.path), kind="data set")
        raise type(told)(f"{data.path} is no folder or file here, and {told}") from error


def _cache_of(pictures: PictureData) -> PictureCache:
    assert isinstance(pictures.train, PictureDataset)  # as nothing is streamed here
    return pictures.train.cache


def _splits(pictures: PictureData, attributes: Mapping[str, str], folder: str) -> datasets.DatasetDict:
    """Both splits as data sets whose files lie in a folder."""
    import datasets

    features = datasets.Features(
        {
            IMAGE_COLUMN: datasets.Image(),
            **{column: datasets.Value(TYPES[kind]) for column, kind in attributes.items()},
        }
    )
    cache = _cache_of(pictures)
    return datasets.DatasetDict(
        {
            split: datasets.Dataset.from_generator(
                _rows, features=features, cache_dir=folder, gen_kwargs={"cache": cache, "split": split}, split=split
            )
            for split in ("train", "validation")
        }
    )


def _rows(cache: PictureCache, split: str) -> Iterator[dict[str, Any]]:
    for row in cache.rows_of(split).tolist():
        pixels = cache.pixels[row]  # [H, W, C]
        picture = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        yield {IMAGE_COLUMN: picture, **cache.labels.rows([row])[0]}


def _write(splits: datasets.DatasetDict, card: Card, folder: Path) -> None:
    """Parquet files and a card, whole or not at all."""
    unfinished = folder.with_name(folder.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        (unfinished / "data").mkdir(parents=True)
        for split, dataset in splits.items():
            dataset.to_parquet(unfinished / "data" / f"{split}-00000-of-00001.parquet")
        write_whole(unfinished / CARD_NAME, str(card))
        if folder.exists():
            folder.rmdir()
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _push(splits: datasets.DatasetDict, card: Card, repo_id: str, options: PushOptions) -> str:
    """The pictures in one commit, by `datasets`, which writes its part of the card; then the words of the card."""
    token = options.get("token")
    try:
        with bounded_waits():
            message = options["commit_message"]
            splits.push_to_hub(repo_id, private=options.get("private"), commit_message=message, token=token)
    except FAILURES as error:
        raise explained(error, repo_id, writing=True) from error

    def change(head: Head) -> Change:
        with tempfile.TemporaryDirectory() as cache:
            file = hf_hub_download(
                repo_id, CARD_NAME, repo_type="dataset", revision=head.commit, token=token, cache_dir=cache
            )
            older = Card.parse(Path(file).read_text(encoding="utf-8"))
        return Change({CARD_NAME: str(card.onto(older)).encode()})

    return commit(repo_id, change, repo_type="dataset", **options).commit_url
