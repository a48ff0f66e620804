"""A visitor's photo at the service of one model: its faces, and each as the model gets it.

An edit is shown on a working copy, no larger than a screen, and made of the photo itself when it is downloaded.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from modeling_vae import Crop, PhotoCrop, to_picture
from modeling_vae.pipeline import VAEPipeline
from modeling_vae.tuning.fit_face import Progress
from modeling_vae.tuning.tuned_face import TunedFace

from .face_recipes import Uploaded
from .recent import Recent
from .render_requests import FrameRequest
from .uploads import Uploads

SHOWN_SIDE = 1024
"""Longer side of the working copy of a photo."""
PART_SIDE = 512
FINEST = 1.5
"""Pixels of a working copy for each of the model's, at least, where the photo has so many."""
MOST_TUNED = 12
"""Faces that were made their visitors' own; the oldest go."""
FOUND = "{count} were found. Choose one, or move the frame."
FOUND_ONE = "One was found and levelled. Move the frame if you want another part."
NOT_FOUND = "None was found, so the frame is in the middle. Move it until one fills it, straight on."
BY_HAND = "Move the frame to the part that you want."


@dataclass(frozen=True, eq=False)
class FoundFaces:
    """A photo that was searched: its size in pixels, the frames of its faces (one at least), and words about them.

    `found` says how many of the frames are of faces that were found; of none it is in the middle.
    """

    width: int
    height: int
    frames: tuple[FrameRequest, ...]
    found: int
    note: str


class Photos:
    """Visitors' photos for one model. Safe to use from many threads.

    Args:
        pipe: of the model.
        uploads: where the photos are.
    """

    def __init__(self, pipe: VAEPipeline, uploads: Uploads) -> None:
        self._pipe, self.uploads = pipe, uploads
        height, width = pipe.model.config.image_size
        self.aspect = width / height
        self.side = height
        self._found: Recent[Path, FoundFaces] = Recent(64)
        self._working: Recent[tuple[str, FrameRequest], PhotoCrop] = Recent(16)
        self._shown: Recent[str, Image.Image] = Recent(16)
        self._tuned: Recent[Uploaded, TunedFace] = Recent(MOST_TUNED)
        self._tuning = threading.Lock()

    def search(self, upload: str) -> FoundFaces:
        """The faces in a photo; each photo is searched once, also one that is uploaded again.

        Gradio names the file of an upload by what is in it, so equal paths are equal photos.
        """
        return self._found.get(self.uploads.path(upload), lambda: self._search(upload))

    def crop(self, uploaded: Uploaded) -> PhotoCrop:
        """The part of the photo itself in the frame."""
        original = self.uploads.photo(uploaded.upload)
        return PhotoCrop(original, self._crop_of(uploaded.frame))

    def working_crop(self, uploaded: Uploaded) -> PhotoCrop:
        """The same part of the working copy, which is as large as it has to be to show it."""
        key = uploaded.upload, uploaded.frame
        return self._working.get(key, lambda: self._scaled(self.crop(uploaded)))

    def shown(self, upload: str) -> Image.Image:
        """The whole photo at a size for the screen."""
        return self._shown.get(upload, lambda: _smaller(to_picture(self.uploads.photo(upload)), SHOWN_SIDE))

    def part(self, uploaded: Uploaded) -> Image.Image:
        """What the model gets of the photo, upright."""
        return _smaller(self.working_crop(uploaded).picture, PART_SIDE)

    def tune(self, uploaded: Uploaded, progress: Progress | None = None) -> Uploaded:
        """Make the face its visitor's own: the recipe of the tuned face, which is kept for as long as there is room.

        Args:
            uploaded: the face.
            progress: see `VAEPipeline.tune`.
        """
        tuned = replace(uploaded, tuned=True)
        crop = self.working_crop(uploaded)
        with self._tuning:  # one after the other: two at once take twice as long each
            self._tuned.get(tuned, lambda: self._pipe.tune(crop, progress))
        return tuned

    def tuned_face(self, uploaded: Uploaded | None) -> TunedFace:
        """The face that `tune` made.

        Raises:
            ValueError: it had to make room for others.
        """

        face = None if uploaded is None else self._tuned.peek(uploaded)
        if face is None:
            raise ValueError("What was learnt of this photo made room for others; make it yours again.")
        return face

    def _crop_of(self, frame: FrameRequest) -> Crop:
        return Crop((frame.x, frame.y), frame.height * self.aspect, frame.height, frame.angle)

    def _search(self, upload: str) -> FoundFaces:
        photo = self.uploads.photo(upload)
        own_size = photo.size == (round(self.side * self.aspect), self.side)
        crops = [] if own_size else self._pipe.crops(photo)
        note = FOUND_ONE if len(crops) == 1 else FOUND.format(count=len(crops))
        found = len(crops)
        if not crops:
            crops = [self._pipe.crop(photo, find=False)]
            note = BY_HAND if own_size or self._pipe.alignment is None else NOT_FOUND
        frames = tuple(FrameRequest(*face.crop.center, face.crop.height, face.crop.angle) for face in crops)
        return FoundFaces(photo.width, photo.height, frames, found, note)

    def _scaled(self, crop: PhotoCrop) -> PhotoCrop:
        photo, part = crop.photo, crop.crop
        share = max(SHOWN_SIDE / max(photo.size), FINEST * self.side / part.height)
        if share >= 1:
            return PhotoCrop(photo, part)
        size = (max(1, round(photo.width * share)), max(1, round(photo.height * share)))
        center = (part.center[0] * share, part.center[1] * share)
        smaller = Crop(center, part.width * share, part.height * share, part.angle)
        return PhotoCrop(photo.resize(size, Image.Resampling.LANCZOS, reducing_gap=3), smaller)


def _smaller(picture: Image.Image, side: int) -> Image.Image:
    smaller = picture.copy()
    smaller.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3)
    return smaller
