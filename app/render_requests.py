"""What a person can ask the studio for: checked values, and nothing of widgets.

Each request refuses what is not possible, with a sentence for the person who asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from modeling_vae.model.gif import Loop
from modeling_vae.model.scalars import names_of, real_number, whole_number

MOST_FACES = 64
LARGEST_SEED = 2**32 - 1
MOST_KEYFRAMES = 8
MOST_FRAMES = 120
LARGEST_FILM = 512
LARGEST_STRENGTH = 8.0
_PLACES = (-1e5, 1e5)

PATHS = ("flow", "slerp", "linear")
EASINGS = ("smooth", "linear")
PLAYBACK: dict[str, Loop] = {"around": "forward", "boomerang": "boomerang", "once": "once"}
LOOPS = tuple(PLAYBACK)
FORMATS = ("gif", "webp", "mp4")


@dataclass(frozen=True)
class GenerateRequest:
    """Faces drawn from the model's fitted prior, or from N(0, I) where it has none.

    Args:
        seed: 0 to 4,294,967,295; face i of a seed is the same however many are asked for.
        count: faces, 1 to 64.
        truncation: 0 (the most ordinary faces) to 1.5; 1 draws them as the model learnt them.
        like: what they show, such as "hair:afro"; anything where it is empty.
    """

    seed: int
    count: int = 20
    truncation: float = 0.8
    like: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", whole("The seed", self.seed, 0, LARGEST_SEED))
        object.__setattr__(self, "count", whole("The number of faces", self.count, 1, MOST_FACES))
        object.__setattr__(self, "truncation", number("The truncation", self.truncation, 0.0, 1.5))
        if not isinstance(self.like, str):
            raise ValueError(f"What they show is {self.like!r:.40}; give the name of a value.")


@dataclass(frozen=True)
class FrameRequest:
    """The part of a photo that the model gets, in pixels of the photo; x to the right, y down.

    Args:
        x, y: its middle.
        height: of the upright part, at least 8; its width follows from the model's proportions.
        angle: degrees by which the face leans clockwise, -180 to 180; the part is levelled by as much.
    """

    x: float
    y: float
    height: float
    angle: float = 0.0

    def __post_init__(self) -> None:
        for name, least, most in (("x", *_PLACES), ("y", *_PLACES), ("height", 8, 2e5), ("angle", -180, 180)):
            object.__setattr__(self, name, number(f"The frame's {name}", getattr(self, name), least, most))

    @property
    def values(self) -> tuple[float, float, float, float]:
        return self.x, self.y, self.height, self.angle


@dataclass(frozen=True)
class PathRequest:
    """The way from face to face.

    Args:
        path: "flow" (along likely pictures alone), "slerp" (round the origin of the latent space) or "linear".
        easing: "smooth" slows down at each face, "linear" keeps its pace.
        loop: "around" returns to the first face, "boomerang" plays back and forth, "once" stops at the last face.
    """

    path: str = "flow"
    easing: str = "smooth"
    loop: str = "around"

    def __post_init__(self) -> None:
        _one_of("The path", self.path, PATHS)
        _one_of("The easing", self.easing, EASINGS)
        _one_of("The loop", self.loop, LOOPS)

    @property
    def closed(self) -> bool:
        return self.loop == "around"

    @property
    def playback(self) -> Loop:
        """How `Animation` plays it: a closed path already ends where it began."""
        return PLAYBACK[self.loop]


@dataclass(frozen=True)
class FilmRequest:
    """The film file: frames 2 to 120 (a boomerang adds the way back), seconds 0.2 to 30, longer side 32 to 512."""

    frames: int = 48
    seconds: float = 3.0
    size: int = 256
    format: str = "gif"

    def __post_init__(self) -> None:
        object.__setattr__(self, "frames", whole("The number of frames", self.frames, 2, MOST_FRAMES))
        object.__setattr__(self, "seconds", number("The length in seconds", self.seconds, 0.2, 30.0))
        object.__setattr__(self, "size", whole("The film's size", self.size, 32, LARGEST_FILM))
        _one_of("The format", self.format, FORMATS)

    def words(self, length: int) -> str:
        """About the film, whose file has so many bytes."""
        return f"{self.frames} frames, {self.seconds:g} s, {length / 1000:,.0f} kB."


@dataclass(frozen=True)
class EditRequest:
    """How far each attribute is moved, in standard deviations from the face as it is, and what must stay.

    Args:
        strengths: attribute -> -8 to 8; attributes that are not named, or named with 0, are not moved.
        hold: attributes that keep their value; one that is moved as well is moved.
    """

    strengths: Mapping[str, float] = field(default_factory=dict)
    hold: Iterable[str] = ()

    def __post_init__(self) -> None:
        checked = {
            name: number(f"The change of {name}", strength, -LARGEST_STRENGTH, LARGEST_STRENGTH)
            for name, strength in self.strengths.items()
        }
        moved = {name: strength for name, strength in checked.items() if strength}
        object.__setattr__(self, "strengths", moved)
        object.__setattr__(
            self, "hold", tuple(name for name in dict.fromkeys(_names("What is held", self.hold)) if name not in moved)
        )


def as_whole(value: Any) -> int | None:
    """`value` as an int, None where it is none; a float without a fraction is one (forms send 7.0)."""
    return whole_number(int(value) if isinstance(value, float) and value.is_integer() else value)


def place(given: Any, count: int) -> int:
    """Which of `count` pictures is meant, from 0; a ValueError where none is."""
    found = as_whole(given)
    if found is None or not 0 <= found < count:
        raise ValueError(f"There is no picture at place {given!r:.40}; there are {count}, counted from 0.")
    return found


def whole(name: str, value: Any, least: int, most: int) -> int:
    found = as_whole(value)
    if found is None or not least <= found <= most:
        said = f"{value!r:.40}" if found is None else f"{found:,}"[:40]
        raise ValueError(f"{name} is {said}; give a whole number from {least} to {most:,}.")
    return found


def number(name: str, value: Any, least: float, most: float) -> float:
    found = real_number(value)
    if found is None or not least <= found <= most:
        raise ValueError(f"{name} is {value!r:.40}; give a number from {least:g} to {most:g}.")
    return found


def _names(name: str, value: Any) -> list[str]:
    if not isinstance(value, str | list | tuple) or not all(isinstance(one, str) for one in value):
        raise ValueError(f"{name} is {value!r:.40}; give a list of attributes' names.")
    return names_of(value)


def _one_of(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} is {value!r:.40}; choose {', '.join(choices[:-1])} or {choices[-1]}.")
