"""Faces as recipes: where a face comes from and what was changed. Small, comparable, and the same as JSON.

A recipe instead of a latent is what makes a page a link: whoever has the recipe and the model has the very face.
Only a face from a visitor's photo needs the photo as well, which stays with the visitor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .render_requests import EditRequest, FrameRequest, GenerateRequest, as_whole, number, whole

MOST_PARENTS = 8
DEEPEST = 7
"""Generations of mixed faces in one recipe, whose length may double with each."""
MOST_BECOME = 16
"""Values that a face is given."""
TAUGHT = "taught/"
"""How the names of attributes begin that a visitor taught, see `lessons`."""


@dataclass(frozen=True)
class Drawn:
    """Face `index` (from 0) of a seed, of those that show what it is to be `like`."""

    seed: int
    index: int = 0
    truncation: float = 0.8
    like: str = ""

    def __post_init__(self) -> None:
        asked = GenerateRequest(self.seed, truncation=self.truncation, like=self.like)
        object.__setattr__(self, "seed", asked.seed)
        object.__setattr__(self, "truncation", asked.truncation)
        object.__setattr__(self, "index", whole("The number of the face", self.index, 0, 63))


@dataclass(frozen=True)
class Uploaded:
    """The face in a frame of a visitor's photo, see `uploads.Uploads`; `tuned` where it was made theirs."""

    upload: str
    frame: FrameRequest
    tuned: bool = False


@dataclass(frozen=True)
class Mixed:
    """A weighted sum of faces, or, with a `variety` above 0, a child of them that differs from seed to seed."""

    parts: tuple[tuple[FaceRecipe, float], ...]
    variety: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= len(self.parts) <= MOST_PARENTS:
            raise ValueError(f"{len(self.parts)} faces are to be mixed; give 1 to {MOST_PARENTS}.")
        if self.generation > DEEPEST:
            raise ValueError(f"This one has {DEEPEST} generations behind it; download it, and begin with it anew.")
        weights = tuple((face, number("The weight of a face", weight, -4.0, 4.0)) for face, weight in self.parts)
        object.__setattr__(self, "parts", weights)
        object.__setattr__(self, "variety", number("The variety", self.variety, 0.0, 1.5))
        object.__setattr__(self, "seed", GenerateRequest(self.seed).seed)

    @property
    def generation(self) -> int:
        """1 for a mix of faces that are none."""
        return 1 + max(face.origin.generation if isinstance(face.origin, Mixed) else 0 for face, _ in self.parts)


Origin = Drawn | Uploaded | Mixed


@dataclass(frozen=True)
class FaceRecipe:
    """A face: where it comes from, what is changed, and whether its photo is kept around the change.

    Args:
        origin: as it is before a change.
        became: values that it was given by the flow, before all changes, in that order.
        share: of that way; less than 1 within a film alone.
        changes: attribute and deviations, in the order in which they were first moved.
        hold: attributes that keep their value.
        keep_photo: of a photo's face: change the photo itself.
    """

    origin: Origin
    changes: tuple[tuple[str, float], ...] = ()
    hold: tuple[str, ...] = ()
    keep_photo: bool = False
    became: tuple[str, ...] = ()
    share: float = 1.0

    @property
    def changed(self) -> bool:
        return bool(self.changes or self.became)

    @property
    def become(self) -> str:
        """As `VAEPipeline.edit` wants it."""
        return " & ".join(self.became)

    @property
    def plain(self) -> FaceRecipe:
        """The face as it is."""
        return FaceRecipe(self.origin, keep_photo=self.keep_photo)

    @property
    def photo(self) -> Uploaded | None:
        return self.origin if isinstance(self.origin, Uploaded) else None

    @property
    def tuned(self) -> Uploaded | None:
        """The photo's face, where it was made its visitor's own."""
        return self.origin if isinstance(self.origin, Uploaded) and self.origin.tuned else None

    def edited(self, changes: Mapping[str, Any], hold: Any) -> FaceRecipe:
        """With other changes; the ValueErrors are those of `EditRequest`."""
        asked = EditRequest(changes, hold)
        return replace(self, changes=tuple(asked.strengths.items()), hold=tuple(asked.hold))


def taught_names(face: FaceRecipe) -> set[str]:
    """Names of what was taught, of all that the face is changed by, and those that it is mixed of."""
    names = {name for name in (*dict(face.changes), *face.hold) if name.startswith(TAUGHT)}
    parts = [part for part, _ in face.origin.parts] if isinstance(face.origin, Mixed) else []
    return names.union(*map(taught_names, parts))


def to_json(face: FaceRecipe, private: bool = False, given: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A recipe as JSON. Photos and what was taught are a visitor's own: named only where `private` asks for it.

    Args:
        face: the recipe.
        private: whether it is for the visitor alone.
        given: names of what was taught, and what they are called elsewhere.
    """
    names = given or {}

    def is_told(name: str) -> bool:
        return private or name in names or not name.startswith(TAUGHT)

    said: dict[str, Any] = {}
    changes = {names.get(name, name): change for name, change in face.changes if is_told(name)}
    hold = [names.get(name, name) for name in face.hold if is_told(name)]
    match face.origin:
        case Drawn(seed, index, truncation, like):
            said = {"seed": seed, "face": index, "truncation": truncation} | ({"like": like} if like else {})
        case Uploaded(upload, frame, tuned):
            said = {"photo": [upload, *frame.values, tuned] if private else True}
        case Mixed(parts, variety, seed):
            said = {"mix": [[to_json(part, private, names), weight] for part, weight in parts]}
            if variety:
                said |= {"variety": variety, "seed": seed}
    if face.became:
        said["become"] = list(face.became)
    if changes:
        said["edit"] = changes
    if hold:
        said["hold"] = hold
    if face.keep_photo:
        said["keep"] = True
    return said


def from_json(said: Any, depth: int = 0) -> FaceRecipe:
    """The recipe that `to_json` wrote.

    Raises:
        ValueError: it is none.
        PhotoStays: it is of a photo, which is not in it.
    """
    if not isinstance(said, Mapping) or depth > DEEPEST:
        raise ValueError(f"{said!r:.40} is no face; give one such as {{'seed': 2, 'face': 0}}.")
    face = FaceRecipe(_origin(said, depth), keep_photo=said.get("keep") is True)
    became, changes = said.get("become", []), said.get("edit", {})
    if not isinstance(became, list) or not all(isinstance(name, str) for name in became) or len(became) > MOST_BECOME:
        raise ValueError(f"What it became is {became!r:.40}; give a list of up to {MOST_BECOME} values.")
    if not isinstance(changes, Mapping):
        raise ValueError(f"The changes are {changes!r:.40}; give attributes with their strengths.")
    return replace(face, became=tuple(became)).edited(changes, said.get("hold", []))


class PhotoStays(ValueError):
    """The photo of a recipe stays with the visitor whose it is."""


def _origin(said: Mapping[str, Any], depth: int) -> Origin:
    if "photo" in said:
        given = said["photo"]
        if not isinstance(given, list) or len(given) != 6 or not isinstance(given[0], str):
            raise PhotoStays("The photo of this link stays with its owner; drop one of yours.")
        return Uploaded(given[0], FrameRequest(*given[1:5]), given[5] is True)
    if "mix" in said:
        parts = said["mix"]
        if not isinstance(parts, list) or not all(isinstance(part, list) and len(part) == 2 for part in parts):
            raise ValueError(f"The mix is {parts!r:.40}; give faces with their weights.")
        faces = tuple((from_json(face, depth + 1), weight) for face, weight in parts[: MOST_PARENTS + 1])
        return Mixed(faces, said.get("variety", 0.0), said.get("seed", 0))
    index = as_whole(said.get("face", 0))
    seed, truncation, like = said.get("seed"), said.get("truncation", 0.8), said.get("like", "")
    return Drawn(seed, -1 if index is None else index, truncation, like)  # type: ignore[arg-type]
