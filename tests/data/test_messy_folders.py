"""Folders as phones, other programs and other people leave them."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from modeling_vae.data.picture_folder import LeftOut, PictureFolder
from modeling_vae.data.report import DataReport
from modeling_vae.model.image_processing_image_vae import to_picture
from modeling_vae.model.picture_colours import _matrix_profile
from modeling_vae.publishing.card import _plain

from .making import contents, noise, png, write_folder

SKIN = (222, 170, 140)
SKIN_OF_P3 = (232, 167, 135)
"""What it is in sRGB where the numbers above are of Display P3."""
P3 = _matrix_profile((0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060), None)


def heic(orientation: int, **options: object) -> bytes:
    """Skin on the left, blue on the right, as it is stored."""
    pytest.importorskip("pillow_heif")
    picture = Image.new("RGB", (64, 64), SKIN)
    picture.paste((40, 40, 200), (32, 0, 64, 64))
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    picture.save(file, "HEIF", quality=95, exif=exif.tobytes(), **options)
    return file.getvalue()


def nclx() -> dict[str, object]:
    """Display P3: primaries of SMPTE EG 432-1, the curve of sRGB."""
    numbers = {"color_primaries": 12, "transfer_characteristics": 13, "matrix_coefficients": 6, "full_range_flag": 1}
    return {"nclx_profile": numbers}


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_folder_of_heic_is_upright_and_srgb(load, tmp_path, orientation):
    """As a phone writes it, beside pictures of other kinds; in a training as by the one door."""
    folder = write_folder(tmp_path / "phone", range(30))
    (folder / "IMG_0001.HEIC").write_bytes(heic(orientation, **nclx()))
    (folder / "IMG_0002.heif").write_bytes(heic(orientation, icc_profile=srgb_profile()))
    (folder / "IMG_0003.heic").write_bytes(heic(orientation, icc_profile=P3))
    (folder / "IMG_0001.MOV").write_bytes(b"\0\0\0\x14ftypqt  \0\0\0\0")
    data = load(folder, image_size=(16, 16), validation=0.2)
    assert data.report.broken == () and data.report.left_out == LeftOut(not_pictures={".mov": 1})
    assert sum(data.report.pictures.values()) == 32 and data.report.duplicates == 1  # P3, said in two ways
    seen = contents(data.train) | contents(data.validation)
    for name, skin in (("IMG_0001.HEIC", SKIN_OF_P3), ("IMG_0002.heif", SKIN), ("IMG_0003.heic", SKIN_OF_P3)):
        upright = np.asarray(to_picture(folder / name).resize((16, 16), Image.Resampling.BOX)).astype(int)
        place = {1: (8, 2), 3: (8, 13), 6: (2, 8), 8: (13, 8)}[orientation]
        assert np.abs(upright[place] - skin).max() <= 4
        found = [np.frombuffer(key, np.uint8).reshape(16, 16, 3).astype(int) for key in seen]
        assert any(np.abs(picture[place] - skin).max() <= 4 for picture in found)


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder of pictures that the one who asks may not enter all of; root's powers are laid down."""
    if not hasattr(os, "seteuid"):
        pytest.skip("users are another thing here")
    with tempfile.TemporaryDirectory() as temporary:
        root = write_folder(Path(temporary) / "pictures", range(4))
        locked = write_folder(root / "locked", range(4, 8))
        for folder in (Path(temporary), root):
            folder.chmod(0o755)
        locked.chmod(0)
        was = os.geteuid()
        if was == 0:
            os.seteuid(65534)
        try:
            yield root
        finally:
            os.seteuid(was)
            locked.chmod(0o755)


def test_a_folder_that_cannot_be_listed_is_refused_by_its_name(as_nobody):
    with pytest.raises(OSError, match="locked"):
        PictureFolder(str(as_nobody))


@pytest.mark.parametrize(("pictures", "archives", "ours"), [(3, 1, True), (3, 2, True), (2, 2, False), (0, 1, False)])
@pytest.mark.parametrize("suffix", [".zip", ".tar", ".parquet"])
def test_archives_are_read_where_they_are_no_fewer_than_pictures(tmp_path, pictures, archives, ours, suffix):
    folder = write_folder(tmp_path / "folder", range(pictures))
    for number in range(archives):
        (folder / f"backup {number}{suffix}").write_bytes(b"PK\3\4")
    found = PictureFolder.open(str(folder))
    assert (found is not None) == ours
    if found is not None:
        assert len(found.pictures) == pictures


def test_all_counts_are_published_and_no_name_of_a_file():
    report = DataReport(
        {"train": 90, "validation": 10},
        duplicates=3,
        broken=("secret.png is cut off",),
        seconds=1.0,
        from_cache=False,
        left_out=LeftOut(
            not_pictures={".mov": 40, ".txt": 2},
            without_row=("a.png", "b.png"),
            rows_without_picture=("c.png",),
            beside=("d.png",),
            hidden=(".e.png",),
            other_splits={"test": 7},
            without_marks=("f.png",),
        ),
    )
    counts = report.counts()
    assert counts == {
        "pictures": {"train": 90, "validation": 10},
        "exact duplicates left out": 3,
        "broken and left out": 1,
        "files that are no pictures": {".mov": 40, ".txt": 2},
        "pictures without a row": 2,
        "rows without a picture": 1,
        "pictures beside the splits": 1,
        "hidden pictures": 1,
        "pictures of other splits": {"test": 7},
        "pictures without marks of the crop": 1,
    }
    assert _plain(counts["files that are no pictures"]) == ".mov 40, .txt 2"
    assert "png" not in str(counts)


def test_what_is_a_picture_by_its_bytes_alone(load, tmp_path):
    """Neighbours of the kind: two suffixes, a suffix of a film, a name of one dot."""
    folder = write_folder(tmp_path / "odd", range(30))
    for number, name in enumerate(("a.png.crdownload", "b.mp4", "c.", "d.JPG_LARGE", "e.jpe"), 50):
        (folder / name).write_bytes(png(noise(number)))
    data = load(folder, validation=0.2)
    assert sum(data.report.pictures.values()) == 35 and data.report.left_out == LeftOut()
