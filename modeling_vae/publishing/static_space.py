"""A page that draws faces in the visitor's browser, for a static Space of the Hub or any server of plain files."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Unpack

from huggingface_hub import CommitInfo

from modeling_vae.browser.browser_model import (
    ENCODER_NAME,
    FILE_NAME,
    PAGE,
    SCRIPTS,
    browser_encoder,
    browser_model,
    encodable,
)
from modeling_vae.files import write_whole
from modeling_vae.hub.commits import PushOptions
from modeling_vae.hub.downloads import check_repo_id, fetch
from modeling_vae.parts import Parts, read_parts

from .card import CARD_NAME
from .card_sections import Card
from .space import push_files

INDEX, ABOUT_FILE = "index.html", "about.json"
OURS = (INDEX, ABOUT_FILE, FILE_NAME, ENCODER_NAME, "page/*", "scripts/*")
"""Names that only a push writes, see `space.OURS`."""
WORD = "picture"
ABOUT = """\
# {title}

Make faces that never were, melt one into another, change just what you ask, with
[{model_id}](https://huggingface.co/{model_id}). All of it happens in your browser: no server computes, and nothing
that you do here leaves your machine.

`python -m modeling_vae push-space --static` wrote this Space; its next run replaces `index.html`, `about.json`,
`browser.safetensors`, `encoder.safetensors`, `page/` and `scripts/`, and leaves other files and what you wrote here
alone.
"""


def build_page(folder: Path, parts: Parts, name: str, address: str = "") -> None:
    """Write all files of the page into a folder; it may be served under any path.

    Args:
        folder: made if need be.
        parts: of the model.
        name: what the page calls it.
        address: of the model's own page, where there is one.

    Raises:
        ValueError: the browser cannot draw with this model, see `browser.browser_model.drawable`.
    """
    data = browser_model(parts)
    folder.mkdir(parents=True, exist_ok=True)
    for source, target in ((PAGE, "page"), (SCRIPTS, "scripts")):
        shutil.copytree(source, folder / target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(INDEX))
    shutil.copyfile(PAGE / INDEX, folder / INDEX)
    write_whole(folder / FILE_NAME, data)
    if encodable(parts.model.config):
        write_whole(folder / ENCODER_NAME, browser_encoder(parts))
    write_whole(folder / ABOUT_FILE, json.dumps(_about(parts, name, address), indent=2) + "\n")


def push_static_space(
    space_id: str, model_id: str, *, model_revision: str | None = None, **options: Unpack[PushOptions]
) -> CommitInfo:
    """Create or update a static Space with the page, in one commit; the same again makes none.

    Args:
        space_id: `user/space`, made where there is none.
        model_id: `user/name` of a model that is published; the page holds a copy of what it draws with.
        model_revision: branch, tag or commit of the model; None for its main branch as it is now.
        options: see `PushOptions`.

    Raises:
        ValueError, FileNotFoundError: no such model, one that does not load, or that the browser cannot draw with.
        PermissionError, ConnectionError: the token may not, or the Hub cannot be reached.
    """
    for repo_id in (space_id, model_id):
        check_repo_id(repo_id)
    token = options.get("token")
    parts = read_parts(model_id, revision=model_revision, token=token)
    if parts.hub_id is None:
        raise ValueError(f"{model_id} is a folder here: push it first, or write the page with `export --page`.")
    # its words and licence; a model without a card has none
    fetch(model_id, (), (CARD_NAME,), revision=model_revision, token=token)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        build_page(folder, parts, model_id, f"https://huggingface.co/{model_id}")
        write_whole(folder / CARD_NAME, str(_card(model_id)))
        wanted: PushOptions = {"commit_message": "Show the page", **options}
        return push_files(space_id, folder, OURS, {"space_sdk": "static"}, **wanted)


def _card(model_id: str) -> Card:
    title = f"{model_id.split('/')[1]} in the browser"
    metadata = {
        "title": title,
        "emoji": "🎭",
        "colorFrom": "red",
        "colorTo": "yellow",
        "sdk": "static",
        "app_file": INDEX,
        "license": "apache-2.0",
        "short_description": "Draw, edit and morph faces in your browser",
        "models": [model_id],
        "tags": ["vae", "image-generation", "image-editing", "latent-directions"],
    }
    return Card.generated(metadata, {"about": ABOUT.format(title=title, model_id=model_id)})


def _about(parts: Parts, name: str, address: str) -> dict[str, str]:
    """What the page says of the model, of which its card says some."""
    card = parts.folder / CARD_NAME if parts.folder is not None else None
    said = Card.parse(card.read_text(encoding="utf-8")).metadata if card is not None and card.is_file() else {}
    return {
        "name": name,
        "address": address,
        "word": str(said.get("shows") or WORD),
        "licence": str(said.get("license_name") or said.get("license") or "").replace("-", " "),
        "link": str(said.get("license_link") or ""),
        "encoder": ENCODER_NAME if encodable(parts.model.config) else "",
    }
