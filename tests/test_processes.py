"""What several processes share out, each of them gets the whole of."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as multiprocessing

from modeling_vae.evaluation.nearest import nearest_pictures
from modeling_vae.processes import done_by_all, each, gathered, share, take_weights_of_first


def pictures(count: int, seed: int) -> torch.Tensor:
    return torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(seed))


def nearest() -> list[int]:
    """Of 11 pictures in batches of 2, where the first comes again as the last."""
    known = pictures(10, 0)
    batches = torch.cat([known, known[:1]]).split(2)
    return nearest_pictures(torch.cat([known[[0, 7, 4]], pictures(3, 1)]), batches).index.tolist()


def work(rank: int, count: int, folder: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=count)
    layer = torch.nn.BatchNorm1d(2)
    torch.nn.init.constant_(layer.weight, rank)
    layer.num_batches_tracked.fill_(rank + 5)
    take_weights_of_first(layer)
    done: list[int] = []
    found = {
        "share": share(),
        "gathered": gathered(rank),
        "each": each(lambda item: (done.append(item), item * item)[1], range(5)),
        "none": each(str, []),
        "done": done,
        "tasks": done_by_all(lambda: "judge", lambda: None, lambda: torch.ones(2)),
        "nearest": nearest(),
        "weights": (layer.weight.tolist(), int(layer.num_batches_tracked)),
    }
    torch.save(found, Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """What each of two processes got."""
    folder = tmp_path_factory.mktemp("two")
    multiprocessing.start_processes(work, (2, str(folder)), nprocs=2, start_method="fork")
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]


def test_one_process_does_all():
    assert share() == (0, 1) and gathered("all") == ["all"]
    assert each(lambda item: item * item, range(5)) == [0, 1, 4, 9, 16]
    assert done_by_all(lambda: 1, lambda: 2) == [1, 2]


def test_each_item_is_computed_once_and_known_to_all(two):
    assert [found["share"] for found in two] == [(0, 2), (1, 2)]
    assert [found["done"] for found in two] == [[0, 2, 4], [1, 3]]
    for found in two:
        assert found["gathered"] == [0, 1] and found["each"] == [0, 1, 4, 9, 16] and found["none"] == []
        assert found["tasks"][:2] == ["judge", None] and torch.equal(found["tasks"][2], torch.ones(2))


def test_all_take_the_first_ones_weights(two):
    assert [found["weights"] for found in two] == [([0.0, 0.0], 5)] * 2


def test_the_nearest_picture_is_that_of_one_process(two):
    assert nearest()[:3] == [0, 7, 4]  # of equals the first
    assert [found["nearest"] for found in two] == [nearest()] * 2
