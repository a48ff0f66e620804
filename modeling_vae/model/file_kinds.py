"""What a file is that is no picture to us, and what to do about it: told by its first bytes, not by its name."""

from __future__ import annotations

import os
import re
import stat

from PIL import Image

_CONVERT = "convert it to JPEG or PNG"
_FRAME = "take a still picture from it, as JPEG or PNG"
_UNPACK = "unpack it and give the pictures in it"

# Bytes at the very beginning, what they stand for, and the remedy.
_BEGINNINGS = (
    (b"\xff\x0a", "a JPEG XL picture", _CONVERT),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture", _CONVERT),
    (b"8BPS", "a Photoshop file", "export it as JPEG or PNG"),
    (b"gimp xcf", "a GIMP file", "export it as JPEG or PNG"),
    (b"\x76\x2f\x31\x01", "an OpenEXR picture", _CONVERT),
    (b"#?R", "a Radiance HDR picture", _CONVERT),
    (b"SIMPLE  =", "a FITS picture", _CONVERT),
    (b"\x89HDF", "an HDF5 file", "write its pictures as PNG"),
    (b"\x93NUMPY", "a NumPy array", "load it with numpy and give the array, or save it as PNG"),
    (b"FUJIFILMCCD-RAW", "a camera's raw file", "develop it to JPEG"),
    (b"IIRO", "a camera's raw file", "develop it to JPEG"),
    (b"IIU\0", "a camera's raw file", "develop it to JPEG"),
    (b"%PDF", "a PDF document", "export its page or its picture as JPEG or PNG"),
    (b"%!PS", "a PostScript file", "export it as JPEG or PNG"),
    (b"\xc5\xd0\xd3\xc6", "an EPS file", "export it as JPEG or PNG"),
    (b"PK\x03\x04", "a ZIP archive, or an office document", _UNPACK),
    (b"PK\x05\x06", "an empty ZIP archive", "give a picture"),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"\x1f\x8b", "a gzip archive", _UNPACK),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ", "an xz archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", _UNPACK),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM film", _FRAME),
    (b"\x00\x00\x01\xba", "an MPEG film", _FRAME),
    (b"FLV\x01", "a Flash film", _FRAME),
    (b"ID3", "an MP3 recording", "give a picture"),
    (b"OggS", "an Ogg recording or film", "give a picture"),
    (b"fLaC", "a FLAC recording", "give a picture"),
    (b"PAR1", "a Parquet table", "give it as a data set, not as a picture"),
    (b"ARROW1", "an Arrow table", "give it as a data set, not as a picture"),
    (b"\x7fELF", "a program", "give a picture"),
    (b"MZ\x90\0", "a program for Windows", "give a picture"),
    (b"\0\x05\x16\x07", "what macOS keeps beside a file", "give the file whose name lacks the ._ in front"),
    (b"version https://git-lfs", "a pointer of Git LFS in the place of the file", "fetch it with git lfs pull"),
)
_PICTURES = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"II*\0", "a TIFF picture, or a camera's raw file"),
    (b"MM\0*", "a TIFF picture, or a camera's raw file"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
)
_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"heif", b"mif1", b"msf1", b"mif2"}


def what_it_is(data: bytes) -> tuple[str, str]:
    """What the bytes of a file are that could not be opened as a picture, and the remedy, both as parts of a sentence.

    A picture that is damaged is called by its format.
    """
    what, remedy = _kind(data)
    return (what if "picture" in what else f"{what}, not a picture"), remedy


def may_be_picture(beginning: bytes) -> bool:
    """Whether a file that begins so (32 bytes of it or more) calls itself a picture of a format that can be read."""
    if beginning[4:8] == b"ftyp":
        return beginning[8:12] in _HEIC | {b"avif", b"avis"}
    if beginning[:4] == b"RIFF":
        return beginning[8:12] == b"WEBP"
    if beginning[:2] == b"BM":
        return beginning[6:10] == bytes(4)  # reserved; words begin so as well
    if re.match(rb"P[1-6][\s#]", beginning):
        return True
    icon = beginning[:4] == b"\0\0\1\0" and beginning[9:10] == b"\0" and 0 < beginning[4] < 64
    codestream = beginning[:4] == b"\xff\x4f\xff\x51"  # of JPEG 2000
    return icon or codestream or beginning.startswith(tuple(start for start, _ in _PICTURES))


def _kind(data: bytes) -> tuple[str, str]:
    beginning = data[:512]
    for start, what in _PICTURES:
        if beginning.startswith(start):
            return f"{what} that is damaged, or cut off within its header", "give the whole file"
    for start, what, remedy in _BEGINNINGS:
        if beginning.startswith(start):
            return what, remedy
    if beginning[4:8] == b"ftyp":
        return _iso_media(beginning)
    if beginning[:4] == b"RIFF":
        return _riff(beginning[8:12])
    if beginning[257:262] == b"ustar":
        return "a tar archive", _UNPACK
    if beginning[128:132] == b"DICM":
        return "a DICOM picture", _CONVERT
    return _text(data[:2048])


def _iso_media(beginning: bytes) -> tuple[str, str]:
    """The box that begins ISO base media files (ISO/IEC 14496-12): films, and the pictures of phones."""
    end = min(int.from_bytes(beginning[:4], "big"), 256)
    brands = {beginning[8:12], *(beginning[i : i + 4] for i in range(16, end, 4))}
    if beginning[8:12] in (b"avif", b"avis") or b"avif" in brands:
        return _by_reader("AVIF", "an AVIF picture", "pip install -U pillow")
    if beginning[8:12] == b"crx ":
        return "a camera's raw file", "develop it to JPEG"
    if brands & _HEIC:
        return _by_reader("HEIF", "a HEIC picture", "pip install pillow-heif, and call its register_heif_opener()")
    return ("a QuickTime film" if beginning[8:12] == b"qt  " else "an MP4 film or recording"), _FRAME


def _by_reader(kind: str, what: str, remedy: str) -> tuple[str, str]:
    """Damaged, where Pillow reads the kind; else it is the reader that is missing."""
    if kind in Image.OPEN:
        return f"{what} that is damaged, or cut off within its header", "give the whole file"
    return f"{what}, for which the reader is missing", f"save it as JPEG, or {remedy}"


def _riff(kind: bytes) -> tuple[str, str]:
    if kind == b"WEBP":
        return "a WebP picture that is damaged, or cut off within its header", "give the whole file"
    return ("an AVI film", _FRAME) if kind == b"AVI " else ("a recording", "give a picture")


def _text(data: bytes) -> tuple[str, str]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        words = data.decode("utf-16", "replace")
    elif b"\0" in data:
        return "not a picture, or is cut off within its header", "give a whole picture file"
    else:
        words = data.decode("utf-8-sig", "replace")
    if "\ufffd" in words[:-4] and sum(letter.isprintable() or letter.isspace() for letter in words) < 0.9 * len(words):
        return "not a picture, or is cut off within its header", "give a whole picture file"
    start = words.lstrip().lower()
    if re.match(r"(<\?xml.*?)?(<!--.*?-->|<!doctype svg.*?>|\s)*<svg", start, re.DOTALL):
        return "an SVG drawing", "export it as PNG"
    if start.startswith(("<!doctype html", "<html", "<head", "<body")):
        return "a web page", "download the picture itself"
    if start.startswith("<?xml"):
        return "an XML file", "give a picture file"
    return "a text file", "give a picture file"


def check_regular(path: str | os.PathLike[str], largest: int | None = None) -> None:
    """Raise a ValueError where a path is no regular file (a pipe would keep its reader waiting), or too large."""
    try:
        found = os.stat(path)
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}): fetch or write it again.") from error
    if not stat.S_ISREG(found.st_mode):
        raise ValueError(f"{path} is no file but a folder, pipe or device: fetch or write it again.")
    if largest is not None and found.st_size > largest:
        raise ValueError(f"{path} has {found.st_size:,} bytes, and such a file at most {largest:,}: fetch it again.")
