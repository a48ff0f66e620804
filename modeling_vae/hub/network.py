"""Whether the Hub can be reached at all, asked once: the libraries would ask for minutes, and say so at every try."""

from __future__ import annotations

import logging
import os
import re
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from huggingface_hub import constants

logger = logging.getLogger(__name__)

ID = re.compile(r"\w[\w.-]*/[\w.-]+")
"""What can be the id of a repository; it can be a path as well."""
PATIENCE = 3.0
"""Seconds to wait for a connection."""


def refuse_unreachable(*names: object, cached: bool = True) -> None:
    """Raise a ConnectionError where something can come from the Hub alone, and the Hub cannot be reached.

    It is said before the libraries are imported that would find it out after seconds. What is of no such form as
    `user/name`, what is a path here, and what the cache holds something of is left to them.

    Args:
        names: folders or ids, as a person gave them.
        cached: whether the cache will do, as it does for reading.
    """
    for name in names:
        if not isinstance(name, str) or not ID.fullmatch(name) or Path(name).exists() or (cached and _in_cache(name)):
            continue
        where = f"{name} is neither a folder here nor in the cache" if cached else f"{name} is on the Hub"
        if constants.HF_HUB_OFFLINE:
            raise ConnectionError(f"{where}, and HF_HUB_OFFLINE is set: do it once without.")
        if not reachable(constants.ENDPOINT):
            raise ConnectionError(f"{where}, and the Hub cannot be reached: try again later.")


@contextmanager
def offline_where_unreachable() -> Iterator[None]:
    """Within it the libraries of Hugging Face look into their caches alone, where the Hub cannot be reached."""
    if constants.HF_HUB_OFFLINE or reachable(constants.ENDPOINT):
        yield
        return
    logger.warning("The Hub cannot be reached from here: only what is in the cache is found.")
    before = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"  # which `datasets` reads when it is imported
    modules = [constants, *([sys.modules["datasets"].config] if "datasets" in sys.modules else [])]
    for module in modules:
        module.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        del os.environ["HF_HUB_OFFLINE"]
        if before is not None:
            os.environ["HF_HUB_OFFLINE"] = before
        for module in modules:
            module.HF_HUB_OFFLINE = False


@contextmanager
def fetching(folder_or_id: str) -> Iterator[None]:
    """Around what may fetch something of others: no retries without a network, and `quiet_loading`."""
    from .quiet_loading import quiet_loading  # takes transformers along, and the rest of this file answers without

    with quiet_loading(), nullcontext() if Path(folder_or_id).exists() else offline_where_unreachable():
        yield


@cache
def reachable(endpoint: str) -> bool:
    """Whether something answers at the address, by itself or through a proxy; asked once in a process."""
    address = urlsplit(endpoint)
    if getproxies().get(address.scheme):
        return True  # only the proxy could tell
    try:
        port = address.port or (443 if address.scheme == "https" else 80)
        with socket.create_connection((address.hostname or "", port), timeout=PATIENCE):
            return True
    except OSError:
        return False


def _in_cache(repo_id: str) -> bool:
    """Whether anything of a model or data set is in the caches of the libraries."""
    user, _, name = repo_id.partition("/")
    datasets = Path(os.environ.get("HF_DATASETS_CACHE") or Path(constants.HF_HOME) / "datasets")
    folders = [Path(constants.HF_HUB_CACHE) / f"{kind}s--{user}--{name}" for kind in ("model", "dataset")]
    return any(folder.expanduser().is_dir() for folder in (*folders, datasets / f"{user}___{name}"))
