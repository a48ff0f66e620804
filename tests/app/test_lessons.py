"""What visitors teach: found by its examples alone, and nobody else's."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from planted_faces import face_photo, turned

from app.face_recipes import TAUGHT, Drawn, FaceRecipe, Uploaded, to_json
from app.lessons import MOST, Lesson
from app.page_state import PageState
from app.render_requests import FrameRequest
from app.studio import Studio


def drawn(count: int, seed: int = 5) -> tuple[FaceRecipe, ...]:
    return tuple(FaceRecipe(Drawn(seed, index)) for index in range(count))


@pytest.fixture
def lesson() -> Lesson:
    faces = drawn(20)
    return Lesson("sunny", faces[:8], faces[8:])


def test_a_lesson_is_a_slider_at_once(studio, lesson):
    studio.lessons.teach(lesson)
    slider = studio.attributes([lesson])[0]
    assert (slider.name, slider.label) == (lesson.key, "sunny")
    face = FaceRecipe(Drawn(2)).edited({lesson.key: 2.0, "age": 1.0}, ["smiling"])
    look = studio.look(face, [lesson])
    assert look.readings[0].attribute == slider and len(look.readings) == 6
    assert studio.latent(face).tolist() != studio.latent(face.plain).tolist()
    assert lesson.key not in [a.name for a in studio.attributes()]
    assert len(studio.sweep(face, 3)) == 3


def test_it_edits_the_photo_too(studio, lesson, tmp_path):
    face_photo([turned(60, 70, 70, 10)], (160, 130)).save(tmp_path / "one.png")
    upload = studio.photos.uploads.add(tmp_path / "one.png")
    face = FaceRecipe(Uploaded(upload, studio.photos.search(upload).frames[0]), keep_photo=True)
    studio.lessons.teach(lesson)
    edited = face.edited({lesson.key: 4.0}, [])
    assert studio.finished(edited).size == (160, 130)
    assert studio.look(edited, [lesson]).after.tobytes() != studio.look(edited, [lesson]).before.tobytes()


def test_a_face_turns_from_with_to_without_to_none():
    one, other = drawn(2)
    lesson = Lesson().turned(one).turned(other)
    assert lesson.having == (one, other)
    assert lesson.turned(one) == Lesson("", (other,), (one,))
    assert lesson.turned(one).turned(one) == Lesson("", (other,))


def test_a_link_tells_nothing_of_what_was_taught_and_a_reload_keeps_it(lesson):
    face = FaceRecipe(Drawn(2)).edited({lesson.key: 2.0, "age": 1.0}, [])
    state = replace(PageState("tiny", tab="teach", lesson=lesson).taught(), face=face)
    link, own = state.to_json(), state.to_json(private=True)
    assert TAUGHT not in json.dumps(link) and "sunny" not in json.dumps(link) and link["face"]["edit"] == {"age": 1.0}
    assert PageState.from_json(json.loads(json.dumps(own))) == state
    assert TAUGHT not in json.dumps(to_json(face))


def test_what_a_restart_forgot_is_taught_anew_and_of_what_cannot_be_nothing_is_shown(studio, lesson):
    fresh = Studio(studio._pipe, "tiny")
    assert fresh.lessons.known([lesson]) == [lesson]
    gone = FaceRecipe(Uploaded("gone", FrameRequest(9, 9, 9)))
    lost = replace(lesson, having=(gone, *lesson.having))
    assert fresh.lessons.known([lost, lesson]) == [lesson]
    with pytest.raises(ValueError, match="teach it again"):
        fresh.latent(FaceRecipe(Drawn(2)).edited({lost.key: 1.0}, []))


def test_the_key_is_of_the_examples_and_not_of_the_name(lesson):
    assert replace(lesson, name="x").key == lesson.key
    assert replace(lesson, having=lesson.having[1:]).key != lesson.key


def test_the_newest_lessons_are_kept(lesson):
    state = PageState("tiny")
    for count in range(12):
        state = replace(state, lesson=replace(lesson, lacking=drawn(6 + count, 9))).taught()
    assert len(state.lessons) == 8 and state.lessons[0] == state.lesson
    assert len(replace(state, lesson=replace(state.lesson, name="y")).taught().lessons) == 8


def test_published_directions_carry_the_visitors_name(studio, lesson):
    taught = studio.lessons.published(lesson)
    assert taught.directions.names == ["sunny"] and taught.held_out == studio.lessons.teach(lesson).held_out


def test_what_is_no_lesson_is_refused(studio):
    with pytest.raises(ValueError, match="2 with it and 0 without it; give 5"):
        studio.lessons.teach(Lesson("x", drawn(2)))
    with pytest.raises(ValueError, match="that is enough"):
        Lesson("x", drawn(64)[: MOST + 1])
    with pytest.raises(ValueError, match="at most 40 letters"):
        Lesson("x" * 41)
    with pytest.raises(ValueError, match="is no lesson"):
        Lesson.from_json({"with": 3})
