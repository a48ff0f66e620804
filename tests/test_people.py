"""People's faces in photographs, as their detector sees them."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image
from skimage import data

from modeling_vae.photos.people import Box, _distinct, find_people


@pytest.fixture(scope="module")
def astronaut() -> Image.Image:
    """A photograph of Eileen Collins by NASA, in the public domain, 512 x 512; her eyes are 36 pixels apart."""
    return Image.fromarray(data.astronaut())


def person(photo: Image.Image) -> Box:
    (found,) = [box for box in find_people(photo) if box.sure]
    return found


def test_a_person_is_found_with_her_eyes_level(astronaut):
    face = person(astronaut)
    assert math.hypot(face.x - 223, face.y - 116) < 8 and 100 < face.side < 135
    assert abs(math.degrees(face.angle)) < 8


@pytest.mark.parametrize("degrees", [-25, 20])
def test_a_turned_photo_turns_the_face(astronaut, degrees):
    level = person(astronaut)
    turned = person(astronaut.rotate(-degrees, Image.Resampling.BICUBIC))
    assert math.degrees(turned.angle - level.angle) == pytest.approx(degrees, abs=4)


@pytest.mark.parametrize("factor", [0.5, 1.6])
def test_a_face_grows_with_its_photo(astronaut, factor):
    size = round(512 * factor)
    face, larger = person(astronaut), person(astronaut.resize((size, size), Image.Resampling.LANCZOS))
    assert larger.side == pytest.approx(factor * face.side, rel=0.1)
    assert (larger.x, larger.y) == pytest.approx((factor * face.x, factor * face.y), abs=0.06 * larger.side)


def test_a_face_at_the_edge_is_found(astronaut):
    """The squares that the networks look at reach beyond the photo."""
    cut = astronaut.crop((180, 70, 300, 190))
    assert person(cut).side > 80


def test_two_people_and_no_face_twice(astronaut):
    pair = Image.new("RGB", (1024, 512))
    pair.paste(astronaut, (0, 0))
    pair.paste(astronaut, (512, 0))
    left, right = sorted((box for box in find_people(pair) if box.sure), key=lambda box: box.x)
    assert right.x - left.x == pytest.approx(512, abs=12) and right.y == pytest.approx(left.y, abs=8)


def test_a_grey_photo_has_the_same_face(astronaut):
    colour, grey = person(astronaut), person(astronaut.convert("L"))
    assert (grey.x, grey.y) == pytest.approx((colour.x, colour.y), abs=8)


def test_a_cat_is_nobody():
    assert find_people(Image.fromarray(data.chelsea())) == []  # CC0, by Stefan van der Walt


def test_threads_see_the_same(astronaut):
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(find_people, [astronaut] * 8))
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (40, 12), (200, 100)])
def test_in_grey_of_any_size_there_is_nobody(size):
    assert find_people(Image.new("RGB", size, "grey")) == []


def test_of_rectangles_that_share_much_the_most_confident_stays():
    rectangles = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [0, 0, 5, 5], [20, 20, 30, 30.0]])
    assert _distinct(rectangles, np.array([0.7, 0.9, 0.8, 0.6]), 0.5) == [1, 2, 3]  # 9/11 of the union, 20/105
    assert _distinct(rectangles, np.array([0.7, 0.9, 0.8, 0.6]), 0.5, of_smaller=True) == [
        1,
        3,
    ]
    assert _distinct(np.empty((0, 4)), np.empty(0), 0.5) == []
