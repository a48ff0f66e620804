"""For clients of a Hub that fails: waits whose length is not what a test is about are made short in their process."""

from __future__ import annotations

import fnmatch
import math
import time
from typing import Any

from huggingface_hub import set_client_factory
from huggingface_hub.utils._http import default_client_factory

SHORT = 0.3
"""Seconds to wait for an answer that never comes."""


def hurry(silent: str = "", times: float = math.inf) -> None:
    """Do not sleep between tries, and give up soon on what is never answered: requests of the path `silent`, a glob.

    Only waits that have an end are made shorter: who would wait for ever still does. All other requests have as long
    as the machine needs.

    Args:
        silent: paths that the Hub does not answer.
        times: the first so many of them.
    """
    left = times

    def shorten(request: Any) -> None:
        nonlocal left
        waits = request.extensions.get("timeout", {})
        if left and fnmatch.fnmatchcase(request.url.path, silent) and waits.get("read") is not None:
            left -= 1
            request.extensions = {**request.extensions, "timeout": {**waits, "read": SHORT}}

    def session() -> Any:
        made = default_client_factory()
        made.event_hooks["request"].append(shorten)
        return made

    set_client_factory(session)
    time.sleep = lambda seconds: None
