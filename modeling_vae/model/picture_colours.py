"""Colours of pictures: from what a file says of them to sRGB, and back where an edit is to keep them.

What a file says is an ICC profile, the chunks gAMA and cHRM of a PNG, the colour primaries of a HEIC, or the option
file R03 of Exif, which stands for Adobe RGB. All but the first are written as a profile too, so that LittleCMS, which
comes with Pillow, does every conversion. A picture that says nothing is sRGB.
"""

from __future__ import annotations

import io
import struct
import zlib
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms

# What Pillow lets out when bytes are damaged.
DECODER_ERRORS = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, ArithmeticError, AttributeError),
    *(RuntimeError, MemoryError, struct.error, zlib.error),
)
_SPACES = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab"}
_LEVELS = {"L;2": 85, "L;4": 17}
"""What a grey level of a PNG with 2 or 4 bits a pixel is multiplied by when it is decoded."""

# x and y of white, red, green and blue (ITU-R BT.709, SMPTE EG 432-1, Adobe RGB (1998)).
_D65 = (0.3127, 0.3290)
_SRGB_PRIMARIES = (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_P3_PRIMARIES = (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)
_ADOBE_RGB = (*_D65, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
_ADOBE_RGB_GAMMA = 563 / 256
_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def eight_bit(picture: Image.Image, stored: str = "") -> Image.Image:
    """A decoded picture with 8 bits a channel and its transparency as a channel: L, LA, RGB, RGBA, CMYK, LAB, ...

    `info` of the result holds the profile of its colours and nothing else, or nothing at all.

    Args:
        picture: decoded; 16-bit grey is scaled end to end.
        stored: how the file stores its pixels (`stored_as`, asked before decoding).

    Raises:
        ValueError: the values are no 16-bit grey; other exceptions of Pillow for impossible modes.
    """
    profile = _profile(picture)
    key = picture.info.get("transparency")
    if picture.mode.startswith("I"):
        plain = _sixteen_bit_grey(picture, key if isinstance(key, int) else None)
    elif picture.mode == "L" and stored in _LEVELS and isinstance(key, int):
        plain = _with_key(picture, key * _LEVELS[stored])
    elif picture.mode == "RGB" and stored.startswith("RGB;16") and isinstance(key, tuple):
        plain = _with_key(picture, tuple(value >> 8 for value in key))  # as the pixels, of which Pillow keeps 8 bits
    elif picture.has_transparency_data:
        plain = picture.convert("LA" if picture.mode in ("L", "LA", "1") else "RGBA")
    elif picture.mode in ("P", "1"):
        plain = picture.convert("RGB" if picture.mode == "P" else "L")
    else:
        plain = picture.copy()
    plain.info = {"icc_profile": profile} if profile else {}
    return plain


def stored_as(picture: Image.Image) -> str:
    """How a file that is opened, and not yet decoded, stores its pixels: "RGB;16B", "L;4", ..."""
    tiles = getattr(picture, "tile", None)
    arguments = tiles[0][3] if tiles else ""
    return arguments if isinstance(arguments, str) else ""


def to_srgb(picture: Image.Image) -> Image.Image:
    """A picture as `eight_bit` gives it -> RGB or RGBA in sRGB.

    A profile that is damaged, or made for another kind of picture, says nothing, as in browsers.
    """
    colours, alpha = _split(picture)
    profile = picture.info.get("icc_profile")
    transform = _into_srgb(profile, colours.mode) if profile else None
    rgb: Image.Image = colours.convert("RGB") if transform is None else transform.apply(colours)
    if rgb is picture:
        rgb = rgb.copy()
    if alpha is not None:
        rgb.putalpha(alpha)
    rgb.info = {}
    return rgb


def on_white(picture: Image.Image) -> Image.Image:
    """RGB or RGBA -> RGB, on white where it is transparent."""
    if picture.mode == "RGB":
        return picture
    white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, picture).convert("RGB")


def carried_over(original: Image.Image, before: Image.Image, after: Image.Image) -> Image.Image:
    """The change from `before` to `after` made in the original's own colours; where there is none, no pixel changes.

    Args:
        original: as `eight_bit` gives it, of any mode.
        before: RGB, what `on_white(to_srgb(original))` gives.
        after: RGB, of the same size.

    Returns:
        RGB or RGBA with the original's profile in `info` where its colours are RGB, else in sRGB, without one.
    """
    profile = original.info.get("icc_profile")
    transform = None
    own = original
    if original.mode in ("RGB", "RGBA") and profile:
        transform = _out_of_srgb(profile)
        if transform is None and _into_srgb(profile, "RGB") is not None:  # a profile with no way back
            own, profile = to_srgb(original), None
    elif original.mode not in ("RGB", "RGBA"):
        own, profile = to_srgb(original), None
    if transform is not None:
        before, after = transform.apply(before), transform.apply(after)
    change = np.asarray(after, np.int16) - np.asarray(before, np.int16)  # [H, W, 3]
    colours, alpha = _split(own)
    result = Image.fromarray((np.asarray(colours, np.int16) + change).clip(0, 255).astype(np.uint8))
    if alpha is not None:
        result.putalpha(alpha)
    if profile:
        result.info["icc_profile"] = profile
    return result


def _split(picture: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    if picture.mode not in ("LA", "RGBA"):
        return picture, None
    return picture.convert(picture.mode[:-1]), picture.getchannel("A")


def _sixteen_bit_grey(picture: Image.Image, key: int | None) -> Image.Image:
    """Grey in 0..65535 -> grey in 0..255: both ranges end to end, where Pillow's own conversion would clip at 255."""
    values = np.asarray(picture)  # [H, W]
    if values.min() < 0 or values.max() > 65535:
        raise ValueError(
            f"holds grey values from {values.min()} to {values.max()}, but 16-bit grey ends at 65535; "
            "save it with 8 or 16 bits a pixel."
        )
    grey = Image.fromarray(((np.arange(65536) + 128) // 257).astype(np.uint8)[values])
    if key is not None:
        grey.putalpha(Image.fromarray(np.where(values == key, 0, 255).astype(np.uint8)))
    return grey


def _with_key(picture: Image.Image, key: int | tuple[int, ...]) -> Image.Image:
    """L or RGB with an alpha channel that is 0 where the pixels have the colour `key`."""
    same = np.asarray(picture) == np.asarray(key)
    result = picture.copy()
    result.putalpha(Image.fromarray(np.where(same if same.ndim == 2 else same.all(-1), 0, 255).astype(np.uint8)))
    return result


# --- profiles ----------------------------------------------------------------------------------------------------


def _profile(picture: Image.Image) -> bytes | None:
    """The ICC profile of a picture's colours, None where it says nothing or says sRGB."""
    info = picture.info
    if info.get("icc_profile"):
        return bytes(info["icc_profile"])
    if "srgb" in info:
        return None
    if "gamma" in info or "chromaticity" in info:
        return _profile_of_chunks(info.get("gamma"), info.get("chromaticity"))
    nclx = info.get("nclx_profile") or {}
    if isinstance(nclx, dict) and nclx.get("color_primaries") == 12:  # ITU-T H.273
        return _matrix_profile(_P3_PRIMARIES, None)
    if _is_adobe_rgb(picture):
        return _matrix_profile(_ADOBE_RGB, _ADOBE_RGB_GAMMA)
    return None


def _profile_of_chunks(gamma: float | None, chromaticity: Any) -> bytes | None:
    """gAMA is the exponent that made the samples (PNG, third edition); 1/2.2 is what writers of sRGB put there."""
    power = None if not gamma or abs(gamma - 1 / 2.2) < 0.002 else 1 / gamma
    primaries = _SRGB_PRIMARIES
    if isinstance(chromaticity, tuple) and len(chromaticity) == 8:
        primaries = chromaticity
    if power is None and np.allclose(primaries, _SRGB_PRIMARIES, atol=0.002):
        return None
    return _matrix_profile(tuple(primaries), power)


def _is_adobe_rgb(picture: Image.Image) -> bool:
    try:
        return picture.getexif().get_ifd(ExifTags.IFD.Interop).get(ExifTags.Interop.InteropIndex) == "R03"
    except DECODER_ERRORS:  # Exif that nobody can read says nothing
        return False


@lru_cache(maxsize=8)
def _into_srgb(profile: bytes, mode: str) -> Any | None:
    """The transform from a profile's colours, or None where there is none to make: sRGB, damaged, of another kind."""
    transform = _transform(profile, mode, into=True)
    if transform is None or mode != "RGB":
        return transform
    steps = np.linspace(0, 255, 9).round().astype(np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    moved = np.asarray(transform.apply(Image.fromarray(colours)), np.int16)
    return transform if np.abs(moved - colours).max() > 1 else None


@lru_cache(maxsize=8)
def _out_of_srgb(profile: bytes) -> Any | None:
    """The transform from sRGB to a profile's RGB; None where it is sRGB, or has no way back."""
    return None if _into_srgb(profile, "RGB") is None else _transform(profile, "RGB", into=False)


def _transform(profile: bytes, mode: str, into: bool) -> Any | None:
    try:
        space = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if space.profile.xcolor_space.strip() != _SPACES.get(mode):
            return None
        srgb = ImageCms.createProfile("sRGB")
        intent, flags = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION
        if mode == "L":
            flags |= ImageCms.Flags.NOOPTIMIZE  # whose table for grey is coarse in the shadows
        if into:
            return ImageCms.buildTransform(space, srgb, mode, "RGB", intent, flags)
        return ImageCms.buildTransform(srgb, space, "RGB", mode, intent, flags)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


@lru_cache(maxsize=8)
def _matrix_profile(primaries: tuple[float, ...], gamma: float | None) -> bytes | None:
    """An ICC profile (ICC.1:2022) of three primaries and one curve: a power, or that of sRGB where `gamma` is None.

    None where the primaries span no colours.
    """
    xy = np.asarray(primaries, np.float64).reshape(4, 2)
    if not (xy[:, 1] > 0).all() or gamma is not None and not 0.1 <= gamma <= 10:
        return None
    xyz = np.column_stack([xy[:, 0] / xy[:, 1], np.ones(4), (1 - xy.sum(1)) / xy[:, 1]])  # white, red, green, blue
    if abs(np.linalg.det(xyz[1:])) < 1e-6:
        return None
    scale = np.linalg.solve(xyz[1:].T, xyz[0])
    cone = (_BRADFORD @ _D50) / (_BRADFORD @ xyz[0])
    adapted = np.linalg.inv(_BRADFORD) @ (cone[:, None] * _BRADFORD)  # from the file's white to that of profiles
    if not np.isfinite(adapted).all() or np.abs(adapted).max() > 30:
        return None
    red, green, blue = (adapted @ colour for colour in scale[:, None] * xyz[1:])
    curve = _fixed(1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    curve = b"para\0\0\0\0\0\3\0\0" + _fixed(2.4) + curve if gamma is None else b"para" + bytes(8) + _fixed(gamma)
    tags = {b"desc": _text("RGB"), b"cprt": _text("CC0"), b"wtpt": _xyz(_D50)}
    tags |= {b"rXYZ": _xyz(red), b"gXYZ": _xyz(green), b"bXYZ": _xyz(blue)}
    tags |= {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve, b"chad": b"sf32" + bytes(4) + _fixed(*adapted.flat)}
    place, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, data in tags.items():
        table += name + struct.pack(">II", place + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = bytes(4) + b"\x04\x20\0\0mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28) + _fixed(*_D50)
    whole = header.ljust(124, b"\0") + struct.pack(">I", len(tags)) + table + body  # all but its length
    return struct.pack(">I", len(whole) + 4) + whole


def _xyz(colour: np.ndarray) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(*colour)


def _text(words: str) -> bytes:
    return b"mluc" + bytes(4) + struct.pack(">II4sII", 1, 12, b"enUS", 2 * len(words), 28) + words.encode("utf-16-be")


def _fixed(*values: float) -> bytes:
    """s15Fixed16Number."""
    return struct.pack(f">{len(values)}i", *(round(float(value) * 65536) for value in values))
