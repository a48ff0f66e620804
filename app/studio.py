"""Studio: everything the page can do, without a widget in sight.

It loads one pipeline, once. What belongs to a visitor (the latents of their faces) comes in and goes out as plain
numpy arrays; the studio itself keeps nothing but the latest results, so that the same request costs nothing twice.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from modeling_vae import Crop, PhotoCrop
from modeling_vae.animation import Animation
from modeling_vae.model.image_processing_image_vae import to_picture
from modeling_vae.pipeline import VAEPipeline

from .recent import Recent
from .render_requests import (
    LARGEST_SEED,
    MOST_KEYFRAMES,
    CropRequest,
    EditRequest,
    FilmRequest,
    GenerateRequest,
    PathRequest,
)

MAX_UPLOAD_BYTES = 20_000_000
UPLOAD_SIDE = 2048
"""Longer side to which an upload is reduced before it is cropped: enough for every crop, and bounded."""
MOST_UPLOAD_PIXELS = 40_000_000
"""Of an upload as it is decoded; four at once take a gigabyte at most."""
PHOTO_SIDE = 512
"""Longer side of the cropped photo that is shown beside its reconstruction."""
FOUND = "This is the largest face in your photo, levelled. Move a slider to choose another part."
NOT_FOUND = "No face was found, so this is the middle of your photo. Zoom until the face fills the frame."
BY_HAND = "Zoom until the face fills the frame, straight on."
FAR = "The model's picture is far from this photo, so edits may not fit it."
STRIP_FRAMES = 12
MOST_SHOWN = 14
"""Attributes that are shown at once; of more, so many, the others on request."""
FIRST_SEED = 2
FIRST_TRUNCATION = 0.8
Progress = Callable[[int, int], None]
"""Called before each frame of a film with the frames done and all frames; what it raises ends the work."""
RESERVED_PARAMETERS = (
    *("tray", "latent", "photo", "zoom", "across", "down", "hold"),
    *("api_name", "fn_index", "result_callbacks"),
)
"""Names that an attribute cannot have where a slider is a named argument."""


@dataclass(frozen=True)
class Attribute:
    """One slider: the name the model knows it by, a name to call it from code, and words for people."""

    name: str
    parameter: str
    label: str


@dataclass(frozen=True)
class ModelFacts:
    """What the page says about its model.

    Sizes are in pixels; `draws_fitted` where new faces come from a prior fitted to the data, and not from N(0, I);
    `finds_faces` where photos are cropped to their faces.
    """

    name: str
    height: int
    width: int
    latent_dim: int
    draws_fitted: bool
    attributes: tuple[Attribute, ...]
    finds_faces: bool


@dataclass(frozen=True, eq=False)
class Faces:
    """Faces and their latents, float32 [N, D]."""

    latents: np.ndarray
    pictures: tuple[Image.Image, ...]


@dataclass(frozen=True, eq=False)
class Photo:
    """An upload: the part of it that the model sees, its latent, float32 [D], and words about both.

    `found` says whether that part is a face that was found.
    """

    crop: Image.Image
    latent: np.ndarray
    found: bool
    note: str


@dataclass(frozen=True)
class AttributeReading:
    """An attribute of a face, in standard deviations over the data, before and after an edit; `probability` after."""

    attribute: Attribute
    before: float
    after: float
    probability: float | None


@dataclass(frozen=True, eq=False)
class EditedFace:
    """What an edit shows."""

    picture: Image.Image
    readings: tuple[AttributeReading, ...]


class Studio:
    """A pipeline at the service of a page.

    Args:
        pipe: the pipeline.
        name: what the page calls its model.

    Every method may be called from several threads at once, and raises a ValueError with a sentence for the person
    at the page where a request is not possible.
    """

    def __init__(self, pipe: VAEPipeline, name: str) -> None:
        self._pipe = pipe
        height, width = pipe.model.config.image_size
        self.facts = ModelFacts(
            name,
            height,
            width,
            pipe.latent_dim,
            draws_fitted=pipe.prior is not None,
            attributes=_named(_in_order(pipe)),
            finds_faces=pipe.alignment is not None,
        )
        self._drawn: Recent[GenerateRequest, Faces] = Recent(32)
        self._uploads: Recent[str, Image.Image] = Recent(4)
        self._photos: Recent[tuple[str, CropRequest | None], Photo] = Recent(64)
        self._films: Recent[tuple[bytes, PathRequest, FilmRequest], bytes] = Recent(8)

    @classmethod
    def load(cls, model: str | os.PathLike[str]) -> Studio:
        """The studio of a published folder or a Hub id."""
        pipe = VAEPipeline.from_pretrained(model)
        return cls(pipe, name=Path(model).resolve().name if os.path.isdir(model) else str(model))

    # --- faces ---------------------------------------------------------------------------------------------------

    def new_seed(self) -> int:
        """A seed that nobody has chosen."""
        return secrets.randbelow(min(LARGEST_SEED, 99_999) + 1)

    @property
    def welcome_request(self) -> GenerateRequest:
        """What a first visit shows."""
        return GenerateRequest(FIRST_SEED, truncation=FIRST_TRUNCATION)

    def welcome(self) -> Faces:
        return self.generate(self.welcome_request)

    def generate(self, request: GenerateRequest) -> Faces:
        """Faces from the prior: the same for the same request, today and tomorrow."""
        return self._drawn.get(request, lambda: self._generate(request))

    def encode(self, path: str | os.PathLike[str] | None, crop: CropRequest | None = None) -> Photo:
        """The latent of a part of an uploaded picture file: that asked for, or the face that is found in it.

        The same part of the same bytes is encoded once.
        """
        if path is None:
            raise ValueError("There is no photo to crop; upload one first.")
        data = _read(path)
        digest = hashlib.sha256(data).hexdigest()
        return self._photos.get((digest, crop), lambda: self._encode(digest, data, crop, Path(path).name))

    def encode_all(self, paths: Sequence[str | os.PathLike[str]]) -> np.ndarray:
        """The latents [N, D] of uploaded picture files, at least one."""
        if not paths:
            raise ValueError("No picture came; choose a picture file to upload.")
        return np.stack([self.encode(path).latent for path in paths])

    def readable(self, paths: Sequence[str | os.PathLike[str]]) -> tuple[list[str | os.PathLike[str]], list[str]]:
        """Of uploaded picture files those that can be encoded, and a sentence for each of the others.

        Raises:
            ValueError: none can; with the sentence of the first.
        """
        good: list[str | os.PathLike[str]] = []
        refused = []
        for path in paths:
            try:
                self.encode(path)
                good.append(path)
            except ValueError as error:
                refused.append(str(error))
        if refused and not good:
            raise ValueError(" ".join(refused[:3]))
        return good, refused

    def show(self, latents: np.ndarray) -> list[Image.Image]:
        """The faces of latents [N, D]."""
        return self._pipe.decode(_tensor(latents)) if len(latents) else []

    # --- edits ---------------------------------------------------------------------------------------------------

    def edit(self, latent: np.ndarray | None, request: EditRequest) -> EditedFace:
        """The face of `latent` [D], edited, and how its attributes read before and after."""
        face = self._face(latent)
        edited = _tensor(self.edited(latent, request))
        picture = self._pipe.decode(edited)[0]
        if not self.facts.attributes:
            return EditedFace(picture, ())
        before, after = self._pipe.read(face), self._pipe.read(edited)
        readings = tuple(
            AttributeReading(a, before[a.name].value, after[a.name].value, after[a.name].probability)
            for a in self.facts.attributes
        )
        return EditedFace(picture, readings)

    def edited(self, latent: np.ndarray | None, request: EditRequest) -> np.ndarray:
        """The latent [1, D] of the edited face."""
        face = self._face(latent)
        wanted = bool(request.strengths or request.hold)
        return _array(self._pipe.edit_latents(face, request.strengths, request.hold) if wanted else face)

    def sweep(
        self, latent: np.ndarray | None, request: EditRequest, film: FilmRequest, progress: Progress | None = None
    ) -> bytes:
        """A film file back and forth between the face as it is and the edited face."""
        if not request.strengths:
            raise ValueError("Move at least one slider first: the film goes from the face as it is to the edited one.")
        ends = {name: (0.0, strength) for name, strength in request.strengths.items()}
        frames = self._pipe.sweep(self._face(latent), ends, frames=film.frames, hold=request.hold)
        return frames.to_bytes(film.format, seconds=film.seconds, loop="boomerang", size=film.size, progress=progress)

    # --- films ---------------------------------------------------------------------------------------------------

    def strip(self, latents: np.ndarray | None, way: PathRequest) -> Image.Image | None:
        """A quick look at a morph: some of its frames side by side. There is none of fewer than two faces."""
        if latents is None or len(latents) < 2:
            return None
        return self._morph(latents, way, STRIP_FRAMES).sheet(columns=STRIP_FRAMES)

    def film(
        self, latents: np.ndarray | None, way: PathRequest, film: FilmRequest, progress: Progress | None = None
    ) -> bytes:
        """The film file of a morph through the faces of latents [K, D], K from 2 to 8."""
        latents = np.empty((0, self.facts.latent_dim), np.float32) if latents is None else latents
        return self._films.get((latents.tobytes(), way, film), lambda: self._film(latents, way, film, progress))

    # -------------------------------------------------------------------------------------------------------------

    def _generate(self, request: GenerateRequest) -> Faces:
        latents = self._pipe.sample(request.count, seed=request.seed, truncation=request.truncation)
        return Faces(_array(latents), tuple(self._pipe.decode(latents)))

    def _encode(self, digest: str, data: bytes, asked: CropRequest | None, name: str) -> Photo:
        picture = self._uploads.get(digest, lambda: _decoded(data, name))
        if asked is None:
            own_size = picture.size == (self.facts.width, self.facts.height)
            crop = self._pipe.crop(picture, find=not own_size)
        else:
            left, top, right, bottom = self._pipe.processor.crop_box(picture.size)
            box = asked.box(picture.size, (right - left, bottom - top))
            crop = PhotoCrop(picture, Crop.of_box(box))
        part, latent = crop.picture, _array(self._pipe.encode([crop]))[0]
        part.thumbnail((PHOTO_SIDE, PHOTO_SIDE), Image.Resampling.LANCZOS)
        return Photo(part, latent, crop.found is not None, self._note(crop, by_hand=asked is not None))

    def _note(self, crop: PhotoCrop, by_hand: bool) -> str:
        """What a person should know of a crop."""
        where = BY_HAND
        if crop.found is not None:
            where = FOUND
        elif not by_hand and self.facts.finds_faces:
            where = NOT_FOUND
        far = self._pipe.far_from_photo(crop)
        return f"{where} {FAR}" if far else where

    def _face(self, latent: np.ndarray | None) -> torch.Tensor:
        if latent is None:
            raise ValueError("There is no face to edit yet; upload a photo, or choose a face under Generate.")
        return _tensor(latent[None])

    def _film(self, latents: np.ndarray, way: PathRequest, film: FilmRequest, progress: Progress | None) -> bytes:
        frames = self._morph(latents, way, film.frames)
        return frames.to_bytes(film.format, film.seconds, way.playback, film.size, progress)

    def _morph(self, latents: np.ndarray, way: PathRequest, frames: int) -> Animation:
        if not 2 <= len(latents) <= MOST_KEYFRAMES:
            raise ValueError(f"A morph needs 2 to {MOST_KEYFRAMES} faces; there are {len(latents)} in the tray.")
        return self._pipe.morph(
            list(_tensor(latents)), frames=frames, path=way.path, easing=way.easing, closed=way.closed
        )


def _tensor(latents: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.array(latents, dtype=np.float32))


def _array(latents: torch.Tensor) -> np.ndarray:
    """A copy that nobody can change: it may be shared by sessions."""
    array = latents.detach().to("cpu", torch.float32).numpy().copy()
    array.flags.writeable = False
    return array


def _read(path: str | os.PathLike[str]) -> bytes:
    try:
        if os.path.getsize(path) > MAX_UPLOAD_BYTES:
            raise ValueError(f"The picture is larger than {MAX_UPLOAD_BYTES // 10**6} MB; scale it down first.")
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise ValueError("The upload is no longer here; upload it again.") from None


def _decoded(data: bytes, name: str) -> Image.Image:
    """An upload at the size at which it is cropped; a large JPEG is decoded at a part of its own."""
    picture = to_picture(_reduced(data) or data, MOST_UPLOAD_PIXELS, name=repr(name))
    picture.thumbnail((UPLOAD_SIDE, UPLOAD_SIDE), Image.Resampling.LANCZOS)
    return picture


def _reduced(data: bytes) -> Image.Image | None:
    """A large JPEG, to be decoded smaller than it is; of all else None, and errors are another's to name."""
    try:
        picture = Image.open(io.BytesIO(data), formats=["JPEG"])
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    share = 2 * UPLOAD_SIDE / max(picture.size)
    size = (math.ceil(picture.width * share), math.ceil(picture.height * share))
    return picture if picture.draft(None, size) else None


def _in_order(pipe: VAEPipeline) -> list[str]:
    """Names of the attributes in the model's order; of too many to show at once, those it reads best come first."""
    names = pipe.attributes
    if pipe.directions is None or len(names) <= MOST_SHOWN:
        return names
    known = pipe.directions.directions
    best = sorted(names, key=lambda name: known[name].concordance, reverse=True)[:MOST_SHOWN]
    return [*best, *(name for name in names if name not in best)]


def _named(names: Sequence[str]) -> tuple[Attribute, ...]:
    """Attributes in their order: "coat:black_and_white" is `coat_black_and_white` and "Coat: black and white"."""
    attributes, taken = [], set(RESERVED_PARAMETERS)
    for name in names:
        column, _, value = name.partition(":")
        words = [part.replace("_", " ").strip() for part in (column, value)]
        label = words[0].capitalize() + (f": {words[1]}" if value else "")
        parameter = "".join(letter if letter.isalnum() else "_" for letter in name.lower())
        while parameter in taken or not parameter.isidentifier():
            parameter = f"_{parameter}"
        taken.add(parameter)
        attributes.append(Attribute(name, parameter, label))
    return tuple(attributes)
