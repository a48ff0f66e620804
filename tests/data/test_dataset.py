"""Items, batches and augmentation of the cached pictures."""

from __future__ import annotations

import copy
import pickle
import time
from collections import Counter
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Subset

from modeling_vae.data import collate, labelled_batches
from modeling_vae.data.dataset import to_pixel_values
from modeling_vae.model.image_processing_image_vae import VAEImageProcessor

from .making import noise, write_folder


@pytest.fixture
def flipping(load, splits):
    """`flipping(seed)` is train with horizontal flips."""
    return lambda seed=0: load(splits, augment={"horizontal_flip": True}, seed=seed).train


def pixels(dataset) -> torch.Tensor:
    return torch.stack([item["pixel_values"] for item in dataset.__getitems__(range(len(dataset)))])


def flips(dataset) -> list[bool]:
    plain = pixels(dataset.plain())
    return [not torch.equal(a, b) for a, b in zip(pixels(dataset), plain, strict=True)]


def test_items_are_what_the_processor_gives(load, splits):
    dataset = load(splits).train
    item = dataset[4]
    assert item.keys() == {"pixel_values", "labels"}
    assert item["labels"] == {}
    processed = VAEImageProcessor(size=(12, 10))(noise(4), return_tensors="pt")["pixel_values"][0]
    assert torch.equal(item["pixel_values"], processed)
    assert torch.equal(dataset[-1]["pixel_values"], dataset[26]["pixel_values"])
    with pytest.raises(IndexError):
        dataset[27]


def test_grey_items(load, splits):
    item = load(splits, num_channels=1).train[0]["pixel_values"]
    assert torch.equal(item[0], torch.from_numpy(np.array(noise(0).convert("L"))) / 255)


def test_batches(load, splits):
    batch = collate([load(splits).train[index] for index in (3, 1)])
    assert batch.keys() == {"pixel_values"}
    assert batch["pixel_values"].shape == (2, 3, 12, 10)
    assert batch["pixel_values"].is_contiguous()


class TestAugmentation:
    def test_a_flipped_picture_is_mirrored(self, flipping):
        dataset = flipping()
        for changed, plain, flipped in zip(pixels(dataset), pixels(dataset.plain()), flips(dataset), strict=True):
            assert torch.equal(changed, plain.flip(-1) if flipped else plain)
        assert 5 < sum(flips(dataset)) < 22

    def test_it_depends_on_seed_epoch_and_index_alone(self, flipping):
        dataset, again = flipping(), flipping()
        for epoch in (0, 1, 5, 1):
            dataset.set_epoch(epoch)
            torch.manual_seed(epoch)
            np.random.seed(epoch)
            forwards = pixels(dataset)
            again.set_epoch(epoch)
            backwards = [again[index]["pixel_values"] for index in reversed(range(27))]
            assert torch.equal(forwards, torch.stack(backwards[::-1]))

    def test_epochs_and_seeds_differ(self, flipping):
        dataset = flipping(0)
        first = flips(dataset)
        dataset.set_epoch(1)
        assert flips(dataset) != first
        assert flips(flipping(1)) != first

    def test_the_global_generators_are_left_alone(self, flipping):
        before = torch.random.get_rng_state(), np.random.get_state()[1].tolist()
        pixels(flipping())
        assert torch.equal(before[0], torch.random.get_rng_state())
        assert before[1] == np.random.get_state()[1].tolist()

    def test_validation_is_never_augmented(self, load, splits):
        validation = load(splits, augment={"horizontal_flip": True}).validation
        assert not any(flips(validation))


class TestRepeats:
    @pytest.fixture
    def pets(self, tmp_path):
        rows = [f"{i:03d}.png,{('yes', 'no', '')[i % 3]},{'cat' if i % 2 else 'dog'}" for i in range(12)]
        for split, first in (("train", 0), ("validation", 50)):
            folder = write_folder(tmp_path / "pets" / split, range(first, first + 12))
            (folder / "metadata.csv").write_text("\n".join(["file_name,asleep,kind", *rows]))
        return tmp_path / "pets"

    KINDS: ClassVar = {"asleep": "boolean", "kind": "category"}

    def test_each_picture_comes_as_often_as_the_most_of_what_it_has(self, load, pets):
        repeats = {"asleep": 5, "kind:dog": 2}
        data = load(pets, self.KINDS, augment={"horizontal_flip": True, "repeats": repeats})
        labels = [item["labels"] for item in data.train.__getitems__(range(len(data.train)))]
        told = Counter((row["asleep"], row["kind"]) for row in labels)
        # of twelve pictures two have each of the six pairs
        assert told == {
            (True, "cat"): 10, (True, "dog"): 10, (False, "cat"): 2, (False, "dog"): 4, (None, "cat"): 2,
            (None, "dog"): 4,
        }  # fmt: skip
        assert len(data.train.plain()) == len(data.validation) == data.report.pictures["train"] == 12
        assert sum(len(values) for values, _ in labelled_batches(data.train, 5)) == 12

    def test_a_picture_is_mirrored_anew_each_time_that_it_comes(self, load, pets):
        train = load(pets, self.KINDS, augment={"horizontal_flip": True, "repeats": {"asleep": 40}}).train
        first = [item["pixel_values"] for item in train.__getitems__(range(40))]
        assert all(torch.equal(a, first[0]) or torch.equal(a, first[0].flip(2)) for a in first)
        assert 10 < sum(torch.equal(a, first[0]) for a in first) < 30

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("kind", "kind is category, and 'kind' is neither"),
            ("asleep:true", "asleep is boolean, and 'asleep:true' is neither"),
            ("kind:cow", "no training picture has 'kind:cow'"),
        ],
    )
    def test_what_no_picture_can_have_is_refused(self, load, pets, name, words):
        with pytest.raises(ValueError, match=words):
            load(pets, self.KINDS, augment={"repeats": {name: 2}})

    def test_of_a_column_that_is_not_there_nothing_comes(self, load, pets, caplog):
        data = load(pets, self.KINDS, augment={"repeats": {"awake": 2, "asleep": 2}})
        assert len(data.train) == 16 and "nothing is known of awake here" in caplog.text

    def test_a_stream_knows_its_labels_too_late(self, load, pets):
        with pytest.raises(ValueError, match="not for a stream"):
            load(pets, self.KINDS, streaming=True, augment={"repeats": {"asleep": 2}})


@pytest.mark.parametrize("workers", [0, 2])
def test_workers_see_the_same_pictures_in_every_epoch(flipping, workers):
    dataset = flipping()
    loader = DataLoader(dataset, batch_size=4, collate_fn=collate, num_workers=workers, persistent_workers=workers > 0)
    for epoch in range(3):
        dataset.set_epoch(epoch)
        loaded = torch.cat([batch["pixel_values"] for batch in loader])
        assert torch.equal(loaded, pixels(dataset))


def test_it_can_be_sent_to_another_process(flipping):
    dataset = flipping()
    pixels(dataset)
    sent = pickle.dumps(dataset)
    assert len(sent) < 3000, "the pictures stay in their file"
    assert torch.equal(pixels(pickle.loads(sent)), pixels(dataset))
    assert torch.equal(pixels(copy.deepcopy(dataset)), pixels(dataset))


class TestLabelledBatches:
    def test_in_order_without_augmentation(self, load, tmp_path):
        for kind in ("cat", "dog"):
            write_folder(tmp_path / "pets" / "train" / kind, range(5) if kind == "cat" else range(10, 16))
            write_folder(tmp_path / "pets" / "validation" / kind, range(50, 52) if kind == "cat" else range(60, 61))
        data = load(tmp_path / "pets", {"label": "category"}, augment={"horizontal_flip": True})
        batches = list(labelled_batches(data.train, 4))
        assert [len(values) for values, _ in batches] == [4, 4, 3]
        assert torch.equal(torch.cat([values for values, _ in batches]), pixels(data.train.plain()))
        assert sum((labels["label"] for _, labels in batches), []) == ["cat"] * 5 + ["dog"] * 6

    def test_a_few_of_many_are_drawn_from_all_classes_and_always_the_same(self, load, tmp_path):
        for kind in ("cat", "dog"):
            first = 0 if kind == "cat" else 50
            write_folder(tmp_path / "pets" / "train" / kind, range(first, first + 30))
            write_folder(tmp_path / "pets" / "validation" / kind, range(first + 40, first + 41))
        train = load(tmp_path / "pets", {"label": "category"}).train
        values, labels = zip(*labelled_batches(train, 4, 10), strict=True)
        assert [len(batch) for batch in values] == [4, 4, 2]
        drawn = [kind for batch in labels for kind in batch["label"]]
        assert 2 <= drawn.count("dog") <= 8 and drawn == sorted(drawn)  # in the order in which they lie
        again = torch.cat([batch for batch, _ in labelled_batches(Subset(train, range(len(train))), 10, 10)])
        assert torch.equal(torch.cat(values), again)
        assert len(again.flatten(1).unique(dim=0)) == 10
        whole = torch.cat([batch for batch, _ in labelled_batches(train, 16, 100)])
        assert torch.equal(whole, pixels(train))

    def test_any_map_style_dataset_will_do(self, load, splits):
        train = load(splits).train
        values, labels = next(labelled_batches(Subset(train, [5, 2]), 8))
        assert torch.equal(values, pixels(train)[[5, 2]])
        assert labels == {}

    @pytest.mark.parametrize("count", [1, 2, 3, 8])
    def test_shares_are_whole_batches_and_together_all(self, load, splits, count):
        train = load(splits).train
        whole = [values for values, _ in labelled_batches(train, 4)]
        shares = [[values for values, _ in labelled_batches(train, 4, share=(i, count))] for i in range(count)]
        assert sum(map(len, shares)) == len(whole) == 7
        assert all(torch.equal(shares[k % count][k // count], batch) for k, batch in enumerate(whole))

    def test_an_impossible_share(self, load, splits):
        with pytest.raises(ValueError, match="share is \\(2, 2\\); the first of n shares is"):
            next(labelled_batches(load(splits).train, 4, share=(2, 2)))

    def test_impossible_batch_size(self, load, splits):
        with pytest.raises(ValueError, match="batch_size is 0; set a whole number of at least 1."):
            next(labelled_batches(load(splits).train, 0))


def test_a_batch_takes_little_more_than_its_conversion(load, tmp_path):
    """64 pictures of 64 x 64, flipped, against a bare conversion of as many: the least work of 20 each, in turns.

    Work is CPU time, which what else the machine does has little part in.
    """
    data = load(
        write_folder(tmp_path / "few", range(80)),
        validation=0.1,
        image_size=(64, 64),
        augment={"horizontal_flip": True},
    )
    indices = np.random.default_rng(0).integers(0, len(data.train), (20, 64))
    bare = np.zeros((64, 64, 64, 3), np.uint8)
    took, bare_took = [], []
    for batch in indices:
        started = time.process_time()
        collate(data.train.__getitems__(batch.tolist()))
        took.append(time.process_time() - started)
        started = time.process_time()
        to_pixel_values(bare)
        bare_took.append(time.process_time() - started)
    assert min(took) < 12 * min(bare_took)
