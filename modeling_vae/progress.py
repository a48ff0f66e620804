"""Work that takes a while: announced with its purpose, and shown with the time that is left."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from tqdm.auto import tqdm

logger = logging.getLogger(__name__)


def steps(count: int, purpose: str) -> Iterator[int]:
    """0 to count - 1, on a terminal with a bar that knows how long the rest will take.

    Args:
        count: of steps.
        purpose: what they are for, as a sentence without its full stop.
    """
    logger.info("%s (%d steps).", purpose, count)
    return iter(tqdm(range(count), desc=purpose, unit=" steps", disable=None, leave=False))
