"""Work that takes a while: announced with its purpose, and shown with the time that is left."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from tqdm.auto import tqdm

from .processes import is_first

Item = TypeVar("Item")

logger = logging.getLogger(__name__)


def batches(items: Iterable[Item], purpose: str, total: int | None = None) -> Iterator[Item]:
    """The batches themselves, on a terminal with a bar; of `total`, where that is known."""
    return _announced(items, purpose, f"{purpose}.", "batches", total)


def in_turn(names: Sequence[str], purpose: str) -> Iterator[str]:
    """The names themselves, on a terminal with a bar that knows how long the rest will take."""
    return _announced(names, purpose, f"{purpose} ({len(names)}).", "attributes")


def steps(count: int, purpose: str) -> Iterator[int]:
    """0 to count - 1, on a terminal with a bar that knows how long the rest will take.

    Args:
        count: of steps.
        purpose: what they are for, as a sentence without its full stop.
    """
    return _announced(range(count), purpose, f"{purpose} ({count} steps).", "steps")


def _announced(
    items: Iterable[Item], purpose: str, sentence: str, unit: str, total: int | None = None
) -> Iterator[Item]:
    """Of several processes the first one shows its bar."""
    logger.info("%s", sentence)
    disable = None if is_first() else True  # None: where there is no terminal
    return iter(tqdm(items, desc=purpose, total=total, unit=f" {unit}", disable=disable, leave=False))
