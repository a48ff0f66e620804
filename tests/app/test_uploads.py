"""Visitors' photos: read once, kept to themselves, and refused in a sentence where they are none."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image

from app.uploads import OWN_PIXELS, Uploads, decoded
from modeling_vae import to_picture
from modeling_vae.model.picture_colours import _matrix_profile

P3 = _matrix_profile((0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060), None)


def bomb(width: int) -> bytes:
    """A PNG whose header promises width x width pixels."""
    buffer = io.BytesIO()
    Image.new("L", (1, 1)).save(buffer, "PNG")
    data = bytearray(buffer.getvalue())
    data[16:24] = width.to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("empty.png", b"", "is empty"),
        ("note.png", b"these are words", "not a picture"),
        ("page.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "not a picture"),
        ("bomb.png", bomb(60_000), "too many pixels|more than"),
    ],
)
def test_what_is_no_picture(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    uploads = Uploads()
    with pytest.raises(ValueError, match=message):
        uploads.add(tmp_path / name)
    assert len(uploads) == 0


def test_truncated_and_oversized_uploads(photo, tmp_path, monkeypatch):
    (tmp_path / "cut.jpg").write_bytes(photo.read_bytes()[:2000])
    with pytest.raises(ValueError, match="truncated or damaged"):
        Uploads().add(tmp_path / "cut.jpg")
    monkeypatch.setattr("app.uploads.MAX_UPLOAD_BYTES", 1000)
    with pytest.raises(ValueError, match="larger than"):
        Uploads().add(photo)


def test_a_photo_has_a_name_that_nobody_can_guess(photo):
    uploads = Uploads()
    first, second = uploads.add(photo), uploads.add(photo)
    assert first != second and len(first) >= 20
    assert uploads.photo(first).size == (240, 180)
    with pytest.raises(ValueError, match="no longer here"):
        uploads.photo(first[:-1])


def test_the_oldest_names_are_forgotten(photo):
    uploads = Uploads(most=2)
    names = [uploads.add(photo) for _ in range(3)]
    assert len(uploads) == 2
    with pytest.raises(ValueError, match="upload it again"):
        uploads.path(names[0])


def test_a_photo_that_has_been_cleaned_away(photo):
    uploads = Uploads()
    name = uploads.add(photo)
    photo.unlink()
    with pytest.raises(ValueError, match="upload it again"):
        uploads.path(name)


def test_a_large_photo_is_kept_smaller():
    file = io.BytesIO()
    Image.new("RGB", (9000, 7000), (40, 90, 160)).save(file, "JPEG")
    kept = decoded(file.getvalue(), "a.jpg")
    assert kept.width * kept.height <= OWN_PIXELS and abs(kept.width / kept.height - 9 / 7) < 0.01
    file = io.BytesIO()
    Image.new("L", (9000, 7000)).save(file, "PNG")
    with pytest.raises(ValueError, match="63,?000,?000|9000 x 7000"):
        decoded(file.getvalue(), "a.png")


@pytest.mark.parametrize(
    ("kind", "size"),
    [("HEIF", (64, 64)), ("JPEG", (64, 64)), ("JPEG", (9000, 7000)), ("PNG", (64, 64)), ("TIFF", (64, 64))],
)
def test_an_upload_keeps_its_profile_and_is_seen_as_that_says(kind, size):
    """A large JPEG too, which is decoded at a part of its size."""
    pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    Image.new("RGB", size, (222, 170, 140)).save(file, kind, icc_profile=P3, quality=95)
    kept = decoded(file.getvalue(), "IMG_0001.HEIC")
    assert kept.info["icc_profile"] == P3
    assert np.abs(np.asarray(kept)[5, 5].astype(int) - (222, 170, 140)).max() <= 3
    assert np.abs(np.asarray(to_picture(kept))[5, 5].astype(int) - (232, 167, 135)).max() <= 3


def test_uploads_of_every_kind(tmp_path):
    grey = Image.fromarray(np.full((40, 60), 90, np.uint8))
    kinds = {
        "one.png": Image.new("RGB", (1, 1), "red"),
        "palette.gif": grey.convert("P"),
        "alpha.png": Image.new("RGBA", (50, 40), (255, 0, 0, 90)),
        "cmyk.jpg": grey.convert("CMYK"),
        "deep.png": Image.fromarray(np.full((30, 30), 40000, np.uint16)),
    }
    uploads = Uploads()
    for name, picture in kinds.items():
        picture.save(tmp_path / name)
        assert uploads.photo(uploads.add(tmp_path / name)).size == picture.size
