"""Lessons: attributes that visitors teach by examples. What a lesson taught is found by its key alone.

A key is a digest of the examples. Those of a visitor's photos have names that nobody can guess, and so has the key:
what one visitor taught is no slider of another. A link or a file of a face that is changed by it says its name and its
direction, as `Given`, so that it shows the same pixels elsewhere; of the examples it says nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from modeling_vae import AttributeDirections, Direction, Taught
from modeling_vae.pipeline import VAEPipeline

from .face_recipes import TAUGHT, FaceRecipe, from_json, to_json
from .facts import Attribute
from .recent import Recent

FEWEST, MOST = 5, 50
"""Examples of either kind."""
MOST_LESSONS = 8
"""That one visitor keeps."""
LONGEST_NAME = 40
REACH = 6.0
"""Deviations at the ends of its slider; "full" is half of them."""


@dataclass(frozen=True)
class Lesson:
    """What is taught: its name, and faces with it and without it."""

    name: str = ""
    having: tuple[FaceRecipe, ...] = ()
    lacking: tuple[FaceRecipe, ...] = ()

    def __post_init__(self) -> None:
        if len(self.having) > MOST or len(self.lacking) > MOST:
            raise ValueError(f"There are {MOST} examples of this kind; that is enough, take one out to add another.")
        if not isinstance(self.name, str) or len(self.name) > LONGEST_NAME:
            raise ValueError(f"The name is {self.name!r:.40}; give one of at most {LONGEST_NAME} letters.")

    @property
    def ready(self) -> bool:
        return min(len(self.having), len(self.lacking)) >= FEWEST

    @property
    def key(self) -> str:
        """The name of its direction within the studio."""
        examples = [[to_json(face, private=True) for face in faces] for faces in (self.having, self.lacking)]
        return TAUGHT + hashlib.sha256(json.dumps(examples).encode()).hexdigest()[:32]

    @property
    def title(self) -> str:
        return self.name.strip() or "What you taught"

    def turned(self, face: FaceRecipe) -> Lesson:
        """The face as an example with it, then as one without it, then as none."""
        having, lacking = (tuple(f for f in faces if f != face) for faces in (self.having, self.lacking))
        if face in self.having:
            return replace(self, having=having, lacking=(*lacking, face))
        return replace(self, lacking=lacking, having=having if face in self.lacking else (*having, face))

    def to_json(self) -> dict[str, Any]:
        """For the visitor's own browser: the names of photos are in it."""
        having, lacking = ([to_json(face, private=True) for face in faces] for faces in (self.having, self.lacking))
        return {"name": self.name, "with": having, "without": lacking}

    @classmethod
    def from_json(cls, said: Any) -> Lesson:
        """The lesson that `to_json` wrote.

        Raises:
            ValueError: it is none.
        """
        if not isinstance(said, Mapping) or not all(isinstance(said.get(k), list) for k in ("with", "without")):
            raise ValueError(f"{said!r:.40} is no lesson; give a name, and faces with it and without it.")
        having, lacking = (tuple(from_json(face) for face in said[key][: MOST + 1]) for key in ("with", "without"))
        return cls(said.get("name", ""), having, lacking)


@dataclass(frozen=True)
class Given:
    """What was taught elsewhere, as a link or a file says it.

    Args:
        name: what it is called.
        text: its direction [D], base64 of float16.
    """

    name: str
    text: str

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or len(self.name) > LONGEST_NAME or not isinstance(self.text, str):
            raise ValueError("What was taught is damaged in this link or file; ask for it once more.")

    @property
    def key(self) -> str:
        """The name of its direction within the studio: nobody can give another one under it."""
        return TAUGHT + hashlib.sha256(self.text.encode()).hexdigest()[:32]

    @property
    def title(self) -> str:
        return self.name

    @property
    def direction(self) -> torch.Tensor:
        """Its numbers [D], float64."""
        try:
            numbers = np.frombuffer(base64.b64decode(self.text, validate=True), "<f2")
        except (binascii.Error, ValueError):
            numbers = np.array([np.nan])
        if not np.isfinite(numbers).all():
            raise ValueError(f"What is taught as {self.title!r} is damaged; ask for its link or file once more.")
        return torch.from_numpy(numbers.astype(np.float64))

    @classmethod
    def of(cls, name: str, direction: torch.Tensor) -> Given:
        return cls(name, base64.b64encode(direction.numpy().astype("<f2").tobytes()).decode())

    def to_json(self) -> list[str]:
        return [self.name, self.text]

    @classmethod
    def from_json(cls, said: Any) -> Given:
        if not isinstance(said, list) or len(said) != 2:
            raise ValueError(f"{said!r:.40} is nothing that was taught; give its name and its direction.")
        return cls(*said)


Learnt = Lesson | Given


def slider_of(lesson: Learnt) -> Attribute:
    """What was taught as a slider. Nobody has measured how far it has to go, so it goes far."""
    return Attribute(lesson.key, lesson.title, -REACH, REACH)


class Lessons:
    """What was taught, for one model. Safe to use from many threads.

    Args:
        pipe: of the model.
        latent: of a face, [D].
    """

    def __init__(self, pipe: VAEPipeline, latent: Callable[[FaceRecipe], torch.Tensor]) -> None:
        self._pipe, self._latent = pipe, latent
        self._taught: Recent[str, Taught] = Recent(256)
        self._pipes: Recent[tuple[str, ...], VAEPipeline] = Recent(32)

    def teach(self, lesson: Learnt) -> Taught:
        """The direction of a lesson, under the lesson's key.

        Raises:
            ValueError: too few examples, none that differ, a photo that is gone, or a direction of another model.
        """
        if isinstance(lesson, Given):
            return self._taught.get(lesson.key, lambda: Taught(self._directions(lesson.key, lesson), {}))
        if not lesson.ready:
            counts = f"{len(lesson.having)} with it and {len(lesson.lacking)} without it"
            raise ValueError(f"There are {counts}; give {FEWEST} of each at least, better 20.")
        return self._taught.get(lesson.key, lambda: self._teach(lesson))

    def published(self, lesson: Lesson) -> Taught:
        """The same under the name that the visitor gave, to be saved."""
        taught, name = self.teach(lesson), lesson.title
        direction: Direction = replace(taught.direction, name=name)
        return replace(taught, directions=taught.directions.with_directions([direction]))

    def given(self, lessons: Iterable[Learnt], names: Collection[str]) -> dict[str, Given]:
        """By key, those lessons of these names as a link says them."""
        used = self.known(lesson for lesson in lessons if lesson.key in names)
        return {one.key: Given.of(one.title, self.teach(one).directions.differences[0]) for one in used}

    def known(self, lessons: Iterable[Learnt]) -> list[Learnt]:
        """Those that can be edited by; what a restart or other visitors put out of mind is taught anew."""
        return [lesson for lesson in lessons if self._recalled(lesson)]

    def _recalled(self, lesson: Learnt) -> bool:
        if self._taught.peek(lesson.key) is None:
            try:
                self.teach(lesson)
            except ValueError:  # its photos are gone: whoever edits by it is told
                return False
        return True

    def pipe(self, names: Iterable[str]) -> VAEPipeline:
        """The pipeline that knows those of these attributes which were taught, besides the published ones.

        Raises:
            ValueError: one is known no more.
        """
        keys = tuple(sorted({name for name in names if name.startswith(TAUGHT)}))
        return self._pipes.get(keys, lambda: self._knowing(keys)) if keys else self._pipe

    def _teach(self, lesson: Lesson) -> Taught:
        having, lacking = ([self._latent(face) for face in faces] for faces in (lesson.having, lesson.lacking))
        taught = self._pipe.teach(lesson.key, having, lacking)
        said = Given.of(lesson.title, taught.directions.differences[0])  # rounded, as a link will say it
        return replace(taught, directions=self._directions(lesson.key, said, taught.direction))

    def _directions(self, key: str, said: Given, known: Direction | None = None) -> AttributeDirections:
        ours, direction = self._pipe.directions, said.direction
        if ours is None or len(direction) != len(ours.mean):
            raise ValueError(f"What is taught as {said.title!r} is of another model; open the model of its link.")
        what = replace(known or Direction(key, "boolean", 0, 0, 0.0), norm=float(direction.norm()))
        return AttributeDirections(
            [what], direction[None], ours.mean, ours.covariance, weights_sha256=ours.weights_sha256
        )

    def _knowing(self, keys: tuple[str, ...]) -> VAEPipeline:
        pipe = VAEPipeline(**vars(self._pipe.parts))
        for key in keys:
            taught = self._taught.peek(key)
            if taught is None:
                raise ValueError("What was taught is no longer here; teach it again.")
            pipe.add_directions(taught.directions)
        return pipe
