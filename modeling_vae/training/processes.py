"""Several processes that train together, as torchrun and `accelerate launch` start them.

What a run writes once, its first process writes, and the others wait and read it. What terms remember of the pictures,
they remember of those of all processes, so that it is the same in each, and the same as in one process alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

PATIENCE = timedelta(hours=3)
"""How long processes wait for the first, which may have to train probes. Where one dies, the launcher ends all."""


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
    """How many processes train together now; 1 before they have found each other."""
    return dist.get_world_size() if dist.is_initialized() else 1


def of_all_processes(rows: Tensor) -> Tensor:
    """Rows [N, ...] of this process -> those of all, [N * processes, ...], in the same order everywhere."""
    if together() == 1:
        return rows
    rows = rows.contiguous()
    gathered = [torch.empty_like(rows) for _ in range(together())]
    dist.all_gather(gathered, rows)
    return torch.cat(gathered)


def mean_of_all_processes(value: Tensor) -> Tensor:
    """The mean of a tensor over all processes."""
    if together() == 1:
        return value
    total = value.clone()
    dist.all_reduce(total)
    return total / together()
