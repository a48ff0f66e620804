"""Streams give the contents of the cache, in an order and with flips that the seed and the epoch decide."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader

from modeling_vae.data import collate

from .making import contents, expected, noise, png, write_folder, write_tar


def in_order(dataset) -> list[bytes]:
    return [(item["pixel_values"] * 255).round().to(torch.uint8).numpy().tobytes() for item in dataset]


def test_a_stream_equals_the_cache(load, splits):
    cached, streamed = load(splits), load(splits, streaming=True)
    assert contents(streamed.train) == contents(cached.train) == expected(range(27))
    assert contents(streamed.validation) == contents(cached.validation)
    assert streamed.report.pictures == {"train": None, "validation": 6}
    assert "train is streamed, 6 for validation" in str(streamed.report)


def test_a_share_of_a_stream_equals_that_of_the_cache(load, tmp_path):
    folder = write_folder(tmp_path / "faces", range(60))
    for fields in ({}, {"max_pictures": 40}):
        cached, streamed = (load(folder, validation=0.3, streaming=streaming, **fields) for streaming in (False, True))
        assert contents(streamed.train) == contents(cached.train)
        assert contents(streamed.validation) == contents(cached.validation)


def test_order_and_flips_depend_on_seed_and_epoch_alone(load, splits):
    settings = {"streaming": True, "augment": {"horizontal_flip": True}}
    first, second, other = (load(splits, seed=seed, **settings).train for seed in (0, 0, 1))
    orders = []
    for epoch in (0, 1, 0):
        for dataset in (first, second, other):
            dataset.set_epoch(epoch)
        orders.append(in_order(first))
        assert in_order(second) == orders[-1]
        assert in_order(other) != orders[-1]
    assert orders[0] == orders[2] != orders[1]


def test_what_a_pass_has_met_is_counted(load, splits):
    (splits / "train" / "broken.png").write_bytes(png(noise(1))[:-100])
    train = load(splits, streaming=True).train
    items = list(train)
    assert len(items) == 27
    assert (train.counts.seen, train.counts.duplicates, len(train.counts.broken)) == (31, 2, 1)
    assert "broken.png" in train.counts.broken[0].name


def test_many_broken_pictures_stop_the_stream_early(load, tmp_path):
    samples = [{"png": png(noise(seed))[: None if seed % 4 else -200]} for seed in range(200)]
    write_tar(tmp_path / "train.tar", samples)
    train = load(tmp_path / "train.tar", validation=0.2, image_column="png", streaming=True).train
    with pytest.raises(
        ValueError, match=r"of \d+ pictures are broken, more than 5%: train\[\d+\] \(train-\d+.png\) is"
    ):
        list(train)
    assert 20 <= train.counts.seen < 40


def test_nothing_left(load, tmp_path):
    for split in ("train", "validation"):
        write_folder(tmp_path / "same" / split, range(3))
    with pytest.raises(ValueError, match="No pictures are left for train; add pictures or name another split"):
        load(tmp_path / "same", streaming=True)


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    for shard in range(4):
        seeds = range(10 * shard, 10 * shard + 10)
        write_tar(tmp_path / "tars" / f"train-{shard}.tar", [{"png": png(noise(seed))} for seed in seeds])
    return tmp_path / "tars"


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_workers_share_the_files(load, shards, workers):
    data = load(shards, validation=0.2, image_column="png", streaming=True, augment={"horizontal_flip": True})
    cached = load(shards, validation=0.2, image_column="png")
    settings = {"batch_size": 8, "collate_fn": collate, "num_workers": workers, "persistent_workers": workers > 0}
    loaders = [DataLoader(data.train, **settings) for _ in range(2)]
    epochs = []
    for epoch in range(2):
        data.train.set_epoch(epoch)
        passes = [torch.cat([batch["pixel_values"] for batch in loader]) for loader in loaders]
        assert torch.equal(*passes)
        assert len(passes[0]) == len(cached.train)
        upright = {tuple(values.flatten().tolist()) for values in passes[0]}
        mirrored = {tuple(values.flip(-1).flatten().tolist()) for values in passes[0]}
        assert {tuple(item["pixel_values"].flatten().tolist()) for item in cached.train.plain()} <= upright | mirrored
        epochs.append(passes[0])
    assert not torch.equal(*epochs)


def test_it_can_be_sent_to_another_process(load, splits):
    train = load(splits, streaming=True).train
    assert in_order(pickle.loads(pickle.dumps(train))) == in_order(train)
