"""Colours become sRGB, by whatever a file says of them, and come back as they were where nothing was changed."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

import modeling_vae  # noqa: F401  # which registers the reader of HEIC
from modeling_vae.model.image_processing_image_vae import to_picture, upright
from modeling_vae.model.picture_colours import _matrix_profile, carried_over

D65 = (0.3127, 0.3290)
SRGB = (*D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
P3 = (*D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)
ADOBE = (*D65, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
SKIN = (222, 170, 140)


def srgb_of(colours: np.ndarray, primaries: tuple[float, ...], power: float | None) -> np.ndarray:
    """The oracle, in float64: levels 0..255 of other primaries, and a power or sRGB's curve, as levels of sRGB."""

    def matrix(xy: tuple[float, ...]) -> np.ndarray:
        white, *rest = (np.array([x / y, 1, (1 - x - y) / y]) for x, y in zip(xy[::2], xy[1::2], strict=True))
        return np.stack(rest, axis=1) * np.linalg.solve(np.stack(rest, axis=1), white)

    values = np.asarray(colours, np.float64) / 255
    linear = values**power if power else np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    linear = linear @ (np.linalg.inv(matrix(SRGB)) @ matrix(primaries)).T
    curved = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear.clip(0) ** (1 / 2.4) - 0.055)
    return 255 * curved.clip(0, 1)


def ramp(mode: str = "RGB") -> Image.Image:
    """Muted colours 18 x 12, of which none is outside sRGB in any of the spaces."""
    levels = np.random.default_rng(0).integers(90, 180, (12, 18, 4), dtype=np.uint8)
    levels[..., 3] = np.where(np.arange(18) % 3 == 0, 255, np.where(np.arange(18) % 3 == 1, 128, 0))
    return Image.fromarray(levels if mode == "RGBA" else levels[..., :3])


def encoded(picture: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunks(data: bytes, *chunks: bytes) -> bytes:
    """A PNG with chunks after its header."""
    return data[:33] + b"".join(chunks) + data[33:]


def png(depth: int, kind: int, width: int, row: bytes, *chunks: bytes) -> bytes:
    """A PNG of one row."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, 1, depth, kind, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + header
        + b"".join(chunks)
        + chunk(b"IDAT", zlib.compress(b"\0" + row))
        + chunk(b"IEND", b"")
    )


def chromaticities(primaries: tuple[float, ...]) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *(round(100_000 * value) for value in primaries)))


def profile_of(space: bytes, connection: bytes, **tags: bytes) -> bytes:
    """An ICC profile for output, of version 2."""
    white = b"XYZ " + struct.pack(">4x3i", *(round(65536 * value) for value in (0.9642, 1.0, 0.8249)))
    table, body = struct.pack(">I", len(tags) + 1), b""
    for name, data in {"wtpt": white, **tags}.items():
        table += name.encode() + struct.pack(">II", 128 + 4 + 12 * (len(tags) + 1) + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(">I4s4s4s4s4s12x4s", 0, b"", b"\2\x40\0\0", b"prtr", space, connection, b"acsp")
    header = (header.ljust(68, b"\0") + white[8:]).ljust(128, b"\0")
    return struct.pack(">I", len(header + table + body)) + header[4:] + table + body


def grey_profile(gamma: float) -> bytes:
    return profile_of(b"GRAY", b"XYZ ", kTRC=b"curv" + struct.pack(">4xIH", 1, round(256 * gamma)))


def inks_profile() -> bytes:
    """Of four inks, of which cyan alone is a middle grey, black is black, and all others are as light as paper."""
    identity = bytes(range(256))
    nodes = b""
    for number in range(16):  # cyan, magenta, yellow, black, the last the fastest
        cyan, black = number & 8, number & 1
        nodes += bytes([0 if black else 128 if cyan else 255, 128, 128])  # L*, a*, b* in 8 bits
    matrix = struct.pack(">9i", *(65536 if number % 4 == 0 else 0 for number in range(9)))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix + 4 * identity + nodes + 3 * identity
    return profile_of(b"CMYK", b"Lab ", A2B0=lut)


SPACES = [(P3, None), (P3, 2.2), (ADOBE, 563 / 256), (SRGB, 1.0), (SRGB, 1.8)]


class TestProfiles:
    def test_skin_on_a_phone(self):
        """The same numbers, by two curves that are both called Display P3."""
        for power, expected in ((None, (232, 167, 135)), (2.2, (233, 169, 136))):
            data = encoded(Image.new("RGB", (8, 8), SKIN), icc_profile=_matrix_profile(P3, power))
            assert np.abs(np.array(to_picture(data).getpixel((4, 4))) - expected).max() <= 1

    @pytest.mark.parametrize("space", SPACES, ids=str)
    @pytest.mark.parametrize(
        ("kind", "options"),
        [("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True}), ("PNG", {"compress_level": 0})],
    )
    def test_every_colour_is_that_of_the_oracle(self, space, kind, options):
        data = encoded(ramp(), kind, icc_profile=_matrix_profile(*space), **options)
        expected = srgb_of(np.asarray(ramp()), *space)
        assert np.abs(np.asarray(to_picture(data)) - expected).max() <= 1.01
        opened = Image.open(io.BytesIO(data))
        assert to_picture(opened).tobytes() == to_picture(data).tobytes()

    @pytest.mark.parametrize(
        ("kind", "options"), [("JPEG", {"quality": 100}), ("AVIF", {"quality": 100}), ("HEIF", {})]
    )
    def test_lossy_formats(self, kind, options):
        data = encoded(Image.new("RGB", (32, 32), SKIN), kind, icc_profile=_matrix_profile(P3, None), **options)
        assert np.abs(np.array(to_picture(data).getpixel((16, 16))) - (232, 167, 135)).max() <= 3

    def test_srgb_by_its_name_moves_nothing(self):
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        for own in (profile, _matrix_profile(SRGB, None)):
            assert to_picture(encoded(ramp(), icc_profile=own)).tobytes() == ramp().tobytes()

    def test_what_nobody_can_use_says_nothing(self):
        """As in browsers: damaged profiles, and profiles of another kind than the picture."""
        p3 = _matrix_profile(P3, None)
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
        for profile in (b"no profile", p3[:200], p3[:128] + bytes(len(p3) - 128), lab):
            assert to_picture(encoded(ramp(), icc_profile=profile)).tobytes() == ramp().tobytes()
        grey = ramp().convert("L")
        assert to_picture(encoded(grey, "JPEG", quality=100, icc_profile=p3)).getpixel((3, 3)) == pytest.approx(
            (grey.getpixel((3, 3)),) * 3, abs=2
        )

    def test_grey(self):
        grey = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
        found = np.asarray(to_picture(encoded(grey, icc_profile=grey_profile(1.0))))
        expected = srgb_of(np.asarray(grey.convert("RGB")), SRGB, 1.0)
        assert np.abs(found - expected).max() <= 1.5

    @pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
    def test_inks(self, kind):
        """By its profile cyan is the grey of L* 50; Pillow's own conversion knows no profile and makes it bright."""
        for inks, level in (((255, 0, 0, 0), 119), ((0, 0, 0, 0), 255), ((0, 0, 0, 255), 0), ((0, 255, 255, 0), 255)):
            data = encoded(Image.new("CMYK", (16, 16), inks), kind, icc_profile=inks_profile())
            assert np.abs(np.array(to_picture(data).getpixel((8, 8))) - level).max() <= 3

    def test_a_palette_has_colours_too(self):
        picture = Image.new("P", (2, 1))
        picture.putpalette([*SKIN, 90, 120, 150])
        picture.putpixel((1, 0), 1)
        found = np.asarray(to_picture(encoded(picture, icc_profile=_matrix_profile(P3, None), transparency=1)))
        assert np.abs(found[0, 0].astype(int) - (232, 167, 135)).max() <= 1
        assert found[0, 1].tolist() == [255, 255, 255]

    def test_alpha_lies_on_the_white_of_srgb(self):
        data = encoded(ramp("RGBA"), icc_profile=_matrix_profile(P3, None))
        alpha = np.asarray(ramp("RGBA"))[..., 3:] / 255
        expected = alpha * srgb_of(np.asarray(ramp()), P3, None) + (1 - alpha) * 255
        assert np.abs(np.asarray(to_picture(data)) - expected).max() <= 1.6

    def test_it_is_turned_with_its_profile(self):
        exif = Image.Exif()
        exif[0x0112] = 6
        own = upright(encoded(ramp(), exif=exif, icc_profile=_matrix_profile(P3, None)))
        assert own.size == (12, 18) and own.info == {"icc_profile": _matrix_profile(P3, None)}
        assert np.abs(np.asarray(to_picture(own)) - srgb_of(np.asarray(own), P3, None)).max() <= 1.01


class TestWhatIsNoProfile:
    @pytest.mark.parametrize(
        ("chunks", "space"),
        [
            ([chunk(b"gAMA", struct.pack(">I", 100_000))], (SRGB, 1.0)),
            ([chunk(b"gAMA", struct.pack(">I", 55_556))], (SRGB, 1.8)),
            ([chromaticities(P3)], (P3, None)),
            ([chunk(b"gAMA", struct.pack(">I", 45_455)), chromaticities(P3)], (P3, None)),
            ([chunk(b"gAMA", struct.pack(">I", 45_471)), chromaticities(ADOBE)], (ADOBE, 2.1992)),
        ],
    )
    def test_png_chunks(self, chunks, space):
        if space == (ADOBE, 2.1992):  # so near 1/2.2 that it is what writers of sRGB say
            space = (ADOBE, None)
        data = with_chunks(encoded(ramp()), *chunks)
        assert np.abs(np.asarray(to_picture(data)) - srgb_of(np.asarray(ramp()), *space)).max() <= 1.01

    @pytest.mark.parametrize(
        "chunks",
        [
            [chunk(b"gAMA", struct.pack(">I", 45_455))],
            [chunk(b"gAMA", struct.pack(">I", 45_455)), chromaticities(SRGB)],
            [chunk(b"sRGB", b"\0"), chunk(b"gAMA", struct.pack(">I", 100_000))],
            [chunk(b"gAMA", struct.pack(">I", 0))],
            [chromaticities((0.3, 0.0, 0, 0, 0, 0, 0, 0))],
            [chromaticities((*D65, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3))],
        ],
    )
    def test_what_says_srgb_or_nonsense(self, chunks):
        assert to_picture(with_chunks(encoded(ramp()), *chunks)).tobytes() == ramp().tobytes()

    def test_adobe_rgb_by_exif(self):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0xA005] = {1: "R03"}
        data = encoded(Image.new("RGB", (8, 8), SKIN), "JPEG", quality=100, exif=exif)
        expected = srgb_of(np.array(SKIN), ADOBE, 563 / 256)
        assert np.abs(np.array(to_picture(data).getpixel((4, 4))) - expected).max() <= 2

    def test_grey_of_16_bits_with_a_transparent_value(self):
        for key, expected in ((0, [255, 4, 255]), (1000, [0, 255, 255]), (65535, [0, 4, 255])):
            data = png(16, 0, 3, struct.pack(">3H", 0, 1000, 65535), chunk(b"tRNS", struct.pack(">H", key)))
            assert np.asarray(to_picture(data))[0, :, 0].tolist() == expected

    @pytest.mark.parametrize(("depth", "row", "key"), [(4, b"\x5a", 5), (2, b"\x60", 1)])
    def test_grey_of_few_bits_with_a_transparent_value(self, depth, row, key):
        """Pillow compares the value as it is stored with values that are scaled."""
        data = png(depth, 0, 2, row, chunk(b"tRNS", struct.pack(">H", key)))
        assert np.asarray(to_picture(data))[0, :, 0].tolist() == [255, 170]

    def test_rgb_of_16_bits_with_a_transparent_colour(self):
        data = png(
            16, 2, 2, struct.pack(">6H", 65535, 300, 0, 1000, 0, 0), chunk(b"tRNS", struct.pack(">3H", 65535, 300, 0))
        )
        assert np.asarray(to_picture(data)).tolist() == [[[255, 255, 255], [3, 0, 0]]]


class TestCarriedOver:
    @pytest.mark.parametrize("space", SPACES, ids=str)
    @pytest.mark.parametrize("mode", ["RGB", "RGBA"])
    def test_where_nothing_changes_no_pixel_does(self, space, mode):
        vivid = Image.fromarray(np.random.default_rng(1).integers(0, 256, (9, 7, len(mode)), dtype=np.uint8))
        own = upright(encoded(vivid, icc_profile=_matrix_profile(*space)))
        seen = to_picture(own)
        same = carried_over(own, seen, seen)
        assert (same.mode, same.tobytes(), same.info) == (mode, vivid.tobytes(), own.info)

    @pytest.mark.parametrize("space", SPACES, ids=str)
    def test_a_change_is_what_a_viewer_sees(self, space):
        own = upright(encoded(ramp("RGBA"), icc_profile=_matrix_profile(*space)))
        opaque = Image.new("L", own.size, 255)
        own.putalpha(opaque)
        before = to_picture(own)
        after = Image.fromarray(np.asarray(before) + np.uint8(20))
        changed = carried_over(own, before, after)
        inside = (np.asarray(before) > 0).all(-1)  # where a colour is not outside sRGB
        assert np.abs(np.asarray(to_picture(changed)).astype(int) - np.asarray(after))[inside].max() <= 3
        assert changed.getchannel("A").tobytes() == opaque.tobytes()
        again = to_picture(encoded(changed))  # PNG takes the profile along
        assert again.tobytes() == to_picture(changed).tobytes()

    @pytest.mark.parametrize("mode", ["L", "LA", "CMYK", "LAB"])
    def test_other_modes_come_back_in_srgb(self, mode):
        own = upright(ramp("RGBA").convert(mode) if mode != "LAB" else Image.new("LAB", (4, 4), (120, 128, 128)))
        seen = to_picture(own)
        same = carried_over(own, seen, seen)
        assert (same.mode, same.info) == ("RGBA" if mode == "LA" else "RGB", {})
        assert to_picture(same).tobytes() == seen.tobytes()
