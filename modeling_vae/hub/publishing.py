"""Publishing a folder: checked, then one commit that makes the repository hold this model, and what people added."""

from __future__ import annotations

import fnmatch
import json
import logging
import math
import re
import tempfile
from pathlib import Path

from huggingface_hub import CommitInfo, get_token

from modeling_vae.model.hub_commits import TIMEOUT, Change, Head, commit
from modeling_vae.model.hub_files import check_repo_id, fetch
from modeling_vae.parts import ACCOMPANYING, CODE, COMPUTING, REQUIRED
from modeling_vae.pipeline import VAEPipeline
from modeling_vae.training.recipe import FILE_NAME, Recipe

from .card import CARD_NAME, MEDIA, for_repository, write_card
from .card_sections import Card

logger = logging.getLogger(__name__)

FORMER_CODE: tuple[str, ...] = ()
"""Names of modules that earlier versions published."""
OURS = (
    *REQUIRED,
    *(path.name for path in CODE),
    *FORMER_CODE,
    *(f"media/{name}" for name in MEDIA),
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
TEXTS = {".md", ".json", ".yaml", ".yml", ".py", ".txt"}
TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{30,}")
RELATIVE_IMPORT = re.compile(r"^\s*from \.(\w+) import", re.MULTILINE)


def push_folder(
    folder: str | Path,
    repo_id: str,
    *,
    private: bool | None = None,
    revision: str | None = None,
    create_pr: bool = False,
    commit_message: str = "Publish the model",
    token: str | bool | None = None,
    timeout: float = TIMEOUT,
    deadline: float = math.inf,
) -> CommitInfo:
    """Publish a folder in one commit; the same folder again makes none.

    Every file of the folder goes, but for hidden and unfinished ones. Files of `OURS` that the folder has no more are
    removed in the same commit. The card keeps what people wrote into the repository's, see `card_sections`.

    Args:
        folder: written by `save_pretrained` or by a run.
        repo_id: `user/name`, made where there is none.
        private: of a new repository; an existing one must be as it says.
        revision: branch, made where there is none.
        create_pr: open a pull request.
        commit_message: title of the commit.
        token: see huggingface_hub.
        timeout: seconds to wait for each answer.
        deadline: see `hub_commits.commit`.

    Raises:
        FileNotFoundError, ValueError: the folder is not complete, is damaged or holds a token; or see
            `hub_commits.commit`.
        PermissionError, ConnectionError: see `hub_commits.commit`.
    """
    folder = Path(folder)
    check_repo_id(repo_id)
    files = check_folder(folder, token)
    size = sum(path.stat().st_size for path in files.values())
    logger.info("Publishing %d files (%.1f MB) to %s.", len(files), size / 1e6, repo_id)

    def change(head: Head) -> Change:
        additions: dict[str, bytes | Path] = dict(files)
        if CARD_NAME in files:
            additions[CARD_NAME] = str(_card(files[CARD_NAME], repo_id, head, token)).encode()
        gone = {name for name in head.files - files.keys() if any(fnmatch.fnmatch(name, ours) for ours in OURS)}
        return Change(additions, frozenset(gone))

    published = commit(
        repo_id,
        change,
        message=commit_message,
        private=private,
        revision=revision,
        create_pr=create_pr,
        token=token,
        timeout=timeout,
        deadline=deadline,
    )
    logger.info("Published: %s", published.pr_url or published.commit_url)
    return published


def push_pipeline(
    pipe: VAEPipeline,
    repo_id: str,
    private: bool | None,
    revision: str | None,
    create_pr: bool,
    commit_message: str,
    token: str | bool | None,
) -> CommitInfo:
    """Publish a pipeline: its folder is written anew, with a card of what it is now."""
    if pipe.hub_id is not None and pipe.folder is not None:
        # of a repository only what computes was fetched: now the rest, into the same folder of the cache
        patterns = [pattern for name in ACCOMPANYING for pattern in (name, f"{name}/*")]
        fetch(
            pipe.hub_id, REQUIRED, patterns, revision=pipe.folder.name, token=token, cache_dir=pipe.folder.parents[2]
        )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        pipe.save_pretrained(folder)
        recipe = Recipe.read(folder) if (folder / FILE_NAME).is_file() else Recipe()
        evaluation = folder / "evaluation.json"
        report = json.loads(evaluation.read_text(encoding="utf-8")) if evaluation.is_file() else {}
        write_card(folder, pipe, recipe, report)
        return push_folder(
            folder,
            repo_id,
            private=private,
            revision=revision,
            create_pr=create_pr,
            commit_message=commit_message,
            token=token,
        )


def check_folder(folder: Path, token: str | bool | None = None) -> dict[str, Path]:
    """The files to publish, by their names in the repository, of a folder that loads.

    Raises:
        FileNotFoundError: it does not exist, or a file is missing that a model needs to load.
        ValueError: a file is damaged, belongs to another model, or holds a token.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder: give one written by save_pretrained or by a run.")
    VAEPipeline.from_pretrained(folder)  # what does not load here would load nowhere
    _refuse_incomplete_code(folder)
    files = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        hidden = any(part.startswith(".") or part == "__pycache__" for part in name.split("/"))
        if path.is_file() and path.suffix != ".unfinished" and (not hidden or name.startswith(".eval_results/")):
            files[name] = path
    for name, path in files.items():
        if path.suffix in TEXTS:
            _refuse_token(name, path.read_text(encoding="utf-8", errors="replace"), token)
    return files


def _refuse_incomplete_code(folder: Path) -> None:
    """Raise a FileNotFoundError where code is missing that the configurations name, or that such code imports."""
    needed: list[str] = []
    for config in ("config.json", "preprocessor_config.json"):
        classes = json.loads((folder / config).read_text(encoding="utf-8")).get("auto_map", {})
        if not classes:
            raise ValueError(f"{folder / config} has no auto_map, so that it loads nowhere else: use save_pretrained.")
        needed += [name.split(".")[0] for name in classes.values()]
    seen: set[str] = set()
    while needed:
        name = needed.pop()
        if name in seen:
            continue
        seen.add(name)
        file = folder / f"{name}.py"
        if not file.is_file():
            raise FileNotFoundError(f"{folder} lacks {file.name}, without which it loads nowhere else: save it again.")
        needed += RELATIVE_IMPORT.findall(file.read_text(encoding="utf-8"))


def _refuse_token(name: str, text: str, token: str | bool | None) -> None:
    """Raise a ValueError where a text holds something of the form of a token, or the one in use, whatever its form."""
    known = [token] if isinstance(token, str) else [get_token()]
    if TOKEN.search(text) or any(one and one in text for one in known):
        raise ValueError(f"{name} holds what looks like an access token of the Hub: take it out, then publish.")


def _card(path: Path, repo_id: str, head: Head, token: str | bool | None) -> Card:
    """The card of the folder with what people wrote into that of the repository."""
    card = for_repository(Card.parse(path.read_text(encoding="utf-8")), repo_id)
    if CARD_NAME in head.files:
        with tempfile.TemporaryDirectory() as cache:
            older = fetch(repo_id, [CARD_NAME], revision=head.commit, token=token, cache_dir=cache) / CARD_NAME
            card = card.onto(Card.parse(older.read_text(encoding="utf-8")))
    return card
