"""Films of faces: through several of them, along attributes, and from one value to another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence

import torch
from PIL import Image
from torch import Tensor

from .animation import Animation
from .faces import Face, as_list, only
from .model.attribute_directions import AttributeDirections
from .model.latents import ease, keyframe_path
from .model.scalars import real_number
from .sweeps import frame_count, sweep_moves


class Films(ABC):
    """What moves, of a model that encodes faces, decodes latents, and has directions."""

    directions: AttributeDirections | None

    @abstractmethod
    def encode(self, faces: Face | Sequence[Face]) -> Tensor:
        """Latents [N, D] of faces."""

    @abstractmethod
    def decode(self, latents: Tensor) -> list[Image.Image]:
        """Pictures of latents [N, D]."""

    def morph(
        self,
        faces: Sequence[Face],
        frames: int = 48,
        path: str = "slerp",
        easing: str = "smooth",
        closed: bool = False,
    ) -> Animation:
        """A film through two or more faces.

        Args:
            faces: pictures or latents, in order.
            frames: how many, at least 1.
            path: "slerp" or "linear", see `keyframe_path`.
            easing: "smooth" slows down at each face, "linear" keeps the pace.
            closed: come back to the first face.
        """
        faces = as_list(faces)
        if len(faces) < 2:
            raise ValueError(f"a morph needs two faces or more: {len(faces)} came.")
        return Animation(self.decode(keyframe_path(self.encode(faces), frames, path, easing, closed)))

    def sweep(
        self,
        face: Face,
        strengths: Mapping[str, tuple[float, float]],
        frames: int = 48,
        hold: str | Iterable[str] = (),
        easing: str = "smooth",
    ) -> Animation:
        """A film of one face while attributes go from one strength to another: {"eyes_closed": (-2, 2)}."""
        moves = sweep_moves(self._directions(), strengths, frames, hold, easing)
        return Animation(self.decode((self._one(face).double() + moves).float()))

    def between(self, face: Face, source: str, target: str, strength: float = 1.0) -> Image.Image:
        """A face that loses one value and gets another: `between(face, "coat:tabby", "coat:black_and_white")`.

        Args:
            face: a picture or a latent.
            source, target: names of directions, or groups, see `AttributeDirections.exchange`.
            strength: 1 for a change that is seen, as it was measured; less for a part of it.
        """
        return self.decode(self._exchanged(face, source, target, torch.tensor([_share(strength)])))[0]

    def exchange_strengths(self, source: str, target: str) -> dict[str, float]:
        """What `between` changes, as strengths for `edit`, see `AttributeDirections.exchange_strengths`."""
        return self._directions().exchange_strengths(source, target)

    def between_film(
        self, face: Face, source: str, target: str, frames: int = 48, strength: float = 1.0, easing: str = "smooth"
    ) -> Animation:
        """The way there as a film, from the face as it is to what `between` gives."""
        time = ease(torch.linspace(0, 1, frame_count(frames), dtype=torch.float64), easing)
        return Animation(self.decode(self._exchanged(face, source, target, time * _share(strength))))

    def _exchanged(self, face: Face, source: str, target: str, shares: Tensor) -> Tensor:
        """The latents [N, D] of a face after N shares of an exchange."""
        move = self._directions().exchange(source, target)
        return (self._one(face).double() + shares.double()[:, None] * move).float()

    def _one(self, face: Face) -> Tensor:
        """The latent [1, D] of the one face that a method is about."""
        return self.encode(only(as_list(face)))

    def _directions(self) -> AttributeDirections:
        if self.directions is None or not len(self.directions):
            raise ValueError(
                "this model has no attribute directions: train it with an attributes section; if it was, its "
                "evaluation.json says why they were refused."
            )
        return self.directions


def _share(strength: float) -> float:
    number = real_number(strength)
    if number is None:
        raise ValueError(f"strength={strength!r} is not possible: give a finite number, 1 for all of the change.")
    return number
