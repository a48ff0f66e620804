"""What transformers says while it loads weights that are meant to be loaded so."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from tqdm import tqdm
from transformers.utils.logging import set_tqdm_hook

TALKATIVE = ("transformers.modeling_utils", "transformers.distributed.tensor_parallel")
"""They warn of weights of a head that nobody uses, and that weights are not shared among several processes."""
LOADING = "Loading weights"
"""The bar of transformers for what takes a moment."""


@contextmanager
def quiet_loading() -> Iterator[None]:
    """Within it nothing is said of weights that load; errors are, and so are downloads, with their bars."""
    with ExitStack() as stack:
        for name in TALKATIVE:
            stack.enter_context(_only_errors(logging.getLogger(name)))
        before = set_tqdm_hook(_without_bar)
        stack.callback(set_tqdm_hook, before)
        yield


@contextmanager
def _only_errors(logger: logging.Logger) -> Iterator[None]:
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _without_bar(factory: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if kwargs.get("desc") == LOADING:
        return tqdm(*args, **kwargs | {"disable": True})
    return factory(*args, **kwargs)
