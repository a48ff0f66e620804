"""Faces in photos: found, cropped and levelled as a model's pictures are, and how well it knows them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from .faces import Face
from .model.image_processing_image_vae import VAEImageProcessor
from .passes import encode_all
from .photos.alignment import FaceAlignment
from .photos.cropping import Cropper
from .photos.photo import PhotoCrop
from .photos.reconstruction_errors import ReconstructionErrors, reconstruction_error


class FoundFaces(ABC):
    """What is found in photos, by a model that has a processor, and perhaps an alignment."""

    model: Any  # a VAEModel, of whose configuration type checkers know the base class alone
    processor: VAEImageProcessor
    alignment: FaceAlignment | None
    errors: ReconstructionErrors | None

    @abstractmethod
    def decode_pixels(self, latents: Tensor) -> Tensor:
        """pixel_values [N, C, H, W] in [0, 1] of latents [N, D]."""

    def crops(self, photo: Face) -> list[PhotoCrop]:
        """The faces in a photo, the largest first, each cropped, scaled and levelled as the model's pictures are.

        There are none where no face was found, or where the model has no alignment.

        Args:
            photo: whatever `to_picture` takes.
        """
        return self._cropper.faces(photo)

    def crop(self, photo: Face, find: bool = True) -> PhotoCrop:
        """The largest face in a photo; its middle, with `found` None, where there is none or none is looked for."""
        return self._cropper.face(photo, find)

    def far_from_photo(self, photo: Face) -> str | None:
        """A sentence for the person whose photo the model knows little of; None where its reconstruction is near.

        It is far where the error is larger than that of 99 in 100 held-out pictures, as measured after training.
        """
        if self.errors is None:
            return None
        seen = self._pixel_values([self._cropper.of(photo)])
        return self._far(seen, self.decode_pixels(encode_all(self.model, seen)))

    @property
    def _cropper(self) -> Cropper:
        return Cropper(self.processor, self.alignment)

    def _far(self, pixel_values: Tensor, reconstruction: Tensor) -> str | None:
        """`far_from_photo` of what the model got, and its reconstruction, both [1, C, H, W]."""
        if self.errors is None:
            return None
        error = float(reconstruction_error(reconstruction, pixel_values))
        return self.errors.sentence(error) if error > self.errors.largest else None

    def _pixel_values(self, crops: Sequence[PhotoCrop]) -> Tensor:
        result: Tensor = self.processor([crop.picture for crop in crops], return_tensors="pt")["pixel_values"]
        return result
