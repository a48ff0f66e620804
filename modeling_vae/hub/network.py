"""Whether the Hub can be reached at all, asked once: the libraries would ask for minutes, and say so at every try."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from huggingface_hub import constants

from .quiet_loading import quiet_loading

logger = logging.getLogger(__name__)

PATIENCE = 3.0
"""Seconds to wait for a connection."""


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
