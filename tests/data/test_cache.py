"""One pass: duplicates, broken pictures, shares, and a cache that is there whole or not at all."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal

import numpy as np
import pytest
from patience import PATIENCE
from PIL import Image

from modeling_vae.data import cache as cache_module
from modeling_vae.data import load_data
from modeling_vae.recipes.recipe import DataRecipe

from .making import contents, expected, noise, png, write_folder


def test_duplicates_are_dropped_across_splits_and_validation_keeps_its_own(load, splits):
    data = load(splits)
    assert contents(data.train) == expected(range(27))
    assert contents(data.validation) == expected(range(100, 106))
    assert data.report.pictures == {"train": 27, "validation": 6}
    assert data.report.duplicates == 3
    assert data.report.broken == ()


def test_a_duplicate_has_the_same_decoded_pixels_not_the_same_size_of_bytes(load, tmp_path):
    """6 x 4 and 4 x 6 pixels of one colour have equal bytes, but are two pictures."""
    folder = write_folder(tmp_path / "few", range(4))
    Image.new("RGB", (6, 4)).save(folder / "a.png")
    Image.new("RGB", (4, 6)).save(folder / "b.png")
    Image.new("L", (4, 6)).save(folder / "c.png")
    report = load(folder, validation=0.3).report
    assert report.duplicates == 1
    assert sum(report.pictures.values()) == 6


def break_some(folder, count):
    for number in range(count):
        (folder / f"broken-{number}.png").write_bytes(png(noise(number))[:-200])


def test_broken_pictures_are_skipped_counted_and_named(load, tmp_path):
    folder = write_folder(tmp_path / "faces", range(40))
    break_some(folder, 2)
    data = load(folder, validation=0.2)
    assert {**contents(data.train), **contents(data.validation)} == expected(range(40))
    assert data.report.broken == ("train[40] (broken-0.png)", "train[41] (broken-1.png)")
    assert str(data.report).endswith("2 broken and skipped: train[40] (broken-0.png), train[41] (broken-1.png).")
    assert str(tmp_path) not in str(data.report)


def test_more_than_five_percent_broken_stop_the_run(load, tmp_path):
    folder = write_folder(tmp_path / "faces", range(40))
    break_some(folder, 3)
    message = (
        r"^3 of 43 pictures are broken, more than 5%: train\[40\] \(broken-0.png\) is truncated or damaged .*Repair"
    )
    with pytest.raises(ValueError, match=message):
        load(folder, validation=0.2)
    assert not list((tmp_path / "cache").glob("*/")), "nothing is left behind"


def test_exactly_five_percent_are_borne(load, tmp_path):
    folder = write_folder(tmp_path / "faces", range(38))
    break_some(folder, 2)
    assert len(load(folder, validation=0.2).report.broken) == 2


def test_nothing_left(load, tmp_path):
    folder = tmp_path / "same"
    for split in ("train", "validation"):
        write_folder(folder / split, range(3))
    with pytest.raises(
        ValueError, match=r"No pictures are left for train out of 6 read \(3 of them duplicates, 0 broken\)"
    ):
        load(folder)


def test_null_pictures_are_broken(load, tmp_path):
    import datasets

    rows = {"image": [{"bytes": png(noise(seed)), "path": None} for seed in range(30)] + [None]}
    features = datasets.Features({"image": datasets.Image()})
    datasets.Dataset.from_dict(rows, features=features).to_parquet(str(tmp_path / "train.parquet"))
    data = load(tmp_path / "train.parquet", validation=0.2)
    assert data.report.broken == ("train[30]",)


class TestShare:
    def test_it_is_stable_when_the_data_grow(self, load, tmp_path):
        few = load(write_folder(tmp_path / "few", range(100)), validation=0.3)
        many = load(write_folder(tmp_path / "many", range(150)), validation=0.3)
        assert 20 <= len(few.validation) <= 40
        assert contents(few.validation).items() <= contents(many.validation).items()
        assert contents(few.train).items() <= contents(many.train).items()

    def test_each_side_gets_at_least_one(self, load, tmp_path):
        folder = write_folder(tmp_path / "few", range(4))
        assert load(folder, validation=0.001).report.pictures == {"train": 3, "validation": 1}
        assert load(folder, validation=0.999).report.pictures == {"train": 1, "validation": 3}

    def test_one_picture_cannot_be_shared(self, load, tmp_path):
        with pytest.raises(ValueError, match="No pictures are left for train out of 1 read"):
            load(write_folder(tmp_path / "one", range(1)), validation=0.5)


def test_max_pictures(load, splits):
    data = load(splits, max_pictures=5)
    assert contents(data.train) == expected(range(5))
    assert contents(data.validation) == expected(range(100, 105))


class TestReuse:
    def test_the_second_run_opens_the_same_cache(self, load, splits, monkeypatch):
        first = load(splits)
        monkeypatch.setattr(cache_module, "_build", None)  # would be called in vain
        second = load(splits)
        assert (first.report.from_cache, second.report.from_cache) == (False, True)
        assert contents(second.train) == contents(first.train)
        assert second.report.pictures == first.report.pictures
        assert second.report.duplicates == first.report.duplicates

    def test_what_changes_the_pictures_makes_a_new_cache(self, load, splits):
        load(splits)
        assert load(splits, augment={"horizontal_flip": True}, seed=7).report.from_cache
        for change in ({"image_size": (6, 5)}, {"num_channels": 1}, {"crop": "none"}, {"max_pictures": 9}):
            assert not load(splits, **change).report.from_cache, change
        noise(500).save(splits / "train" / "new.png")
        again = load(splits)
        assert not again.report.from_cache
        assert again.report.pictures["train"] == 28

    def test_a_damaged_cache_is_built_anew(self, load, splits, tmp_path, caplog):
        load(splits)
        (pixels,) = (tmp_path / "cache").glob("*/pixels.bin")
        os.truncate(pixels, 100)
        data = load(splits)
        assert not data.report.from_cache
        assert "is damaged; it is built anew" in caplog.text
        assert contents(data.train) == expected(range(27))

    def test_the_default_folder_is_beside_the_other_caches(self, splits, tmp_path, monkeypatch):
        from huggingface_hub import constants

        monkeypatch.setattr(constants, "HF_HOME", str(tmp_path / "home"))
        load_data(DataRecipe(path=str(splits)), image_size=(4, 4), num_channels=3, attributes={})
        assert list((tmp_path / "home" / "modeling_vae").glob("*/manifest.json"))


def _build_half(path, folder, stalled):
    """Reads a few pictures and goes no further."""
    prepare_all = cache_module.prepare_all

    def halting(*arguments):
        for number, result in enumerate(prepare_all(*arguments)):
            if number == 3:
                stalled.set()
                signal.pause()
            yield result

    cache_module.prepare_all = halting
    load_data(DataRecipe(path=path), image_size=(12, 10), num_channels=3, attributes={}, cache_dir=folder)


def test_a_run_killed_half_way_leaves_nothing_to_the_next(load, splits, tmp_path):
    fork = multiprocessing.get_context("fork")
    stalled = fork.Event()
    child = fork.Process(target=_build_half, args=(str(splits), tmp_path / "cache", stalled))
    child.start()
    assert stalled.wait(PATIENCE)
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert list((tmp_path / "cache").glob("*.partial/pixels.bin")), "it was killed half way"
    data = load(splits, image_size=(6, 5))
    assert not data.report.from_cache
    assert not list((tmp_path / "cache").glob("*.partial"))
    assert contents(load(splits).train) == expected(range(27))


def test_an_interrupted_run_cleans_up(load, splits, tmp_path, monkeypatch):
    prepare_all = cache_module.prepare_all

    def interrupted(*arguments):
        for number, result in enumerate(prepare_all(*arguments)):
            if number == 3:
                raise KeyboardInterrupt
            yield result

    monkeypatch.setattr(cache_module, "prepare_all", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load(splits)
    assert not list((tmp_path / "cache").glob("*/"))


def _load_with_small_files(path, folder, answer):
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
    try:
        load_data(DataRecipe(path=path), image_size=(12, 10), num_channels=3, attributes={}, cache_dir=folder)
    except OSError as error:
        answer.send((error.errno, str(error)))


def test_a_full_disk(splits, tmp_path):
    """The operating system refuses files of more than 5,000 bytes; the pictures are 360 bytes each."""
    here, there = multiprocessing.Pipe()
    arguments = (str(splits), tmp_path / "cache", there)
    child = multiprocessing.get_context("fork").Process(target=_load_with_small_files, args=arguments)
    child.start()
    assert here.poll(PATIENCE)
    number, message = here.recv()
    child.join()
    assert number
    assert "cache' cannot be written (the disk is full); free some space or set HF_HOME to another folder" in message
    assert not list((tmp_path / "cache").glob("*/"))


def test_an_unwritable_cache(splits, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(
        OSError, match=r"cannot be written \(not a directory\); make it writable or set HF_HOME to another folder"
    ):
        load_data(
            DataRecipe(path=str(splits)),
            image_size=(4, 4),
            num_channels=3,
            attributes={},
            cache_dir=tmp_path / "file" / "x",
        )


def test_pictures_are_cropped_as_the_processor_crops(load, tmp_path):
    from modeling_vae.model.image_processing_image_vae import VAEImageProcessor

    (tmp_path / "odd").mkdir()
    pictures = [noise(seed, 20 + seed, 31) for seed in range(8)]
    for number, picture in enumerate(pictures):
        picture.save(tmp_path / "odd" / f"{number}.png")
    for channels, crop in ((3, "center"), (1, "none")):
        processor = VAEImageProcessor(size=(8, 6), num_channels=channels, crop=crop)
        fitted = {np.asarray(processor.fit(picture)).tobytes() for picture in pictures}
        data = load(tmp_path / "odd", validation=0.4, image_size=(8, 6), num_channels=channels, crop=crop)
        assert contents(data.train).keys() | contents(data.validation).keys() == fitted
