"""Everything a visitor has chosen, as one value: what the page shows follows from it, and its link is made of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .face_map import MapRequest
from .face_recipes import (
    MOST_PARENTS,
    Drawn,
    FaceRecipe,
    PhotoStays,
    Uploaded,
    from_json,
    taught_names,
    to_json,
)
from .lessons import MOST_LESSONS, Given, Learnt, Lesson
from .render_requests import MOST_KEYFRAMES, GenerateRequest, PathRequest, number

FIRST_SEED = 2
FIRST_TRUNCATION = 0.8
FIRST_VARIETY = 0.6
TABS = ("photo", "generate", "edit", "morph", "mix", "map", "teach")
MOST_STEPS = 40
"""Of an edit that can be undone."""


@dataclass(frozen=True)
class PageState:
    """Args:
    model: the name it is opened by.
    opened: whether the page shows it already; before that the browser may have chosen a tab by itself.
    paints: whether the page draws the model's faces by itself.
    tab: the one that is open.
    seed, truncation, like, chosen: of the new faces, and which of them is chosen, from 0.
    photo: the face in the visitor's photo, where there is one.
    face: the one that is edited.
    past, future: what undo and redo lead to, the nearest last.
    keyframes: of the morph, in order.
    parents: of a mix, with their weights.
    brood: of their children, from which seed; None where none are asked for.
    variety: of these children.
    lineage: the children that were gone on with, the first ancestor first.
    way: of the morph.
    map: which, and the place on it.
    lesson: that is being put together.
    lessons: that were taught, the newest first, and what a link or a file gave.
    """

    model: str
    tab: str = "generate"
    seed: int = FIRST_SEED
    truncation: float = FIRST_TRUNCATION
    like: str = ""
    chosen: int = 0
    photo: Uploaded | None = None
    face: FaceRecipe = FaceRecipe(Drawn(FIRST_SEED, 0, FIRST_TRUNCATION))
    past: tuple[FaceRecipe, ...] = ()
    future: tuple[FaceRecipe, ...] = ()
    keyframes: tuple[FaceRecipe, ...] = field(
        default_factory=lambda: tuple(FaceRecipe(Drawn(FIRST_SEED, index, FIRST_TRUNCATION)) for index in range(3))
    )
    way: PathRequest = PathRequest()
    parents: tuple[tuple[FaceRecipe, float], ...] = ()
    brood: int | None = None
    variety: float = FIRST_VARIETY
    lineage: tuple[FaceRecipe, ...] = ()
    map: MapRequest = MapRequest()
    lesson: Lesson = Lesson()
    lessons: tuple[Learnt, ...] = ()
    opened: bool = field(default=False, compare=False)
    paints: bool = field(default=False, compare=False)

    @property
    def request(self) -> GenerateRequest:
        return GenerateRequest(self.seed, truncation=self.truncation, like=self.like)

    def with_face(self, face: FaceRecipe) -> PageState:
        """With another face to edit; its own changes are the first step."""
        return replace(self, face=face, past=(), future=())

    def taught(self) -> PageState:
        """With the lesson among those that were taught, the first of them; the oldest go."""
        return self.with_lessons(self.lesson)

    def with_lessons(self, *lessons: Learnt) -> PageState:
        """With these before what was learnt already."""
        keys = {lesson.key for lesson in lessons}
        others = (lesson for lesson in self.lessons if lesson.key not in keys)
        return replace(self, lessons=(*lessons, *others)[:MOST_LESSONS])

    @property
    def taught_names(self) -> set[str]:
        """Names of what was taught, of all that the faces of its link are changed by."""
        faces = [self.face, *self.keyframes, *(face for face, _ in self.parents)]
        return set().union(*map(taught_names, faces))

    def stepped(self, face: FaceRecipe) -> PageState:
        """With the face changed, by a step that can be undone. Moves of the same sliders are one step."""
        if face == self.face:
            return self
        moved = [name for name, _ in face.changes] == [name for name, _ in self.face.changes]
        alike = (face.became, face.hold) == (self.face.became, self.face.hold)
        same_step = moved and alike and bool(self.past) and face.changes != ()
        past = self.past if same_step else (*self.past, self.face)[-MOST_STEPS:]
        return replace(self, face=face, past=past, future=())

    def undone(self) -> PageState:
        if not self.past:
            return self
        *past, face = self.past
        return replace(self, face=face, past=tuple(past), future=(*self.future, self.face))

    def redone(self) -> PageState:
        if not self.future:
            return self
        *future, face = self.future
        return replace(self, face=face, past=(*self.past, self.face), future=tuple(future))

    def to_json(self, given: Mapping[str, Given] | None = None) -> dict[str, Any]:
        """What a link says.

        Args:
            given: what was taught that faces are changed by, by the names that they call it; None asks for what the
                visitor alone may know, with names of photos and the examples of lessons.
        """
        private, names = given is None, {name: one.key for name, one in (given or {}).items()}

        def said_of(face: FaceRecipe) -> dict[str, Any]:
            return to_json(face, private, names)

        own: dict[str, Any] = {}
        if private and self.photo is not None:
            own["photo"] = said_of(FaceRecipe(self.photo))
        if private and (self.lessons or self.lesson != Lesson()):
            own["lessons"] = [one.to_json() for one in (self.lesson, *self.lessons)]
        if given:
            own["taught"] = [one.to_json() for one in given.values()]
        return {
            "model": self.model,
            "tab": self.tab,
            "seed": self.seed,
            "truncation": self.truncation,
            "chosen": self.chosen,
            "face": said_of(self.face),
            "keyframes": [said_of(face) for face in self.keyframes],
            "way": [self.way.path, self.way.easing, self.way.loop],
            "parents": [[said_of(face), weight] for face, weight in self.parents],
            "brood": self.brood,
            "variety": self.variety,
            **({"like": self.like} if self.like else {}),
            **self._map,
            **own,
        }

    @property
    def _map(self) -> dict[str, Any]:
        there = self.map
        return {"map": [there.across, there.up, there.colour, there.x, there.y]} if there != MapRequest() else {}

    @classmethod
    def from_json(cls, said: Any) -> PageState:
        """The state that a link says; faces whose photo stayed with its owner are left out.

        Raises:
            ValueError: it says none.
        """
        if not isinstance(said, Mapping) or not isinstance(said.get("model"), str):
            raise ValueError("This link says nothing that the page could show.")
        plain = cls(said["model"])
        drawn = Drawn(
            said.get("seed", plain.seed),
            said.get("chosen", plain.chosen),
            said.get("truncation", plain.truncation),
            said.get("like", plain.like),
        )
        keyframes = said.get("keyframes", [])
        way, place = said.get("way", []), said.get("map", [])
        if not isinstance(keyframes, list) or not isinstance(way, list) or len(way) > 3:
            raise ValueError("This link says nothing that the page could show.")
        parents, brood = said.get("parents", []), said.get("brood")
        if not isinstance(parents, list) or not all(isinstance(one, list) and len(one) == 2 for one in parents):
            raise ValueError("This link says nothing that the page could show.")
        kept = [(_known(face), number("The weight", weight, -4, 4)) for face, weight in parents[:MOST_PARENTS]]
        found = [_known(face) for face in keyframes[:MOST_KEYFRAMES]]
        lesson, learnt = _learnt(said)
        face = _known(said["face"]) if "face" in said else None
        photo = _known(said["photo"]) if "photo" in said else None
        return replace(
            plain,
            tab=said["tab"] if said.get("tab") in TABS else plain.tab,
            seed=drawn.seed,
            truncation=drawn.truncation,
            like=drawn.like,
            chosen=drawn.index,
            photo=photo.photo if photo else None,
            face=face or plain.face,
            keyframes=tuple(one for one in found if one is not None),
            way=PathRequest(*way),
            parents=tuple((face, weight) for face, weight in kept if face is not None),
            map=MapRequest(*place[:5]) if isinstance(place, list) else MapRequest(),
            lesson=lesson,
            lessons=learnt,
            brood=None if brood is None else GenerateRequest(brood).seed,
            variety=number("The variety", said.get("variety", plain.variety), 0, 1),
        )


def parsed(text: str) -> PageState:
    """The state of a link's text, for the errors see `PageState.from_json`."""
    try:
        return PageState.from_json(json.loads(text))
    except json.JSONDecodeError:
        raise ValueError("This link is damaged; ask for it once more.") from None


def _known(said: Any) -> FaceRecipe | None:
    try:
        return from_json(said)
    except PhotoStays:
        return None


def _learnt(said: Mapping[str, Any]) -> tuple[Lesson, tuple[Learnt, ...]]:
    """The lesson that is being put together, and what was learnt."""
    lessons, taught = said.get("lessons", []), said.get("taught", [])
    if not isinstance(lessons, list) or not isinstance(taught, list):
        raise ValueError("This link says nothing that the page could show.")
    own = [Given.from_json(one) if isinstance(one, list) else Lesson.from_json(one) for one in lessons]
    given = [Given.from_json(one) for one in taught[:MOST_LESSONS]]
    lesson = own[0] if own and isinstance(own[0], Lesson) else Lesson()
    learnt = [one for one in (*own[1:], *given) if isinstance(one, Given) or one.ready]
    return lesson, tuple(learnt[:MOST_LESSONS])
