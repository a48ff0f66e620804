"""What a model gets of a picture: all of it, the face in it, or its middle."""

from __future__ import annotations

import warnings
from dataclasses import replace

from PIL import Image

from modeling_vae.faces import Face
from modeling_vae.model.image_processing_image_vae import VAEImageProcessor, upright

from .alignment import FaceAlignment
from .crop import Crop
from .finder import FaceFinder
from .photo import PhotoCrop


class Cropper:
    """Crops pictures for one model.

    Args:
        processor: knows the size of the model's pictures, and the middle of others.
        alignment: finds and levels faces; without, there is the middle only.
    """

    def __init__(self, processor: VAEImageProcessor, alignment: FaceAlignment | None) -> None:
        self.processor, self.alignment = processor, alignment

    def faces(self, photo: Face) -> list[PhotoCrop]:
        """All faces in a photo, the largest first."""
        return self._faces(self._whole(photo))

    def face(self, photo: Face, find: bool = True) -> PhotoCrop:
        """The largest face in a photo; its middle where there is none, or none is looked for."""
        whole = self._whole(photo)
        faces = self._faces(whole) if find else []
        return faces[0] if faces else whole

    def of(self, face: Face) -> PhotoCrop:
        """What the model gets where nobody says which part: all of a picture of the model's size, else the face."""
        if isinstance(face, PhotoCrop):
            return face
        whole = self._whole(face)
        photo, size = whole.photo, self.processor.size
        if self.alignment is None or photo.size == (size["width"], size["height"]):
            return whole
        faces = self._faces(whole)
        if not faces:
            warnings.warn(
                f"no face was found in the photo of {photo.width} x {photo.height} pixels, so its middle is taken: "
                "give one whose face is larger and straight on, or choose the part yourself with a PhotoCrop.",
                stacklevel=4,
            )
        return faces[0] if faces else whole

    def _whole(self, photo: Face) -> PhotoCrop:
        """The photo with its middle for a crop."""
        original = upright(photo)
        return PhotoCrop(original, self._middle(original))

    def _faces(self, whole: PhotoCrop) -> list[PhotoCrop]:
        if self.alignment is None:
            return []
        found = FaceFinder(self.alignment).find(whole.photo, whole.crop)
        return [replace(face, original=whole.original) for face in found]

    def _middle(self, photo: Image.Image) -> Crop:
        return Crop.of_box(self.processor.crop_box(photo.size), margins=self.processor.crop == "pad")
