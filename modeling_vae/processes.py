"""Several processes of one run, as torchrun and `accelerate launch` start them.

What a run writes once, its first process writes, and the others wait and read it. What terms remember of the pictures,
they remember of those of all processes, so that it is the same in each, and the same as in one process alone. What
comes after the training is shared out (`each`, `done_by_all`); one process alone does all of it, by the same words.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

Item = TypeVar("Item")
Result = TypeVar("Result")

PATIENCE = timedelta(hours=3)
"""How long processes wait for each other: one may have to train probes. Where one dies, the launcher ends all."""


def started_together() -> int:
    """How many processes the launcher has started for this run; 1 without one."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Whether this process is the one that writes."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def first_alone() -> Iterator[None]:
    """What is within is done by the first process alone, and then by the others, who find what it has left."""
    if started_together() == 1:
        yield
        return
    from accelerate import PartialState

    with PartialState(cpu=not torch.accelerator.is_available(), timeout=PATIENCE).main_process_first():
        yield


def together() -> int:
    """How many processes work together now; 1 before they have found each other."""
    return dist.get_world_size() if dist.is_initialized() else 1


def share() -> tuple[int, int]:
    """(i, n): which of the n shares of a pass over pictures is this process's, see `labelled_batches`."""
    return (dist.get_rank(), together()) if dist.is_initialized() else (0, 1)


def gathered(value: Result) -> list[Result]:
    """What each process hands over, of the first one first; the same list in all of them.

    All of them must call it, and as often as the others; so it is with what is built on it, which cannot be nested.
    """
    values: list[Any] = [value] * together()
    if len(values) > 1:
        dist.all_gather_object(values, value)
    return values


def each(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """The results of all items in their order, in every process; each of n processes has computed every n-th.

    A result is the same to the bit as that of one process alone. All processes must be given the same items.
    """
    first, step = share()
    shares = gathered([function(item) for number, item in enumerate(items) if number % step == first])
    return [shares[number % step][number // step] for number in range(sum(map(len, shares)))]


def done_by_all(*tasks: Callable[[], Any]) -> list[Any]:
    """The results of tasks that do not wait for each other, in their order; each is done by one process."""
    return each(lambda task: task(), tasks)


def take_weights_of_first(module: nn.Module) -> None:
    """Give a module the weights and buffers, all of them contiguous, that it has in the first process."""
    if together() > 1:
        for tensor in module.state_dict().values():
            dist.broadcast(tensor, 0)


def of_all_processes(rows: Tensor) -> Tensor:
    """Rows [N, ...] of this process -> those of all, [N * processes, ...], in the same order everywhere."""
    if together() == 1:
        return rows
    rows = rows.contiguous()
    parts = [torch.empty_like(rows) for _ in range(together())]
    dist.all_gather(parts, rows)
    return torch.cat(parts)


def mean_of_all_processes(value: Tensor) -> Tensor:
    """The mean of a tensor over all processes."""
    if together() == 1:
        return value
    total = value.clone()
    dist.all_reduce(total)
    return total / together()
