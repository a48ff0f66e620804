"""An edit in a photo keeps its colours and transparency; films show what a viewer of their frames sees."""

from __future__ import annotations

import io
import warnings

import imageio.v3 as iio
import numpy as np
import pytest
import torch
from PIL import Image

from modeling_vae import Animation, Crop, PhotoCrop, to_picture
from modeling_vae.model.image_processing_image_vae import upright
from modeling_vae.model.picture_colours import _matrix_profile

D65 = (0.3127, 0.3290)
P3 = _matrix_profile((*D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060), None)
ADOBE = _matrix_profile((*D65, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06), 563 / 256)


def photo(mode: str = "RGB", **info: object) -> Image.Image:
    """150 x 100, of any colours at all."""
    channels = {"RGB": 3, "RGBA": 4, "CMYK": 4, "L": 1}[mode]
    levels = np.random.default_rng(0).integers(0, 256, (100, 150, channels), dtype=np.uint8)
    picture = Image.frombytes(mode, (150, 100), levels.tobytes())
    picture.info = info
    return picture


def file(picture: Image.Image, kind: str, **options: object) -> bytes:
    data = io.BytesIO()
    picture.save(data, kind, **options)
    return data.getvalue()


@pytest.mark.parametrize("profile", [P3, ADOBE], ids=["P3", "Adobe RGB"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_profile_alpha_and_size_come_back(pipe, profile, mode):
    own = photo(mode, icc_profile=profile)
    for given in (own, file(own, "PNG"), file(own, "TIFF", icc_profile=profile)):
        edited = pipe.edit(given, {"smiling": 3.0}, preserve_detail=True)
        assert (edited.mode, edited.size, edited.info["icc_profile"]) == (mode, own.size, profile)
        left, top, right, bottom = pipe.processor.crop_box(own.size)
        inside = np.zeros((100, 150), bool)
        inside[top:bottom, left:right] = True
        before, after = np.asarray(own), np.asarray(edited)
        assert np.array_equal(before[~inside], after[~inside])
        assert (before[inside] != after[inside]).any()
        seen_before, seen_after = np.asarray(to_picture(own)), np.asarray(to_picture(file(edited, "PNG")))
        assert np.array_equal(seen_before[~inside], seen_after[~inside])
        if mode == "RGBA":
            assert np.array_equal(before[..., 3], after[..., 3])
    same = pipe.edit(own, {"smiling": 0.0}, preserve_detail=True)
    assert same.tobytes() == own.tobytes()


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("profile", [P3, ADOBE], ids=["P3", "Adobe RGB"])
def test_a_photo_of_a_phone_keeps_its_profile(pipe, tmp_path, orientation, profile):
    """HEIC with an ICC profile, as a path; what the model and a viewer see is what the profile says."""
    pytest.importorskip("pillow_heif")
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = file(photo().convert("RGB"), "HEIF", quality=-1, icc_profile=profile, exif=exif.tobytes())
    (tmp_path / "IMG_0001.HEIC").write_bytes(data)
    own = upright(data)
    assert own.info["icc_profile"] == profile and own.size == ((150, 100) if orientation == 1 else (100, 150))
    edited = pipe.edit(tmp_path / "IMG_0001.HEIC", {"smiling": 3.0}, preserve_detail=True)
    assert (edited.mode, edited.size, edited.info["icc_profile"]) == ("RGB", own.size, profile)
    left, top, right, bottom = pipe.processor.crop_box(own.size)
    inside = np.zeros(own.size[::-1], bool)
    inside[top:bottom, left:right] = True
    for see in (np.asarray, lambda picture: np.asarray(to_picture(picture))):
        assert np.array_equal(see(own)[~inside], see(edited)[~inside])
    assert not np.array_equal(np.asarray(to_picture(own)), np.asarray(own))
    torch.testing.assert_close(pipe.encode(tmp_path / "IMG_0001.HEIC"), pipe.encode(to_picture(own)))


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {"quality": 95}), ("WEBP", {"lossless": True})])
def test_a_profile_that_is_told_is_written(pipe, kind, options):
    edited = pipe.edit(photo(icc_profile=P3), {"smiling": 3.0}, preserve_detail=True)
    written = file(edited, kind, icc_profile=edited.info.get("icc_profile"), **options)
    assert Image.open(io.BytesIO(written)).info["icc_profile"] == P3


def test_the_model_sees_srgb(pipe):
    own = photo(icc_profile=P3)
    plain = to_picture(own)
    torch.testing.assert_close(pipe.encode(own), pipe.encode(plain))
    change = [
        np.asarray(pipe.edit(picture, {"smiling": 3.0}, preserve_detail=True).convert("RGB"), np.int16)
        - np.asarray(picture)
        for picture in (own, plain)
    ]
    assert np.abs(change[0]).max() > 3 and np.corrcoef(change[0].ravel(), change[1].ravel())[0, 1] > 0.7


def test_a_photo_lies_on_its_side_no_longer(pipe):
    exif = Image.Exif()
    exif[0x0112] = 6
    edited = pipe.edit(file(photo(), "PNG", exif=exif, icc_profile=P3), {"smiling": 3.0}, preserve_detail=True)
    assert edited.size == (100, 150) and edited.info == {"icc_profile": P3}


def test_cmyk_comes_back_in_srgb_and_says_so(pipe):
    given = file(photo("CMYK"), "TIFF")
    with pytest.warns(UserWarning, match="the photo's colours are CMYK, .* so it comes back in sRGB"):
        edited = pipe.edit(given, {"smiling": 0.0}, preserve_detail=True)
    assert (edited.mode, edited.tobytes()) == ("RGB", to_picture(given).tobytes())


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_plain_photos_are_silent(pipe, mode):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        edited = pipe.edit(photo(mode), {"smiling": 0.0}, preserve_detail=True)
    assert edited.tobytes() == photo(mode).convert("RGB").tobytes()


def test_a_crop_chosen_by_hand_keeps_them_too(pipe):
    own = photo("RGBA", icc_profile=P3)
    crop = PhotoCrop(own, Crop((75, 50), 40, 40, 10))
    assert crop.photo.mode == crop.picture.mode == "RGB" and not crop.photo.info
    edited = pipe.edit(crop, {"smiling": 3.0}, preserve_detail=True)
    assert (edited.mode, edited.info) == ("RGBA", {"icc_profile": P3})
    assert np.array_equal(np.asarray(edited)[:20], np.asarray(own)[:20])


# --- films -------------------------------------------------------------------------------------------------------


def hidden(mode: str) -> Image.Image:
    """48 x 32: the left half is red, the right half transparent, with green hidden under it."""
    rgba = Image.new("RGBA", (48, 32), (220, 30, 30, 255))
    rgba.paste((0, 255, 0, 0), (24, 0, 48, 32))
    if mode == "P":
        picture = Image.new("P", (48, 32), 0)
        picture.putpalette([220, 30, 30, 0, 255, 0])
        picture.paste(1, (24, 0, 48, 32))
        picture.info["transparency"] = 1
        return picture
    return rgba if mode == "RGBA" else rgba.convert("LA")


@pytest.mark.parametrize("mode", ["RGBA", "P", "LA"])
@pytest.mark.parametrize("suffix", ["gif", "webp", "mp4"])
def test_no_film_shows_what_is_hidden(mode, suffix):
    film = Animation([hidden(mode)] * 3)
    frames = np.stack(list(iio.imiter(film.to_bytes(suffix), extension=f".{suffix}")))  # [3, H, W, C]
    assert len(frames) == 3 and frames[:, 4:28, 30:44, :3].min() > 240
    assert frames[:, 4:28, 4:18, 1].max() < 110
    sheet = np.asarray(film.sheet(columns=3))
    assert sheet[:, 28:44].min() == 255


def test_frames_with_a_profile_are_shown_in_srgb():
    frame = Image.new("RGB", (32, 32), (222, 170, 140))
    frame.info["icc_profile"] = P3
    assert Animation([frame])[0].getpixel((3, 3)) == (232, 167, 135)
