"""Publishing a folder: checked, then one commit that makes the repository hold this model, and what people added."""

from __future__ import annotations

import fnmatch
import logging
import mmap
import os
import re
import tempfile
from pathlib import Path
from typing import Unpack

from huggingface_hub import CommitInfo, get_token

from modeling_vae.contents import ACCOMPANYING, CODE, COMPUTING, Contents
from modeling_vae.figures.evaluation_report import JSON_NAME
from modeling_vae.figures.latent_figures import CAPTIONS, PAGE, file_of
from modeling_vae.figures.report_schema import KEPT, read_report
from modeling_vae.hub.commits import Change, Head, PushOptions, commit
from modeling_vae.hub.downloads import check_repo_id, fetch
from modeling_vae.model.folder_schema import REQUIRED
from modeling_vae.model.tensor_files import read_table
from modeling_vae.parts import Parts, read_parts
from modeling_vae.recipes.recipe import FILE_NAME, Recipe
from modeling_vae.recipes.yaml_text import whole_text

from .card import CARD_NAME, FILMS, MEDIA, for_repository, write_card
from .card_sections import Card

logger = logging.getLogger(__name__)

FORMER_CODE = (
    *("face_alignment.py", "face_crop.py", "photo_windows.py", "reconstruction_errors.py"),
    *("hub_commits.py", "hub_errors.py", "hub_files.py", "shared_directions.py"),
)
"""Names of modules that earlier versions published."""
OURS = (
    *REQUIRED,
    *(path.name for path in CODE),
    *FORMER_CODE,
    *(f"media/{name}" for name in (*MEDIA, *FILMS)),
    *(f"media/{file_of(name)}" for name in CAPTIONS),
    PAGE,
    "model*.safetensors",
    "model.safetensors.index.json",
    *COMPUTING,
    "recipe.yaml",
    "evaluation.json",
    "evaluation.md",
    ".eval_results/*--*.yaml",
    "onnx/*",
)
"""Names that only a publication writes. Such a file is removed from the repository when the folder has it no more; all
other files there are somebody's own, and stay."""
SECRETS = re.compile(
    rb"\bhf_[A-Za-z0-9]{30,}|\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_\w{50,}|\bAKIA[0-9A-Z]{16}\b"
    rb"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
"""Tokens and keys by their form."""
NAMED = 5
"""Of what is left out, so many are named."""


def push_folder(folder: str | Path, repo_id: str, **options: Unpack[PushOptions]) -> CommitInfo:
    """Publish a folder in one commit; the same folder again makes none.

    What belongs to a published model goes (see `Contents`), and the code that loads it, whatever code lies in the
    folder; what else there is is named, and stays. Files of `OURS` that a publication has no more are removed in the
    same commit. The card keeps what people wrote into the repository's, see `card_sections`.

    Args:
        folder: written by `save_pretrained` or by a run.
        repo_id: `user/name`, made where there is none.
        options: see `PushOptions`.

    Raises:
        FileNotFoundError, ValueError: the folder is not complete, is damaged or holds a token; or see
            `hub.commits.commit`.
        PermissionError, ConnectionError: see `hub.commits.commit`.
    """
    folder = Path(folder)
    check_repo_id(repo_id)
    token = options.get("token")
    files = check_folder(folder, token)
    size = sum(path.stat().st_size for path in files.values())
    logger.info("Publishing %d files (%.1f MB) to %s.", len(files), size / 1e6, repo_id)

    def change(head: Head) -> Change:
        additions: dict[str, bytes | Path] = dict(files)
        if FILE_NAME in files:
            additions[FILE_NAME] = whole_text(files[FILE_NAME]).encode()
        if CARD_NAME in files:
            additions[CARD_NAME] = str(_card(files[CARD_NAME], repo_id, head, token)).encode()
        gone = {name for name in head.files - files.keys() if any(fnmatch.fnmatch(name, ours) for ours in OURS)}
        return Change(additions, frozenset(gone))

    wanted: PushOptions = {"commit_message": "Publish the model", **options}
    published = commit(repo_id, change, **wanted)
    logger.info("Published: %s", published.pr_url or published.commit_url)
    return published


def push_parts(parts: Parts, repo_id: str, **options: Unpack[PushOptions]) -> CommitInfo:
    """Publish the parts of a pipeline: their folder is written anew, with a card of what they are now."""
    if parts.hub_id is not None and parts.folder is not None:
        # of a repository only what computes was fetched: now the rest, into the same folder of the cache
        commit_id, cache = parts.folder.name, parts.folder.parents[2]
        fetch(parts.hub_id, REQUIRED, ACCOMPANYING, revision=commit_id, token=options.get("token"), cache_dir=cache)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        parts.write(folder)
        recipe = Recipe.read(folder) if (folder / FILE_NAME).is_file() else Recipe()
        evaluation = folder / JSON_NAME
        report = read_report(evaluation) if evaluation.is_file() else {}
        write_card(folder, parts, recipe, report)
        return push_folder(folder, repo_id, **options)


def check_folder(folder: Path, token: str | bool | None = None) -> dict[str, Path]:
    """The files to publish, by their names in the repository, of a folder that loads.

    Raises:
        FileNotFoundError: it does not exist, or a file is missing that a model needs to load.
        ValueError: a file is damaged, belongs to another model, or holds a token.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder: give one written by save_pretrained or by a run.")
    read_parts(folder)  # what does not load here would load nowhere
    if os.path.lexists(folder / FILE_NAME):
        Recipe.read(folder)
        _refuse_secret(FILE_NAME, whole_text(folder / FILE_NAME).encode(), token)
    if os.path.lexists(folder / JSON_NAME):
        read_report(folder / JSON_NAME, only=KEPT)  # figures of an older kind are nobody's harm
    _refuse_unknown_code(folder)
    files, left_out = Contents.of(folder)
    others = [name for name in left_out if name not in FORMER_CODE]
    if others:
        more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
        logger.warning("Left out, as no part of a published model: %s%s.", ", ".join(others[:NAMED]), more)
    files |= {path.name: path for path in CODE}
    if CARD_NAME in files:
        _text_of(files[CARD_NAME])
    for name, path in files.items():
        if path.stat().st_size:
            with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                _refuse_secret(name, content, token)
    return files


def _refuse_unknown_code(folder: Path) -> None:
    """Raise a ValueError where a configuration names no code, or other code than what is published with it."""
    for config in ("config.json", "preprocessor_config.json"):
        classes = read_table(folder / config).get("auto_map")
        if not classes or not isinstance(classes, dict):
            raise ValueError(f"{folder / config} has no auto_map, so that it loads nowhere else: use save_pretrained.")
        for name in map(str, classes.values()):
            if f"{name.partition('.')[0]}.py" not in {path.name for path in CODE}:
                raise ValueError(f"auto_map of {folder / config} names {name}, no code of ours: save it anew.")


def _refuse_secret(name: str, content: bytes | mmap.mmap, token: str | bool | None) -> None:
    """Raise a ValueError where a file holds what has the form of a token or key, or the token in use, of any form."""
    known = [token] if isinstance(token, str) else [get_token()]
    if SECRETS.search(content) or any(one and content.find(one.encode()) >= 0 for one in known):
        raise ValueError(f"{name} holds what looks like an access token or a key: take it out, then publish.")


def _card(path: Path, repo_id: str, head: Head, token: str | bool | None) -> Card:
    """The card of the folder with what people wrote into that of the repository."""
    card = for_repository(Card.parse(_text_of(path)), repo_id)
    if CARD_NAME in head.files:
        with tempfile.TemporaryDirectory() as cache:
            older = fetch(repo_id, [CARD_NAME], revision=head.commit, token=token, cache_dir=cache) / CARD_NAME
            card = card.onto(Card.parse(_text_of(older)))
    return card


def _text_of(card: Path) -> str:
    try:
        return card.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{card} is no UTF-8 text ({error.reason}): save it as UTF-8.") from error
