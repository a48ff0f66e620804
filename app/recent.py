"""Recent: the latest results, kept so that asking again costs nothing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """The `size` results asked for last; the one not asked for longest goes first. Safe to use from many threads."""

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"size is {size}; keep at least one result.")
        self.size = size
        self._results: OrderedDict[Key, Value] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._results)

    def peek(self, key: Key) -> Value | None:
        """The result kept for `key`, or None."""
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
            return self._results.get(key)

    def put(self, key: Key, result: Value) -> None:
        """Keep a result that was made elsewhere."""
        with self._lock:
            self._results[key] = result
            self._results.move_to_end(key)
            while len(self._results) > self.size:
                self._results.popitem(last=False)

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """The result kept for `key`, or else what `make` returns, which is kept where it is not None."""
        kept = self.peek(key)
        if kept is not None:
            return kept
        # Made outside the lock: a slow result holds nobody else up, and two of the same at once are only wasteful.
        result = make()
        self.put(key, result)
        return result
