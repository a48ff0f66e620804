"""A face whose latent and decoder have been fitted to photos of it."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn
from torch.func import functional_call

from modeling_vae.animation import Animation
from modeling_vae.become import become_latents
from modeling_vae.model.attribute_directions import AttributeDirections
from modeling_vae.model.gaussian import Gaussian
from modeling_vae.model.image_processing_image_vae import VAEImageProcessor
from modeling_vae.model.latents import keyframe_path
from modeling_vae.model.priors import FlowPrior
from modeling_vae.model.tensor_files import find_file, read_part, refuse_other_weights, write_tensors
from modeling_vae.parts import Parts
from modeling_vae.photos.photo import PhotoCrop, edit_difference
from modeling_vae.sweeps import sweep_moves

from .fit_face import Progress, TuningSettings, fit_face

FILE_NAME = "tuned_face.safetensors"
FORMAT = "tuned-face/1"
CLEAR_CHANGE = 0.055
"""For `edit_difference`, more than for photos: at 0.04 a smile leaves 17 of 24 people themselves in dlib's eyes, here
22; at 0.06 and more a probe sees fewer than nine in ten of the edits that it sees in plain pictures
(docs/how-to/tuning.md)."""


@dataclass(frozen=True)
class TunedFace:
    """What `VAEPipeline.tune` returns. It draws by a decoder of its own; the pipeline's stays as it is.

    It takes 4 bytes for each of the decoder's weights: 4.5 MB for a decoder of 1.1 million.

    Args:
        latents: of the photos, [K, D] float32.
        decoder: that was fitted to them.
        plain: the model's own decoder, which is not changed.
        photos: what the model got of each photo; none of a loaded face whose photos were not given.
        pixel_values: the same as [K, C, H, W] in [0, 1].
        processor: of the model.
        directions, prior: of its latent space, where there are any.
        weights_sha256: of the model's weights.
    """

    latents: Tensor
    decoder: nn.Module = field(repr=False)
    plain: nn.Module = field(repr=False)
    photos: Sequence[PhotoCrop]
    pixel_values: Tensor = field(repr=False)
    processor: VAEImageProcessor = field(repr=False)
    directions: AttributeDirections | None = field(repr=False)
    prior: FlowPrior | None = field(default=None, repr=False)
    weights_sha256: str = ""

    @classmethod
    def fit(
        cls,
        parts: Parts,
        crops: Sequence[PhotoCrop],
        pixel_values: Tensor,
        settings: TuningSettings,
        progress: Progress | None = None,
    ) -> TunedFace:
        """Fit a face to crops of photos, which the model gets as pixel_values [K, C, H, W]; see `fit_face`."""
        model, prior, width = parts.model, parts.prior, parts.model.config.latent_dim
        spread = Gaussian(torch.zeros(width), torch.eye(width))
        if prior is not None:
            spread = Gaussian(prior.mean, prior.covariance)
        latents, decoder = fit_face(model, pixel_values, spread, settings, progress)
        return cls(
            latents=latents.cpu(),
            decoder=decoder,
            plain=model.decoder,
            photos=crops,
            pixel_values=pixel_values,
            processor=parts.processor,
            directions=parts.directions,
            prior=parts.prior,
            weights_sha256=parts.sha256,
        )

    @classmethod
    def load(
        cls,
        folder: str | os.PathLike[str],
        parts: Parts,
        crops: Sequence[PhotoCrop] = (),
        pixel_values: Tensor | None = None,
    ) -> TunedFace:
        """Read what `save` wrote. Edits that keep the photo need the photos again, which are not in the folder.

        Args:
            folder: with a tuned_face.safetensors.
            parts: of the model that the face was tuned from.
            crops, pixel_values: of the photos, as in `fit`; in the same order, where any are given.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is damaged, of another model, or of another number of photos.
        """
        path, plain = find_file(folder, FILE_NAME), parts.model.decoder
        before = plain.state_dict()
        shapes: dict[str, tuple[int | str, ...]] = {"latents": ("K", "D")}
        shapes |= {f"decoder.{name}": tuple(weight.shape) for name, weight in before.items()}
        tensors, description = read_part(path, FORMAT, shapes, parts.model.config.latent_dim)
        refuse_other_weights("this tuned face belongs", description["weights_sha256"], parts.sha256)
        latents = tensors["latents"].float()
        if crops and len(crops) != len(latents):
            raise ValueError(
                f"{path} is of {len(latents)} photos, and {len(crops)} came: give the same ones, in order."
            )
        decoder = copy.deepcopy(plain)
        gained = {name: tensors[f"decoder.{name}"].to(weight) for name, weight in before.items()}
        decoder.load_state_dict({name: weight + gained[name] for name, weight in before.items()})
        return cls(
            latents=latents,
            decoder=decoder.eval().requires_grad_(False),
            plain=plain,
            photos=crops,
            pixel_values=latents.new_zeros(0) if pixel_values is None else pixel_values,
            processor=parts.processor,
            directions=parts.directions,
            prior=parts.prior,
            weights_sha256=parts.sha256,
        )

    @property
    def latent(self) -> Tensor:
        """Of the first photo, [D] float32 on the CPU."""
        return self.latents[0]

    def reconstruct(self) -> Image.Image:
        """The first photo, as the tuned decoder draws it."""
        return self.processor.postprocess(self._pixels(self.decoder, self.latents[:1]))[0]

    def edit(
        self,
        strengths: Mapping[str, float],
        hold: str | Iterable[str] = (),
        preserve_detail: bool = False,
        become: str = "",
        share: float = 1.0,
    ) -> Image.Image:
        """The first photo with attributes changed; for the arguments see `VAEPipeline.edit`.

        Where the edit changes much the model's own picture takes over, and the likeness is that of the rest: the tuned
        decoder clings to what it was fitted to, and shows a third of the edits that the model's shows.
        """
        directions, first = self._directions(), self.latents[:1]
        move = directions.delta(strengths, hold)[None]
        if become:
            made = become_latents(directions, self.prior, first, become, torch.tensor([share]), hold)
            move = move + made.double() - first.double()
        edited = self._edited(move)
        if not preserve_detail:
            return self.processor.postprocess(edited)[0]
        if not self.photos:
            raise ValueError("preserve_detail needs the photo, which is not saved with a tuned face: load it with it.")
        before = self._pixels(self.decoder, self.latents[:1])
        return self.photos[0].changed(edit_difference(self.pixel_values[:1], before, edited)[0])

    def sweep(
        self,
        strengths: Mapping[str, tuple[float, float]],
        frames: int = 48,
        hold: str | Iterable[str] = (),
        easing: str = "smooth",
    ) -> Animation:
        """A film of the face while attributes go from one strength to another; see `VAEPipeline.sweep`."""
        moves = sweep_moves(self._directions(), strengths, frames, hold, easing)
        return Animation(self.processor.postprocess(self._edited(moves)))

    def morph(
        self, other: TunedFace | Tensor, frames: int = 48, path: str = "slerp", easing: str = "smooth"
    ) -> Animation:
        """A film to another face. The tuning fades along the way, and that of another tuned face comes in.

        Args:
            other: a tuned face of the same model, or a latent [D].
            frames, path, easing: see `VAEPipeline.morph`.
        """
        if isinstance(other, TunedFace) and other.weights_sha256 != self.weights_sha256:
            raise ValueError("the two faces are tuned from different models: tune both with one pipeline.")
        end = other.latent if isinstance(other, TunedFace) else other.detach().float().cpu().flatten()
        latents = keyframe_path(torch.stack([self.latent, end]), frames, path, easing, False)
        way = keyframe_path(torch.tensor([[1.0], [0.0]]), frames, "linear", easing, False).flatten().tolist()
        theirs = other.decoder if isinstance(other, TunedFace) else self.plain
        pictures: list[Image.Image] = []
        for latent, share in zip(latents, way, strict=True):
            weights = self._between(theirs, share)
            pixels = torch.sigmoid(functional_call(self.plain, weights, (self._on_device(latent[None]),)))
            pictures += self.processor.postprocess(pixels.detach().float().cpu())
        return Animation(pictures)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write tuned_face.safetensors (latents, and what the decoder gained, in half precision) and a picture.

        The photo itself is not written.
        """
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        plain = self.plain.state_dict()
        gained = {name: (weight - plain[name]).half().cpu() for name, weight in self.decoder.state_dict().items()}
        description = {"format": FORMAT, "weights_sha256": self.weights_sha256}
        tensors = {"latents": self.latents, **{f"decoder.{name}": weight for name, weight in gained.items()}}
        write_tensors(target / FILE_NAME, tensors, description)
        self.reconstruct().save(target / "reconstruction.png")
        return target / FILE_NAME

    def _between(self, theirs: nn.Module, share: float) -> dict[str, Tensor]:
        """The decoder's weights: this face's for a share of 1, the other's for 0, and by way of the plain ones."""
        plain, ours, others = (module.state_dict() for module in (self.plain, self.decoder, theirs))
        return {
            name: weight + share * (ours[name] - weight) + (1 - share) * (others[name] - weight)
            for name, weight in plain.items()
        }

    def _on_device(self, latents: Tensor) -> Tensor:
        return latents.to(next(self.decoder.parameters()))

    @torch.inference_mode()
    def _pixels(self, decoder: nn.Module, latents: Tensor) -> Tensor:
        """pixel_values [N, C, H, W] in [0, 1], float32 on the CPU, of latents [N, D]."""
        batches = self._on_device(latents).split(64)
        return torch.cat([torch.sigmoid(decoder(batch)).float().cpu() for batch in batches])

    def _edited(self, moves: Tensor) -> Tensor:
        """pixel_values [N, C, H, W] of the face after moves [N, D] of its latent."""
        first = self.latents[:1]
        tuned, before = (self._pixels(decoder, first) for decoder in (self.decoder, self.plain))
        after = self._pixels(self.plain, (first.double() + moves).float())
        return (tuned + edit_difference(tuned, before, after, CLEAR_CHANGE)).clamp(0, 1)

    def _directions(self) -> AttributeDirections:
        if self.directions is None or not len(self.directions):
            raise ValueError("this model has no attribute directions, so that its faces cannot be edited.")
        return self.directions
