"""What visitors teach: found by its examples alone, and nobody else's."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
import torch
from planted_faces import face_photo, turned

from app.face_recipes import TAUGHT, Drawn, FaceRecipe, Mixed, Uploaded, to_json
from app.lessons import MOST, Given, Lesson
from app.page_state import PageState
from app.recipe_text import parse_recipe, recipe_text
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


def test_a_link_says_a_direction_that_is_used_and_no_example_and_a_reload_keeps_all(studio, lesson):
    face = FaceRecipe(Drawn(2)).edited({lesson.key: 2.0, "age": 1.0}, [])
    unused = PageState("tiny", tab="teach", lesson=lesson).taught()
    assert studio.lessons.given(unused.lessons, unused.taught_names) == {}
    state = replace(unused, face=face)
    assert TAUGHT not in json.dumps(state.to_json({})) and state.to_json({})["face"]["edit"] == {"age": 1.0}
    link = json.loads(json.dumps(state.to_json(studio.lessons.given(state.lessons, state.taught_names))))
    assert "lessons" not in link and lesson.key not in json.dumps(link)
    ((name, text),) = link["taught"]
    assert name == "sunny" and len(text) == 4 * math.ceil(2 * studio.facts.latent_dim / 3)
    assert PageState.from_json(json.loads(json.dumps(state.to_json()))) == state
    assert TAUGHT not in json.dumps(to_json(face))


def test_whoever_opens_the_link_sees_the_same_pixels_and_has_the_slider(studio, lesson):
    """In another process too, which has nothing but the link."""
    plain = FaceRecipe(Drawn(2))
    mixed = FaceRecipe(Mixed(((plain.edited({lesson.key: 3.0}, []), 0.5), (plain, 0.5))))
    state = replace(PageState("tiny", lesson=lesson).taught(), face=mixed.edited({"age": 1.0}, [lesson.key]))
    link = state.to_json(studio.lessons.given(state.lessons, state.taught_names))
    fresh, opened = Studio(studio._pipe, "tiny"), PageState.from_json(json.loads(json.dumps(link)))
    assert [a.label for a in fresh.attributes(opened.lessons)][0] == "sunny"
    assert torch.equal(fresh.latent(opened.face), studio.latent(state.face))
    again = opened.to_json(fresh.lessons.given(opened.lessons, opened.taught_names))
    assert again == json.loads(json.dumps(link)), "it goes on as it came"
    assert PageState.from_json(json.loads(json.dumps(opened.to_json()))) == opened, "and a reload keeps it"
    text = recipe_text("tiny", mixed, given=studio.lessons.given([lesson], {lesson.key}))
    file = parse_recipe(text)
    fresh = Studio(studio._pipe, "tiny")
    assert fresh.lessons.known(file.given) == list(file.given)
    assert torch.equal(fresh.latent(file.faces[0]), studio.latent(mixed))


def test_a_link_cannot_give_another_what_was_taught(studio, lesson):
    """Whatever a link calls it, it is found by what it is."""
    given = Given.of("sunny", torch.ones(studio.facts.latent_dim))
    assert given.key != lesson.key and Given("moony", given.text).key == given.key
    for text in ("AAA", "!", Given.of("", torch.full((studio.facts.latent_dim,), torch.inf)).text):
        assert studio.lessons.known([Given("x", text)]) == []
        with pytest.raises(ValueError, match="damaged|another model"):
            studio.lessons.teach(Given("x", text))
    with pytest.raises(ValueError, match="another model"):
        studio.lessons.teach(Given.of("x", torch.ones(3)))
    for wrong in (["x"], "x", [1, "x"], ["x" * 41, "x"]):
        with pytest.raises(ValueError, match="taught"):
            Given.from_json(wrong)


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
