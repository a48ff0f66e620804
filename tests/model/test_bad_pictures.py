"""A bad picture gives one sentence, whatever is wrong with it."""

from __future__ import annotations

import os
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from picture_files import encoded
from PIL import Image

from modeling_vae.model.image_processing_image_vae import MAX_PIXELS, to_picture


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(64))) + chunk(b"IEND", b"")


class TestBadPictures:
    """Nothing but ValueError comes out, and its sentence names the picture."""

    @pytest.mark.parametrize(
        ("source", "message"),
        [
            (
                b"GIF is what I am not",
                "The picture given is a text file, not a picture; give a picture file. What can be read is PNG, JPEG",
            ),
            (b"", "The picture given is empty (0 bytes); give a picture file in PNG, JPEG"),
            (
                b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
                "The picture given is a PostScript file, not a picture; export",
            ),
            (None, "The picture is a NoneType, which cannot be read as a picture; give a path"),
            (torch.zeros(3, 8, 8), "The picture is a Tensor, which cannot be read as a picture; give a path"),
            (np.zeros((4, 4, 3)), "The array is of type float64, but pictures as arrays are uint8; multiply values"),
            (np.zeros((4, 4), np.uint16), "The array is of type uint16, but pictures as arrays are uint8; scale"),
            (np.zeros((3, 8, 8), np.uint8), "The array has the shape [3, 8, 8], but a picture is [H, W]"),
            (np.zeros((1, 8, 8, 3), np.uint8), "The array has the shape [1, 8, 8, 3], but a picture is [H, W]"),
            (np.zeros((0, 8, 3), np.uint8), "The array is empty (shape [0, 8, 3]); give a picture of at least 1 x 1"),
            (Image.new("RGB", (0, 4)), "The PIL picture is empty (0 x 4 pixels); give a picture of at least 1 x 1"),
            (Image.new("F", (2, 2)), "The PIL picture holds floating-point grey values; save it with 8 or 16 bits"),
            (
                Image.new("I", (2, 2), 70000),
                "The PIL picture holds grey values from 70000 to 70000, but 16-bit grey ends",
            ),
            (Image.new("La", (2, 2)), "The PIL picture has the colour mode La, which cannot be turned into RGB"),
            ("no/such/cat.png", "'cat.png' does not exist; give the path of a picture file."),
            ("https://example.org/cat.png", "'cat.png' is a web address; download the picture and give the path"),
            ("cat\0.png", "cannot be read (embedded null byte); give the path of a readable picture file."),
        ],
    )
    def test_message(self, source, message):
        with pytest.raises(ValueError, match=re.escape(message)):
            to_picture(source)

    def test_a_folder(self, tmp_path):
        with pytest.raises(ValueError, match=r"'cats' cannot be read \(Is a directory\)"):
            (tmp_path / "cats").mkdir()
            to_picture(tmp_path / "cats")

    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "GIF", "WEBP"])
    def test_truncated(self, kind, tmp_path):
        noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
        data = encoded(noise, kind)
        (tmp_path / "half.img").write_bytes(data[: len(data) // 2])
        with pytest.raises(
            ValueError, match="^'half.img' is (truncated or damaged|a [A-Za-z]+ picture that is damaged)"
        ):
            to_picture(tmp_path / "half.img")

    @pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
    @pytest.mark.parametrize("side", [10_000, 20_000, 2**31 - 1])
    def test_decompression_bomb(self, side):
        with pytest.raises(ValueError, match=r"^The picture given has (10000 x 10000|too many) pixels.*scale it down"):
            to_picture(png_header(side, side))

    def test_the_header_is_checked_before_decoding(self):
        """The pixels of this file are missing: had it been decoded, the message would be another."""
        with pytest.raises(ValueError, match="has 8000 x 8000 pixels, more than the 1,000,000 allowed"):
            to_picture(png_header(8000, 8000), max_pixels=1_000_000)

    def test_the_limit_is_inclusive_and_of_this_call_alone(self):
        limit = Image.MAX_IMAGE_PIXELS
        picture = Image.new("RGB", (4, 4))
        assert to_picture(picture, max_pixels=16).size == (4, 4)
        with pytest.raises(ValueError, match="4 x 4 pixels, more than the 15 allowed"):
            to_picture(picture, max_pixels=15)
        assert limit == Image.MAX_IMAGE_PIXELS == MAX_PIXELS

    def test_a_name_given_is_used(self):
        with pytest.raises(ValueError, match=r"^train\[3\] is a text file, not a picture"):
            to_picture(b"?", name="train[3]")

    @pytest.mark.filterwarnings("ignore::UserWarning:PIL")
    def test_damaged_files_raise_nothing_else(self, noise):
        generator = np.random.default_rng(0)
        for kind in ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"):
            data = encoded(noise, kind)
            for _ in range(60):
                damaged = np.frombuffer(data, np.uint8).copy()
                places = generator.integers(0, len(data), 4)
                damaged[places] = generator.integers(0, 256, 4)
                try:
                    assert to_picture(damaged.tobytes(), max_pixels=10**6).mode == "RGB"
                except ValueError as error:
                    assert str(error).startswith("The picture given ")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
@pytest.mark.timeout(30)
@pytest.mark.parametrize("kind", ["pipe", "zeros", "link to zeros"])
def test_what_never_ends_is_not_begun(tmp_path, kind):
    path = Path("/dev/zero") if kind == "zeros" else tmp_path / "a.png"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link to zeros":
        path.symlink_to("/dev/zero")
    with pytest.raises(ValueError, match=rf"'{path.name}' cannot be read \(it is a pipe or a device\); give the path"):
        to_picture(path)


def test_what_is_larger_than_any_picture_is_not_read(tmp_path):
    with open(tmp_path / "film.png", "wb") as file:
        file.truncate(10**12)  # a hole, which takes no room
    with pytest.raises(ValueError, match=r"'film.png' cannot be read \(it has 1,000,000,000,000 bytes, more than any"):
        to_picture(tmp_path / "film.png")
