"""A Space that was pushed to a local Hub, taken from there and run as a Space runs."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from answering import answering, free_port
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from patience import PATIENCE

PUSH_MODEL = """
from modeling_vae.publishing.repository import push_folder
result = push_folder(folder, repo, token=token, **options).oid
"""


def files(hub: Any, space: str, revision: str = "main") -> dict[str, bytes]:
    tree = hub.repo(space, "space").resolve(revision).tree
    return {name: hub.read(space, name, revision, "space") for name in tree if name != ".gitattributes"}


def space_environment(hub: Any, home: Path, **more: str) -> dict[str, str]:
    own = {
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_ETAG_TIMEOUT": "200",
        "HF_HUB_DOWNLOAD_TIMEOUT": "200",
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_TEMP_DIR": str(home / "files"),
    }
    space = {"SYSTEM": "spaces", "SPACE_ID": "alice/studio", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "0"}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return inherited | hub.env(home / "hf", token="") | own | space | more


@contextmanager
def running(python: Path, folder: Path, environment: dict[str, str], seconds: float = PATIENCE) -> Iterator[str]:
    """`python app.py` in the folder of a Space, on a free port, while its address is needed."""
    port = str(free_port())
    url, environment = f"http://127.0.0.1:{port}/", environment | {"PORT": port}
    with answering([python, "app.py"], url, folder.parent / "log", seconds, cwd=folder, env=environment):
        yield url


def downloaded(hub: Any, space: str, folder: Path) -> Path:
    for name, content in files(hub, space).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def python_with(names: tuple[str, ...], folder: Path) -> Path:
    """A Python with these distributions and what they require, linked from where they are installed here."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    packages = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(folder), "platbase": str(folder)}))
    for name in with_requirements(names):
        for file in distribution(name).files or []:
            target = packages / file.parts[0]
            if file.parts[0] not in ("..", "__pycache__") and not target.exists():
                target.symlink_to(Path(str(distribution(name).locate_file(file.parts[0]))))
    return folder / "bin" / "python"


def with_requirements(names: tuple[str, ...]) -> set[str]:
    """Distributions, what they require without extras, what that requires, and so on."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name not in found:
            found.add(name)
            required = map(Requirement, distribution(name).requires or [])
            waiting += [r.name for r in required if r.marker is None or r.marker.evaluate({"extra": ""})]
    return found
