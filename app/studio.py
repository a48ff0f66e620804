"""Studio: everything the page can do with one model, without a widget in sight.

Faces come in as recipes (`face_recipes`) and go out as pictures. The studio keeps nothing but the latest results, so
that the same request costs nothing twice.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from PIL import Image

from modeling_vae import PhotoCrop, Reading
from modeling_vae.animation import Animation
from modeling_vae.browser.browser_model import browser_model, drawable
from modeling_vae.pipeline import VAEPipeline
from modeling_vae.tuning.tuned_face import TunedFace

from .face_map import FaceMap, MapRequest, atlas, axes_of, ordered, values_of
from .face_recipes import Drawn, FaceRecipe, Mixed, Origin, Uploaded
from .facts import Attribute, ModelFacts
from .lessons import Learnt, Lessons, slider_of
from .photos import Photos
from .recent import Recent
from .render_requests import LARGEST_SEED, LARGEST_STRENGTH, MOST_KEYFRAMES, FilmRequest, GenerateRequest, PathRequest
from .uploads import Uploads

FAR = "The model's picture is far from this photo, so edits may not fit it. Make it yours, and they will."
STRIP_FRAMES = 12
SHOWN_SIDE = 1024
Progress = Callable[[int, int], None]
"""Called before each step of long work with the steps done and all steps; what it raises ends the work."""
DRAWN_AT_ONCE = 8
"""Frames of a film: few, so that sliders draw in between and a film that is stopped ends soon."""
DOWNLOADED_SIDE = 512
"""Longer side, at least, of a picture as it is downloaded: smaller ones are enlarged smoothly."""


@dataclass(frozen=True)
class AttributeReading:
    """An attribute as it is seen in two pictures of a face, as it is and edited, in standard deviations over the data;
    `probability_before` is that of the face as it is, `probability` that of the edited one."""

    attribute: Attribute
    before: float
    after: float
    probability_before: float | None
    probability: float | None


@dataclass(frozen=True, eq=False)
class Look:
    """What an edit shows: the face as it is, edited, and what is read off both pictures."""

    before: Image.Image
    after: Image.Image
    readings: tuple[AttributeReading, ...]


class Studio:
    """A pipeline at the service of a page.

    Args:
        pipe: the pipeline.
        name: what the page calls its model.
        uploads: the visitors' photos.

    Every method may be called from several threads at once, and raises a ValueError with a sentence for the person
    at the page where a request is not possible.
    """

    def __init__(self, pipe: VAEPipeline, name: str, uploads: Uploads | None = None) -> None:
        self._pipe = pipe
        self.facts = ModelFacts.of(pipe, name)
        self.photos = Photos(pipe, Uploads() if uploads is None else uploads)
        self.lessons = Lessons(pipe, self.latent)
        self._pictures: Recent[FaceRecipe, Image.Image] = Recent(512)
        self._origins: Recent[Origin, torch.Tensor] = Recent(1024)
        self._maps: Recent[tuple[str, str], FaceMap] = Recent(16)
        self._films: Recent[tuple[tuple[FaceRecipe, ...], PathRequest, int], Animation] = Recent(4)

    # --- faces ---------------------------------------------------------------------------------------------------

    def new_seed(self) -> int:
        """A seed that nobody has chosen."""
        return secrets.randbelow(min(LARGEST_SEED, 99_999) + 1)

    def faces(self, request: GenerateRequest) -> list[FaceRecipe]:
        """Faces from the prior: the same for the same request, today and tomorrow."""
        asked = request.truncation, request.like
        recipes = [FaceRecipe(Drawn(request.seed, index, *asked)) for index in range(request.count)]
        if any(self._origins.peek(recipe.origin) is None for recipe in recipes):
            latents = self._pipe.sample(request.count, request.seed, *asked)
            for recipe, latent in zip(recipes, latents, strict=True):
                self._origins.put(recipe.origin, latent)
        return recipes

    def pictures(self, faces: Sequence[FaceRecipe]) -> list[Image.Image]:
        """Faces as the model draws them, at its own size; those that are new are drawn together."""
        kept = {face: self._pictures.peek(face) for face in dict.fromkeys(faces)}
        tuned = [face for face, picture in kept.items() if picture is None and face.tuned is not None]
        plain = [face for face, picture in kept.items() if picture is None and face.tuned is None]
        drawn = self._pipe.decode(torch.stack([self.latent(face) for face in plain])) if plain else []
        made = dict(zip(plain, drawn, strict=True)) | {face: self._tuned(face) for face in tuned}
        for face, picture in made.items():
            self._pictures.put(face, picture)
        known = {face: picture for face, picture in kept.items() if picture is not None} | made
        return [known[face] for face in faces]

    def latent(self, face: FaceRecipe) -> torch.Tensor:
        """The latent [D] of a face, edited."""
        origin = self._origin(face.origin)
        if not face.changed:
            return origin
        return self._pipe_of(face).edit_latents(origin[None], *_asked(face))[0]

    @cached_property
    def browser_model(self) -> bytes | None:
        """The file that a browser draws the model's faces with; None where it cannot."""
        parts = self._pipe.parts
        return browser_model(parts) if drawable(parts.model.config) else None

    @staticmethod
    def is_plain(face: FaceRecipe) -> bool:
        """Whether a face is drawn by the model alone: neither into a photo, nor by a decoder of its own."""
        return face.tuned is None and (face.photo is None or not face.keep_photo)

    # --- edits ---------------------------------------------------------------------------------------------------

    def attributes(self, lessons: Sequence[Learnt] = ()) -> tuple[Attribute, ...]:
        """The sliders: what a visitor taught, and what the model was published with."""
        return (*map(slider_of, self.lessons.known(lessons)), *self.facts.attributes)

    def look(self, face: FaceRecipe, lessons: Sequence[Learnt] = ()) -> Look:
        """A face as it is and edited, at a size for the screen, and what is read off both pictures."""
        before, after = self.shown(face.plain), self.shown(face)
        attributes = self.attributes(lessons)
        pipe = self.lessons.pipe(attribute.name for attribute in attributes)
        read_before, read_after = self._read(pipe, face.plain, before), self._read(pipe, face, after)
        pairs = ((a, read_before[a.name], read_after[a.name]) for a in attributes)
        readings = tuple(
            AttributeReading(a, was.value, now.value, was.probability, now.probability) for a, was, now in pairs
        )
        return Look(_for_the_screen(before), _for_the_screen(after), readings)

    def seen(self, face: FaceRecipe) -> dict[str, Reading]:
        """What is read off the picture of a face, by attribute."""
        read = self._read(self._pipe, face, self.shown(face))
        return {attribute.name: read[attribute.name] for attribute in self.facts.attributes}

    def shown(self, face: FaceRecipe) -> Image.Image:
        """A face as the page shows it: the photo's working copy with its change, or the model's picture."""
        if face.photo is None or not face.keep_photo:
            return self.pictures([face])[0]
        crop = self.photos.working_crop(face.photo)
        return self._in_photo(face, crop) if face.changed else crop.photo

    def finished(self, face: FaceRecipe) -> Image.Image:
        """A face as it is downloaded: the photo at its own size with its change, or the model's picture enlarged."""
        if face.photo is None or not face.keep_photo:
            return enlarged(self.pictures([face])[0], DOWNLOADED_SIDE)
        return self._in_photo(face, self.photos.crop(face.photo))

    def far_from_photo(self, uploaded: Uploaded) -> str:
        """Words where the model knows little of a photo, else ""."""
        far = not uploaded.tuned and self._pipe.far_from_photo(self.photos.working_crop(uploaded))
        return FAR if far else ""

    def random_changes(self, face: FaceRecipe) -> FaceRecipe:
        """The face with a few attributes changed by chance, all together about as far as one goes alone."""
        known = {a.name: a for a in self.facts.attributes if a.drawable and a.name not in face.hold}
        directions, chance = self._pipe_of(face).directions, secrets.SystemRandom()
        if directions is None:
            return face
        said = directions.independent([*face.hold, *chance.sample(list(known), len(known))])
        chosen = [known[name] for name in said if name in known][:3]
        share = 1 / math.sqrt(max(1, len(chosen)))  # moves of several add up, and too far out faces are torn
        changes = {a.name: round(share * chance.uniform(0.6, 1) * chance.choice((a.gone, a.full)), 1) for a in chosen}
        return face.edited(changes, face.hold)

    def become(self, face: FaceRecipe, target: str) -> FaceRecipe:
        """The face with this value of a column, in the place of what it has.

        By the flow where the model's prior was told of it. Else as changes, which take the place of those of its whole
        column.
        """
        if target not in self.facts.values:
            offered = ", ".join(self.facts.values) or "none"
            raise ValueError(f"{target!r:.80} is no value of a category; this model offers {offered}.")
        column = target.partition(":")[0]
        changes = {name: change for name, change in face.changes if name.partition(":")[0] != column}
        pipe = self._pipe_of(face)
        if pipe.prior is not None and pipe.prior.labels.knows(target):
            stays = [value for value in face.became if pipe.prior.labels.go_together(value, target)]
            return replace(face, became=(*stays, target)).edited(changes, face.hold)
        origin = self._origin(face.origin)[None]
        known = {attribute.name for attribute in self.facts.attributes if attribute.column == column}
        for name, strength in pipe.strengths_to_become(origin, target).items():
            if name in known:
                changes[name] = round(max(-LARGEST_STRENGTH, min(LARGEST_STRENGTH, strength)), 1)
        return face.edited(changes, face.hold)

    def given(self, face: FaceRecipe, targets: Iterable[Any]) -> FaceRecipe:
        """The face with each of these values in turn."""
        for target in targets:
            face = self.become(face, str(target))
        return face

    # --- the map -------------------------------------------------------------------------------------------------

    def map_request(self, asked: MapRequest) -> MapRequest:
        """The same with the axes that nobody chose."""
        across, up = axes_of(self.facts, self._pipe.directions)
        return replace(asked, across=asked.across or across, up=asked.up or up)

    def map(self, asked: MapRequest) -> FaceMap:
        """The map with these axes."""
        return self._maps.get((asked.across, asked.up), lambda: ordered(self.latent, lambda z: self._along(z, asked)))

    def map_picture(self, asked: MapRequest) -> Image.Image:
        """All its faces in one picture."""
        return atlas(self.pictures(self.map(asked).faces))

    def map_colours(self, asked: MapRequest) -> list[float] | None:
        """How much each of its faces has of what it is coloured by, 0 to 1, from 2 deviations below to 2 above."""
        if not asked.colour:
            return None
        values = values_of(self.map(asked).latents, asked.colour, self._pipe.directions)
        return [round(share, 2) for share in (values / 4 + 0.5).clamp(0, 1).tolist()]

    def _along(self, latents: torch.Tensor, asked: MapRequest) -> torch.Tensor:
        columns = [values_of(latents, name, self._pipe.directions) for name in (asked.across, asked.up)]
        return torch.stack(columns, dim=1)

    # --- films ---------------------------------------------------------------------------------------------------

    def strip(self, faces: Sequence[FaceRecipe], way: PathRequest) -> list[Image.Image]:
        """A quick look at a morph: some of its frames. There are none of fewer than two faces."""
        return list(self.morph(faces, way, STRIP_FRAMES)) if len(faces) > 1 else []

    def strip_latents(self, faces: Sequence[FaceRecipe], way: PathRequest) -> torch.Tensor:
        """The latents [n, D] of the frames of `strip`, for whoever draws them; of one face or more."""
        return self._path(faces, way, STRIP_FRAMES)

    def morph(
        self, faces: Sequence[FaceRecipe], way: PathRequest, frames: int, progress: Progress | None = None
    ) -> Animation:
        """The film through 2 to 8 faces, in the model's own size."""
        if not 2 <= len(faces) <= MOST_KEYFRAMES:
            raise ValueError(f"A morph needs 2 to {MOST_KEYFRAMES} pictures; there are {len(faces)}.")
        return self._films.get((tuple(faces), way, frames), lambda: self._morph(faces, way, frames, progress))

    def sweep(self, face: FaceRecipe, frames: int, progress: Progress | None = None) -> Animation:
        """The film from the face as it is to the edited one; in the photo, where that is kept."""
        if not face.changed:
            raise ValueError("Move at least one slider first: the film goes from what is there to what you edited.")
        eased = [(3 - 2 * t) * t * t for t in (i / (frames - 1) for i in range(frames))]
        steps = [_part_of(face, t) for t in eased]
        if face.photo is not None and face.keep_photo:
            return _drawn(steps, 1, lambda few: [_for_the_screen(self.shown(step)) for step in few], progress)
        return _drawn(steps, DRAWN_AT_ONCE, self.pictures, progress)

    # -------------------------------------------------------------------------------------------------------------

    def _origin(self, origin: Origin) -> torch.Tensor:
        if isinstance(origin, Uploaded) and origin.tuned:
            return self.photos.tuned_face(origin).latent
        return self._origins.get(origin, lambda: self._make_origin(origin))

    def _make_origin(self, origin: Origin) -> torch.Tensor:
        match origin:
            case Drawn(seed, index, truncation, like):
                return self._pipe.sample(index + 1, seed, truncation, like)[index]
            case Uploaded():
                return self._pipe.encode([self.photos.working_crop(origin)])[0]
            case Mixed(parts, variety, seed):
                mixed = torch.stack([weight * self.latent(face) for face, weight in parts]).sum(0)
                ways = self._pipe.sample(1, seed, truncation=variety) - self._pipe.sample(1, seed, truncation=0.0)
                return mixed + ways[0]

    def _tuned(self, face: FaceRecipe) -> Image.Image:
        tuned = self._tuned_face(face)
        strengths, hold, become, share = _asked(face)
        return tuned.edit(strengths, hold, False, become, share) if face.changed else tuned.reconstruct()

    def _tuned_face(self, face: FaceRecipe) -> TunedFace:
        return replace(self.photos.tuned_face(face.tuned), directions=self._pipe_of(face).directions)

    def _in_photo(self, face: FaceRecipe, crop: PhotoCrop) -> Image.Image:
        """The photo of a crop, changed."""
        strengths, hold, become, share = _asked(face)
        if not face.changed:
            return crop.original or crop.photo
        if face.tuned is not None:
            return replace(self._tuned_face(face), photos=[crop]).edit(strengths, hold, True, become, share)
        return self._pipe_of(face).edit(crop, strengths, hold, True, become, share)

    def _pipe_of(self, face: FaceRecipe) -> VAEPipeline:
        """The pipeline that knows what the face is changed by."""
        return self.lessons.pipe((*dict(face.changes), *face.hold))

    def _read(self, pipe: VAEPipeline, face: FaceRecipe, picture: Image.Image) -> dict[str, Reading]:
        """What is seen in a picture of the face, which is encoded for it."""
        if pipe.directions is None or not len(pipe.directions):
            return {}
        if face.photo is not None and face.keep_photo:
            return pipe.read(PhotoCrop(picture, self.photos.working_crop(face.photo).crop))
        if face.tuned is not None:
            return pipe.read(picture)
        # as `VAEPipeline.read` does with a latent, but for drawing once more what is drawn already
        return pipe.directions.read(pipe.encode(picture), drawn=True)[0]

    def _morph(
        self, faces: Sequence[FaceRecipe], way: PathRequest, frames: int, progress: Progress | None
    ) -> Animation:
        return _drawn(self._path(faces, way, frames), DRAWN_AT_ONCE, self._pipe.decode, progress)

    def _path(self, faces: Sequence[FaceRecipe], way: PathRequest, frames: int) -> torch.Tensor:
        """The latents [frames, D] of a morph."""
        latents = torch.stack([self.latent(face) for face in faces])
        return self._pipe.latent_path(latents, frames, way.path, way.easing, way.closed)


def _drawn(steps: Any, at_once: int, draw: Callable[[Any], list[Image.Image]], progress: Progress | None) -> Animation:
    """A film of steps that can be sliced, a few drawn at once."""
    frames: list[Image.Image] = []
    while len(frames) < len(steps):
        if progress is not None:
            progress(len(frames), len(steps))
        frames += draw(steps[len(frames) : len(frames) + at_once])
    return Animation(frames)


def _part_of(face: FaceRecipe, share: float) -> FaceRecipe:
    """A face after a share of all that it is changed by."""
    changes = tuple((name, to * share) for name, to in face.changes if to * share)
    return replace(face, changes=changes, share=share) if share else face.plain


def _asked(face: FaceRecipe) -> tuple[dict[str, float], tuple[str, ...], str, float]:
    """What a face is changed by, as `VAEPipeline.edit_latents` wants it."""
    return dict(face.changes), face.hold, face.become, face.share


def _for_the_screen(picture: Image.Image) -> Image.Image:
    if max(picture.size) <= SHOWN_SIDE:
        return picture
    smaller = picture.copy()
    smaller.thumbnail((SHOWN_SIDE, SHOWN_SIDE), Image.Resampling.LANCZOS)
    return smaller


def enlarged(picture: Image.Image, side: int) -> Image.Image:
    """A picture at a longer side of at least so many pixels, smoothly."""
    share = side / max(picture.size)
    if share <= 1:
        return picture
    return picture.resize((round(picture.width * share), round(picture.height * share)), Image.Resampling.LANCZOS)


def film_bytes(film: Animation, asked: FilmRequest, way: PathRequest, progress: Progress | None = None) -> bytes:
    """The film's file; smaller frames are enlarged to the size that was asked for."""
    return film.to_bytes(asked.format, asked.seconds, way.playback, asked.size, progress)


def film_made(
    draw: Callable[[Progress], Animation], asked: FilmRequest, way: PathRequest, progress: Progress
) -> bytes:
    """The file of a film that is drawn first, which is half of the progress."""
    film = draw(lambda done, steps: progress(done, 2 * steps))
    return film_bytes(film, asked, way, lambda done, steps: progress(steps + done, 2 * steps))
