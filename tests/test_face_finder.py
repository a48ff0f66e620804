"""Faces found in photos, by an alignment that was trained on drawn ones."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from planted_faces import corner_error, face_photo, turned

from modeling_vae import Crop
from modeling_vae.photos.finder import FaceFinder

WHOLE = Crop((90, 60), 120, 120)


@pytest.mark.parametrize(("x", "y", "side", "degrees"), [(80, 60, 70, 10), (110, 55, 50, -12), (60, 65, 90, 0)])
def test_a_turned_face_is_found_and_levelled(alignment, x, y, side, degrees):
    wanted = turned(x, y, side, degrees)
    (found,) = FaceFinder(alignment).find(face_photo([wanted], (180, 120)), WHOLE)
    assert corner_error(found.crop, wanted) < 0.1
    assert found.found == alignment.kind and abs(found.picture.width - side) < 10


def test_several_faces_the_largest_first(alignment):
    wanted = [turned(140, 60, 44, 6), turned(50, 60, 80, -8)]
    found = FaceFinder(alignment).find(face_photo(wanted, (180, 120), seed=3), WHOLE)
    assert len(found) == 2
    for face, where in zip(found, reversed(wanted), strict=True):
        assert corner_error(face.crop, where) < 0.12


def test_it_finds_the_same_again(alignment):
    photo = face_photo([turned(80, 60, 70, 10)], (180, 120))
    assert FaceFinder(alignment).find(photo, WHOLE) == FaceFinder(alignment).find(photo, WHOLE)


def test_where_there_is_no_face_none_is_found(alignment):
    y, x = np.mgrid[0:120, 0:180]
    for pixels in (np.zeros((120, 180, 3)), np.stack([x, y, (x + y) / 2], -1), np.full((120, 180, 3), 255)):
        assert FaceFinder(alignment).find(Image.fromarray(pixels.astype(np.uint8)), WHOLE) == []


def test_a_picture_that_is_cropped_already_keeps_its_crop(alignment):
    whole = Crop((50, 50), 100, 100)
    (found,) = FaceFinder(alignment).find(face_photo([whole], (100, 100)), whole)
    assert found.crop is whole


def test_a_large_photo_is_searched_small_and_cut_large(alignment):
    wanted = turned(960, 720, 840, 10)
    (found,) = FaceFinder(alignment).find(face_photo([wanted], (2160, 1440)), Crop((1080, 720), 1440, 1440))
    assert corner_error(found.crop, wanted) < 0.1 and found.picture.width > 700


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (40, 5)])
def test_photos_of_any_size_are_searched(alignment, size):
    assert FaceFinder(alignment).find(Image.new("RGB", size), Crop((0.5, 0.5), 1, 1)) == []
