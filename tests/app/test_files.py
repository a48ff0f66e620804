"""Only what was uploaded is taken for an upload; pictures are named by what is in them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.files import film_file, picture_file, upload_path


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


def test_equal_pictures_are_one_file(cache):
    red, again, blue = (picture_file(Image.new("RGB", (4, 4), colour)) for colour in ("red", "red", "blue"))
    assert red == again != blue and Path(red).is_relative_to(cache)
    np.testing.assert_array_equal(np.asarray(Image.open(blue)), np.asarray(Image.new("RGB", (4, 4), "blue")))


def test_a_film_keeps_its_bytes_and_its_name(cache):
    file = Path(film_file(b"GIF89a...", "morph", "gif"))
    assert file.name == "morph.gif" and file.read_bytes() == b"GIF89a..." and file.is_relative_to(cache)


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
