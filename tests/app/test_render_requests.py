"""Requests refuse what is not possible, and name it."""

import math

import pytest

from app.render_requests import EditRequest, FilmRequest, FrameRequest, GenerateRequest, PathRequest, place


def test_forms_send_whole_numbers_as_floats():
    assert GenerateRequest(7.0, count=3.0) == GenerateRequest(7, count=3)
    assert FilmRequest(frames=12.0).frames == 12


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"seed": None}, "seed is None"),
        ({"seed": 1.5}, "seed is 1.5; give a whole number"),
        ({"seed": True}, "seed is True"),
        ({"seed": "7"}, "seed is '7'"),
        ({"seed": -1}, "seed is -1; give a whole number from 0 to"),
        ({"seed": 2**40}, "seed is 1,099,511,627,776"),
        ({"seed": 1, "count": 0}, "number of faces is 0"),
        ({"seed": 1, "count": 1000}, "number of faces is 1,000"),
        ({"seed": 1, "truncation": math.nan}, "truncation is nan"),
        ({"seed": 1, "truncation": math.inf}, "truncation is inf"),
        ({"seed": 1, "truncation": 2}, "truncation is 2; give a number from 0 to 1.5"),
        ({"seed": 1, "truncation": None}, "truncation is None"),
    ],
)
def test_impossible_faces(values, message):
    with pytest.raises(ValueError, match=message):
        GenerateRequest(**values)


@pytest.mark.parametrize("values", [(math.nan, 0, 9), (0, None, 9), (0, 0, 7), (0, 0, 9, 181), (0, 0, "9")])
def test_impossible_frames(values):
    with pytest.raises(ValueError, match="The frame's .* give a number from"):
        FrameRequest(*values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"frames": 0}, "number of frames is 0"),
        ({"frames": 1}, "from 2 to 120"),
        ({"frames": 1000}, "number of frames is 1,000"),
        ({"seconds": 0}, "seconds is 0"),
        ({"seconds": math.nan}, "seconds is nan"),
        ({"size": 4096}, "size is 4,096"),
        ({"size": "big"}, "size is 'big'"),
        ({"format": "exe"}, "format is 'exe'; choose gif, webp or mp4"),
    ],
)
def test_impossible_films(values, message):
    with pytest.raises(ValueError, match=message):
        FilmRequest(**values)


@pytest.mark.parametrize("field", ["path", "easing", "loop"])
def test_impossible_ways(field):
    with pytest.raises(ValueError, match=f"{field} is 'zigzag'; choose"):
        PathRequest(**{field: "zigzag"})


def test_words_about_a_film():
    assert FilmRequest(12, 1.5).words(12_345) == "12 frames, 1.5 s, 12 kB."


def test_loops():
    assert [PathRequest(loop=loop).closed for loop in ("around", "boomerang", "once")] == [True, False, False]
    assert [PathRequest(loop=loop).playback for loop in ("around", "boomerang", "once")] == [
        "forward",
        "boomerang",
        "once",
    ]


def test_an_edit_keeps_what_moves():
    request = EditRequest({"age": 1, "smiling": 0.0}, hold=["smiling", "age", "smiling"])
    assert request.strengths == {"age": 1.0}
    assert request.hold == ("smiling",)


@pytest.mark.parametrize("strength", [math.nan, math.inf, -math.inf, 8.01, "1", None, True])
def test_impossible_strengths(strength):
    with pytest.raises(ValueError, match="The change of age is .*give a number from -8 to 8"):
        EditRequest({"age": strength})


def test_a_place_is_one_of_those_there_are():
    assert place(0, 1) == 0 and place(2.0, 3) == 2
    for wrong in (-1, 3, None, "1", 0.5, True):
        with pytest.raises(ValueError, match="There is no picture at place .*; there are 3, counted from 0"):
            place(wrong, 3)
