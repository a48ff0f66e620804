"""Streams give the contents of the cache, in an order and with flips that the seed and the pass decide."""

from __future__ import annotations

import itertools
import pickle
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader

from modeling_vae.data import collate, labelled_batches

from .making import contents, expected, noise, png, write_folder, write_tar


def in_order(items) -> list[bytes]:
    return [(item["pixel_values"] * 255).round().to(torch.uint8).numpy().tobytes() for item in items]


def first(stream, count: int, start: int = 0) -> list[bytes]:
    return in_order(itertools.islice(stream, start, count))


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


def test_order_and_flips_depend_on_seed_and_pass_alone(load, splits):
    settings = {"streaming": True, "augment": {"horizontal_flip": True}}
    one, same, other = (first(load(splits, seed=seed, **settings).train, 54) for seed in (0, 0, 1))
    assert one == same != other
    assert one[:27] != one[27:]
    unflipped = first(load(splits, streaming=True).train, 54)
    assert set(unflipped[:27]) == set(unflipped[27:]) and unflipped[:27] != unflipped[27:]


@pytest.mark.parametrize("skipped", [5, 27, 40, 60])
def test_a_stream_goes_on_where_another_was_left(load, splits, skipped):
    """Over more than two passes of 27 pictures, as a run that is resumed reads it."""
    settings = {"streaming": True, "augment": {"horizontal_flip": True}}
    never_stopped = first(load(splits, **settings).train, 70)
    assert first(load(splits, **settings).train, 70, start=skipped) == never_stopped[skipped:]


def test_a_stream_that_has_become_empty_ends_in_a_sentence(load, splits):
    train = load(splits, streaming=True).train
    for file in (splits / "train").iterdir():
        noise(102).save(file)  # a picture of validation
    with pytest.raises(ValueError, match="A pass through the stream of train found no picture among 30 rows"):
        next(iter(train))


def test_what_a_pass_has_met_is_counted(load, splits):
    (splits / "train" / "broken.png").write_bytes(png(noise(1))[:-100])
    train = load(splits, streaming=True).train
    items = list(train.prepared())
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
    settings = {"batch_size": 8, "collate_fn": collate, "num_workers": workers}
    count = len(cached.train)
    upright = {tuple(item["pixel_values"].flatten().tolist()) for item in cached.train.plain()}
    read = []
    for _ in range(2):
        batches = DataLoader(data.train, **settings)
        enough = itertools.islice(batches, 2 + 2 * count // 8)
        read.append(torch.cat([batch["pixel_values"] for batch in enough]))
    assert torch.equal(*read)
    seen = [tuple(values.flatten().tolist()) for values in read[0]]
    mirrored = [tuple(values.flip(-1).flatten().tolist()) for values in read[0]]
    assert all(a in upright or b in upright for a, b in zip(seen, mirrored, strict=True))
    if workers < 2:  # with two, one may be through with its files before the other
        assert upright <= {*seen[:count], *mirrored[:count]} and upright <= {*seen[count:], *mirrored[count:]}


def test_it_can_be_sent_to_another_process(load, splits):
    train = load(splits, streaming=True).train
    assert first(pickle.loads(pickle.dumps(train)), 30) == first(train, 30)


def test_a_worker_without_a_share_leaves_the_work_to_the_others(load, shards):
    train = load(shards / "train-1.tar", validation=0.2, image_column="png", streaming=True).train
    batches = DataLoader(train, batch_size=4, collate_fn=collate, num_workers=2)
    assert sum(len(batch["pixel_values"]) for batch in itertools.islice(batches, 6)) == 24


@pytest.mark.parametrize(("processes", "workers"), [(2, 0), (2, 2), (4, 1)])
@pytest.mark.parametrize("kind", ["tars", "folder"])
def test_every_picture_comes_once_over_processes_and_workers(load, shards, tmp_path, kind, processes, workers):
    """Each process has its share of the rows, each of its workers a part of that: together all, and none twice."""
    if kind == "tars":
        data = load(shards, validation=0.2, image_column="png", streaming=True)
    else:
        data = load(write_folder(tmp_path / "faces", range(40)), validation=0.2, streaming=True)
    whole = contents(data.train)
    read = []
    for process in range(processes):
        share = data.train.plain().of_share((process, processes))
        loader = DataLoader(share, batch_size=4, collate_fn=collate, num_workers=workers)
        read.append([picture for batch in loader for picture in pictures_of(batch["pixel_values"])])
    assert min(map(len, read)) > 0
    assert sorted(itertools.chain(*read)) == sorted(whole)


def test_shares_of_labelled_batches_are_all_rows_and_only_theirs_are_decoded(load, shards):
    train = load(shards, validation=0.2, image_column="png", streaming=True).train
    shares = [
        [p for values, _ in labelled_batches(train, 3, share=(i, 3)) for p in pictures_of(values)] for i in range(3)
    ]
    assert sorted(itertools.chain(*shares)) == sorted(contents(train))
    mine = train.plain().of_share((1, 4))
    list(mine)
    assert mine.counts.seen == 10  # of 40 rows in four files


def pictures_of(pixel_values: torch.Tensor) -> list[bytes]:
    """Each as the bytes of uint8 [H, W, C], as `contents` has them."""
    levels = (pixel_values * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
    return [picture.tobytes() for picture in levels]
