"""Work that takes a while: announced with its purpose, and shown with the time that is left."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from tqdm.auto import tqdm

Item = TypeVar("Item")

logger = logging.getLogger(__name__)


def batches(items: Iterable[Item], purpose: str, total: int | None = None) -> Iterator[Item]:
    """The batches themselves, on a terminal with a bar; of `total`, where that is known."""
    logger.info("%s.", purpose)
    return iter(tqdm(items, desc=purpose, total=total, unit=" batches", disable=None, leave=False))


def in_turn(names: Sequence[str], purpose: str) -> Iterator[str]:
    """The names themselves, on a terminal with a bar that knows how long the rest will take."""
    logger.info("%s (%d).", purpose, len(names))
    return iter(tqdm(names, desc=purpose, unit=" attributes", disable=None, leave=False))


def steps(count: int, purpose: str) -> Iterator[int]:
    """0 to count - 1, on a terminal with a bar that knows how long the rest will take.

    Args:
        count: of steps.
        purpose: what they are for, as a sentence without its full stop.
    """
    logger.info("%s (%d steps).", purpose, count)
    return iter(tqdm(range(count), desc=purpose, unit=" steps", disable=None, leave=False))
