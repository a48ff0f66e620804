"""What a model gets of a picture: all of it, the face in it, or its middle."""

from __future__ import annotations

import warnings

from PIL import Image

from modeling_vae.faces import Face
from modeling_vae.model.image_processing_image_vae import VAEImageProcessor, to_picture

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
        photo = to_picture(photo)
        return FaceFinder(self.alignment).find(photo, self._middle(photo)) if self.alignment is not None else []

    def face(self, photo: Face, find: bool = True) -> PhotoCrop:
        """The largest face in a photo; its middle where there is none, or none is looked for."""
        photo = to_picture(photo)
        faces = self.faces(photo) if find else []
        return faces[0] if faces else PhotoCrop(photo, self._middle(photo))

    def of(self, face: Face) -> PhotoCrop:
        """What the model gets where nobody says which part: all of a picture of the model's size, else the face."""
        if isinstance(face, PhotoCrop):
            return face
        photo = to_picture(face)
        size = self.processor.size
        if self.alignment is None or photo.size == (size["width"], size["height"]):
            return self.face(photo, find=False)
        crop = self.face(photo)
        if crop.found is None:
            warnings.warn(
                f"no face was found in the photo of {photo.width} x {photo.height} pixels, so its middle is taken: "
                "give one whose face is larger and straight on, or choose the part yourself with a PhotoCrop.",
                stacklevel=4,
            )
        return crop

    def _middle(self, photo: Image.Image) -> Crop:
        return Crop.of_box(self.processor.crop_box(photo.size))
