"""Films of faces: through several of them, along attributes, and from one value to another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence

import torch
from PIL import Image
from torch import Tensor

from .animation import Animation
from .become import become_latents
from .faces import Face, as_list, only
from .model.attribute_directions import AttributeDirections
from .model.latents import ease
from .model.priors import FlowPrior, latent_path
from .model.scalars import real_number
from .sweeps import frame_count, sweep_moves


class Films(ABC):
    """What moves, of a model that encodes faces, decodes latents, and has directions."""

    directions: AttributeDirections | None
    prior: FlowPrior | None

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
            path: "slerp" or "linear", see `keyframe_path`; or "flow", along likely faces alone, see `FlowPrior.path`.
            easing: "smooth" slows down at each face, "linear" keeps the pace.
            closed: come back to the first face.
        """
        faces = as_list(faces)
        if len(faces) < 2:
            raise ValueError(f"a morph needs two faces or more: {len(faces)} came.")
        return Animation(self.decode(self.latent_path(self.encode(faces), frames, path, easing, closed)))

    def latent_path(
        self, keyframes: Tensor, frames: int, path: str = "slerp", easing: str = "smooth", closed: bool = False
    ) -> Tensor:
        """The latents [frames, D] of a morph through latents [K, D]; for the rest see `morph`."""
        return latent_path(self.prior, keyframes, frames, path, easing, closed)

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
        """A face moved as one group's mean lies from another's: `between(cat, "coat:tabby", "coat:white")`.

        `become` asks for no source and shows more often; this is for groups that are joint ("No_Beard:false & Male").

        Args:
            face: a picture or a latent.
            source, target: groups, see `average`.
            strength: 1 for the whole way from mean to mean; less than 0 for the other direction.
        """
        move = self._directions().between(source, target)
        return self.decode((self._one(face).double().cpu() + _share(strength) * move).float())[0]

    def become(self, face: Face, target: str, strength: float = 1.0, hold: str | Iterable[str] = ()) -> Image.Image:
        """A face with another value of a category, whatever it has now: `become(face, "coat:black_and_white")`.

        See `become_latents` for the ways there. To keep a photo, give `become=` to `edit`.

        Args:
            face: a picture or a latent.
            target: "column:value", or a boolean column; where the prior knows them, several joined by "&".
            strength: 1 for all of the change; less for a part of it.
            hold: names of attributes whose values stay to the last digit.

        Raises:
            ValueError: there is no such value, or `hold` cannot be had.
        """
        return self.decode(self._becoming(face, target, torch.tensor([_share(strength)]), hold))[0]

    def become_film(
        self,
        face: Face,
        target: str,
        frames: int = 48,
        strength: float = 1.0,
        hold: str | Iterable[str] = (),
        easing: str = "smooth",
    ) -> Animation:
        """The way there as a film, from the face as it is to what `become` gives."""
        time = ease(torch.linspace(0, 1, frame_count(frames), dtype=torch.float64), easing)
        return Animation(self.decode(self._becoming(face, target, time * _share(strength), hold)))

    def strengths_to_become(self, face: Face, target: str) -> dict[str, float]:
        """The straight way to another value, as strengths, see `AttributeDirections.strengths_to_become`."""
        return self._directions().strengths_to_become(self._one(face), target)

    def _becoming(self, face: Face, target: str, shares: Tensor, hold: str | Iterable[str]) -> Tensor:
        return become_latents(self._directions(), self.prior, self._one(face), target, shares, hold)

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
