"""Only what was uploaded is taken for an upload; pictures are named by what is in them."""

import os
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image

from app.files import cached, commented, file_name, picture_bytes, recipe_of, shown_file, upload_path
from modeling_vae import Animation


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


def test_equal_pictures_are_one_file(cache):
    red, again, blue = (shown_file(Image.new("RGB", (4, 4), colour)) for colour in ("red", "red", "blue"))
    assert red == again != blue and Path(red["path"]).is_relative_to(cache)
    np.testing.assert_array_equal(np.asarray(Image.open(blue["path"])), np.asarray(Image.new("RGB", (4, 4), "blue")))


def test_a_file_that_is_there_is_not_written_again_but_is_new(cache):
    """The server says its length, and then reads it; and the cache deletes what is old."""
    path = Path(cached(b"x" * 100_000, "x.bin"))
    os.utime(path, (0, 0))
    before = path.stat()
    with open(path, "rb") as reading:
        reading.read(10)
        assert cached(b"x" * 100_000, "x.bin") == str(path)
        assert len(reading.read()) == 99_990
    now = path.stat()
    assert now.st_ino == before.st_ino and now.st_mtime > before.st_mtime and now.st_ctime_ns > before.st_ctime_ns
    assert [file.name for file in path.parent.iterdir()] == ["x.bin"]


def test_a_file_is_never_seen_before_it_is_whole(cache, monkeypatch):
    """Its name comes last."""
    write, seen = Path.write_bytes, []

    def half(path: Path, data: bytes) -> int:
        seen.append([file.name for file in cache.rglob("x.bin")])
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", half)
    assert Path(cached(b"x", "x.bin")).read_bytes() == b"x" and seen == [[]]


def test_large_pictures_are_shown_as_jpeg(cache):
    assert Path(shown_file(Image.new("RGB", (800, 600)))["path"]).suffix == ".jpg"
    assert Path(shown_file(Image.new("RGBA", (800, 600)))["path"]).suffix == ".png"


def test_a_file_keeps_its_bytes_and_its_name(cache):
    file = Path(cached(b"GIF89a...", "morph.gif"))
    assert file.name == "morph.gif" and file.read_bytes() == b"GIF89a..." and file.is_relative_to(cache)


def test_a_picture_says_how_it_was_made(tmp_path):
    (tmp_path / "a.png").write_bytes(picture_bytes(Image.new("RGB", (4, 4)), "the recipe"))
    assert recipe_of(tmp_path / "a.png") == "the recipe"
    (tmp_path / "b.png").write_bytes(picture_bytes(Image.new("RGB", (4, 4))))
    (tmp_path / "c.png").write_bytes(b"words")
    assert recipe_of(tmp_path / "b.png") is None and recipe_of(tmp_path / "c.png") is None


def test_names_of_downloads():
    assert file_name("cat", "seed 2", "coat:black_and_white+2.0") == "cat_seed-2_coat-black-and-white+2-0"
    assert file_name("../..", "<b>") == "b" and file_name("") == "picture"


def test_an_upload(cache):
    (cache / "a").mkdir()
    (cache / "a" / "cat.png").touch()
    assert upload_path({"path": str(cache / "a" / "cat.png")}) == str(cache / "a" / "cat.png")


@pytest.mark.parametrize("upload", [None, {}, {"path": None}, {"path": ""}])
def test_no_upload(upload):
    with pytest.raises(ValueError, match="No picture came"):
        upload_path(upload)


@pytest.mark.parametrize("path", ["/etc/hostname", "{cache}/../secret.png", "http://localhost/cat.png", "{cache}-not"])
def test_what_lies_elsewhere(cache, path):
    with pytest.raises(ValueError, match="not uploaded here"):
        upload_path({"path": path.format(cache=cache)})


def test_a_link_out_of_the_cache(cache, tmp_path):
    (tmp_path / "secret.png").touch()
    (cache / "cat.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(ValueError, match="not uploaded here"):
        upload_path({"path": str(cache / "cat.png")})


@pytest.mark.parametrize("text", ["{}", "x" * 255, "y" * 700 + "\u00e9"])
def test_a_gif_says_how_it_was_made_and_shows_what_it_showed(text, tmp_path):
    film = Animation([Image.new("RGB", (9, 8), colour) for colour in ("red", "blue", "green")])
    plain = film.to_bytes("gif", seconds=0.6)
    (tmp_path / "a.gif").write_bytes(commented(plain, text))
    assert recipe_of(tmp_path / "a.gif") == text
    frames = [iio.imread(data, index=None, extension=".gif") for data in (plain, (tmp_path / "a.gif").read_bytes())]
    assert (frames[0] == frames[1]).all() and len(frames[0]) == 3
    (tmp_path / "b.gif").write_bytes(plain)
    assert recipe_of(tmp_path / "b.gif") is None
