"""A recipe and its JSON are one; photos stay with their owners."""

from dataclasses import replace

import pytest

from app.face_recipes import DEEPEST, Drawn, FaceRecipe, Mixed, PhotoStays, Uploaded, from_json, to_json
from app.page_state import MOST_STEPS, PageState, parsed
from app.recipe_text import Recipe, parse_recipe, recipe_text
from app.render_requests import FrameRequest, PathRequest

DRAWN = FaceRecipe(Drawn(7, 3, 0.5)).edited({"smiling": 2, "age": -1.5}, ["coat:black"])
PHOTO = FaceRecipe(Uploaded("a-secret-name", FrameRequest(10, 20, 30, 5), tuned=True), keep_photo=True)
CHILD = FaceRecipe(Mixed(((DRAWN, 0.5), (FaceRecipe(Drawn(1)), 0.5)), 0.4, 9))


OTHER = replace(DRAWN, became=("hair:afro", "hat:false"))


@pytest.mark.parametrize("face", [DRAWN, PHOTO, CHILD, OTHER], ids=["drawn", "photo", "child", "other"])
def test_there_and_back(face):
    assert from_json(to_json(face, private=True)) == face


def test_a_photo_is_not_in_what_others_see():
    said = to_json(PHOTO.edited({"age": 1}, []))
    assert said == {"photo": True, "edit": {"age": 1.0}, "keep": True}
    with pytest.raises(PhotoStays, match="stays with its owner"):
        from_json(said)
    mixed = FaceRecipe(Mixed(((PHOTO, 1.0),)))
    assert "secret" not in str(to_json(mixed))
    state = PageState("m", photo=PHOTO.photo, face=PHOTO, keyframes=(DRAWN, PHOTO))
    assert "secret" not in str(state.to_json({}))
    shown = PageState.from_json(state.to_json({}))
    assert shown.face == PageState("m").face and shown.keyframes == (DRAWN,) and shown.photo is None
    assert PageState.from_json(state.to_json()) == state


def test_what_it_became_is_said_and_goes_with_a_reset():
    said = to_json(OTHER)
    assert said["become"] == ["hair:afro", "hat:false"] and said["edit"] == {"smiling": 2.0, "age": -1.5}
    assert OTHER.plain == FaceRecipe(OTHER.origin) and OTHER.edited({}, []).became == OTHER.became
    for wrong in ("hat", [1], ["hat"] * 17):
        with pytest.raises(ValueError, match="give a list of up to 16 values"):
            from_json(said | {"become": wrong})


def test_to_become_is_a_step_of_its_own():
    state = PageState("m").stepped(DRAWN).stepped(OTHER)
    assert state.undone().face == DRAWN and state.undone().redone().face == OTHER
    assert len(state.stepped(OTHER.edited({"smiling": 3, "age": -1.5}, ["coat:black"])).past) == len(state.past)


def test_a_recipe_that_never_ends_is_refused():
    said = to_json(DRAWN)
    for _ in range(DEEPEST + 2):
        said = {"mix": [[said, 1.0]]}
    with pytest.raises(ValueError, match="is no face"):
        from_json(said)


def test_the_words_in_a_picture():
    assert parse_recipe(recipe_text("cats-64", DRAWN, CHILD)) == Recipe("cats-64", (DRAWN, CHILD))
    way = PathRequest("linear", loop="once")
    assert parse_recipe(recipe_text("cats-64", DRAWN, CHILD, way=way)) == Recipe("cats-64", (DRAWN, CHILD), way)


def test_steps_are_undone_and_redone():
    state = PageState("m")
    first = state.face
    one, two = first.edited({"a": 1}, []), first.edited({"a": 1, "b": 2}, [])
    state = state.stepped(one).stepped(two)
    assert state.past == (first, one) and state.undone().face == one and state.undone().redone() == state
    assert state.undone().undone().undone().face == first
    again = state.undone().stepped(first.edited({"c": 1}, []))
    assert again.future == ()


def test_a_drag_is_one_step():
    state = PageState("m")
    for value in (0.1, 0.2, 0.3):
        state = state.stepped(state.face.edited({"a": value}, []))
    assert state.undone().face == PageState("m").face


def test_steps_are_bounded():
    state = PageState("m")
    for number in range(3 * MOST_STEPS):
        state = state.stepped(state.face.edited({f"a{number}": 1}, []))
    assert len(state.past) == MOST_STEPS


def test_what_new_faces_show_is_in_the_link():
    state = PageState("m", like="hair:afro", face=FaceRecipe(Drawn(2, 1, 0.8, "hair:afro")))
    assert PageState.from_json(state.to_json({})) == state
    with pytest.raises(ValueError, match="give the name of a value"):
        from_json({"seed": 2, "like": 3})


def test_a_link_without_anything_is_a_beginning():
    assert parsed('{"model": "m"}') == PageState("m", keyframes=())
