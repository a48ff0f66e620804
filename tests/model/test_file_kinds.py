"""What cannot be read is called what it is, with a remedy; what phones make is read."""

from __future__ import annotations

import io
import re
import zipfile

import numpy as np
import pytest
from PIL import Image

import modeling_vae  # noqa: F401  # which registers the reader of HEIC
from modeling_vae.model.image_processing_image_vae import to_picture


def zipped() -> bytes:
    """An archive of one empty file, without the hour of its making: the test's name is made of these bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a.png"), b"")
    return file.getvalue()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")  # Pillow's, of a raw file that begins as TIFF
@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\xff\x0a\xfa\x1f\x41", "is a JPEG XL picture; convert it to JPEG or PNG."),
        (b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl ", "is a JPEG XL picture; convert it to JPEG or PNG."),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "is a QuickTime film, not a picture; take a still picture from it"),
        (b"\0\0\0\x18ftypisom\0\0\2\0isomiso2", "is an MP4 film or recording, not a picture; take a still picture"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\1", "is a Matroska or WebM film, not a picture; take a still"),
        (b"RIFF\x24\0\0\0AVI LIST", "is an AVI film, not a picture; take a still"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is an SVG drawing, not a picture; export it as PNG."),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a -->\n<!DOCTYPE svg>\n<svg/>", "is an SVG drawing, not a picture"),
        (b"<!DOCTYPE html><html>404</html>", "is a web page, not a picture; download the picture itself."),
        (zipped(), "is a ZIP archive, or an office document, not a picture; unpack it and give the pictures in it."),
        (b"Rar!\x1a\7\1\0", "is a RAR archive, not a picture; unpack it"),
        (b"%PDF-1.7\n%\xe2\xe3", "is a PDF document, not a picture; export its page or its picture as JPEG or PNG."),
        (b"8BPS\0\1\0\0", "is a Photoshop file, not a picture; export it as JPEG or PNG."),
        (b"\0\0\0\x18ftypcrx \0\0\0\1", "is a camera's raw file, not a picture; develop it to JPEG."),
        (b"II*\0\x10\0\0\0CR\2\0", "is a TIFF picture, or a camera's raw file that is damaged"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a pointer of Git LFS in the place of the"),
        (b"\0\5\x16\7\0\2\0\0Mac OS X", "is what macOS keeps beside a file, not a picture; give the file whose name"),
        (b"file_name,age\na.png,3\n", "is a text file, not a picture; give a picture file."),
        ("Grüße".encode("utf-16"), "is a text file, not a picture; give a picture file."),
        (bytes(range(256)), "is not a picture, or is cut off within its header; give a whole picture file."),
        (b"\x89PNG\r\n", "is a PNG picture that is damaged, or cut off within its header; give the whole file."),
        (
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
            "is a HEIC picture that is damaged, or cut off within its header; give",
        ),
    ],
    ids=lambda value: value[:24] if isinstance(value, bytes) else "",
)
def test_it_is_called_what_it_is(data, sentence):
    with pytest.raises(ValueError, match="^The picture given " + re.escape(sentence)):
        to_picture(data)


def two_halves() -> Image.Image:
    """64 x 32, red on the left and blue on the right."""
    picture = Image.new("RGB", (64, 32), (200, 40, 40))
    picture.paste((40, 40, 200), (32, 0, 64, 32))
    return picture


def encoded(kind: str, orientation: int = 1) -> bytes:
    pytest.importorskip("pillow_heif")
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    two_halves().save(file, kind, quality=90, exif=exif.tobytes())  # of HEIC, bytes become its own turn as well
    return file.getvalue()


def heic() -> bytes:
    return encoded("HEIF")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_heic_is_read_upright(tmp_path, orientation):
    """A HEIC says twice how it lies, and its reader turns it already; a second turn would lay it down again."""
    (tmp_path / "IMG_0001.HEIC").write_bytes(encoded("HEIF", orientation))
    upright, expected = to_picture(tmp_path / "IMG_0001.HEIC"), to_picture(encoded("PNG", orientation))
    assert upright.mode == "RGB" and upright.size == expected.size
    assert np.abs(np.asarray(upright).astype(int) - np.asarray(expected)).mean() < 3


def test_heic_without_its_reader_is_a_sentence(monkeypatch):
    data = heic()
    Image.init()
    monkeypatch.delitem(Image.OPEN, "HEIF")
    with pytest.raises(ValueError, match="is a HEIC picture, for which the reader is missing; .* pillow-heif"):
        to_picture(data)


def test_half_a_heic_is_damaged():
    data = heic()
    with pytest.raises(ValueError, match="^The picture given is (truncated or damaged|a HEIC picture that is)"):
        to_picture(data[: len(data) // 2])
