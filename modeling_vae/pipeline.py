"""The pipeline: faces in, faces and films out. Loads a published folder and does all that its latent space can."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import torch
from huggingface_hub import CommitInfo
from PIL import Image
from torch import Tensor

from .become import become_latents
from .faces import Face, as_latent, as_list, only
from .few_examples import Taught, teach
from .films import Films
from .found_faces import FoundFaces
from .hub.commits import PushOptions
from .hub.downloads import fetch
from .model.attribute_directions import FILE_NAME as DIRECTIONS_NAME
from .model.attribute_directions import AttributeDirections, Reading
from .model.image_processing_image_vae import VAEImageProcessor
from .model.latents import check_latents, sample_noise, truncate
from .model.modeling_image_vae import VAEModel
from .model.priors import FlowPrior
from .parts import Parts, read_parts
from .passes import decode_all, encode_all
from .photos.alignment import FaceAlignment
from .photos.photo import edit_difference
from .photos.reconstruction_errors import ReconstructionErrors
from .tuning.fit_face import DEFAULT, Progress, TuningSettings
from .tuning.tuned_face import TunedFace


class VAEPipeline(FoundFaces, Films):
    """A VAE with its processor, directions and prior.

    ```python
    pipe = VAEPipeline.from_pretrained("hub_configs/cats-128")
    pipe.generate(8, seed=1)                          # eight pictures
    pipe.edit("cat.jpg", {"eyes_closed": 2.0})        # one picture
    pipe.morph(["a.jpg", "b.jpg"]).save("cat.gif")    # a film
    ```

    Args:
        model: in evaluation mode, on the device where it shall compute.
        processor: of the model's pictures.
        directions: of the model's latent space, where there are any.
        prior: fitted to the model's latents, where there is one.
        alignment: which finds the face in a photo and levels it; without, a photo is cropped to its middle.
        errors: how far reconstructions usually are from pictures.
        folder: the published folder it came from.
        hub_id: of the repository that the folder is a cached copy of.
    """

    def __init__(
        self,
        model: VAEModel,
        processor: VAEImageProcessor,
        directions: AttributeDirections | None = None,
        prior: FlowPrior | None = None,
        alignment: FaceAlignment | None = None,
        errors: ReconstructionErrors | None = None,
        *,
        folder: Path | None = None,
        hub_id: str | None = None,
        sha256: str = "",
        storage_dtype: torch.dtype = torch.float32,
    ) -> None:
        self.model = model.eval().requires_grad_(False)  # type: ignore[no-untyped-call]
        self.processor, self.directions, self.prior = processor, directions, prior
        self.alignment, self.errors = alignment, errors
        self.folder, self.hub_id, self.storage_dtype = folder, hub_id, storage_dtype
        self.weights_sha256 = sha256
        self.weights_sha256 = self.parts.sha256  # computed where it was not given, and checked against the parts'

    @classmethod
    def from_pretrained(
        cls,
        folder_or_id: str | os.PathLike[str],
        *,
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> VAEPipeline:
        """Load a published folder, a bundled model by its name, or a Hub repository. Code in it is never run.

        Raises:
            FileNotFoundError: there is no such folder or repository, or a file is missing; the message says which.
            ValueError: a file is damaged, belongs to another model, or describes an impossible one; or PyTorch cannot
                compute on the device here.
            PermissionError, ConnectionError: the Hub refused or cannot be reached, see `hub.downloads.fetch`.
        """
        parts = read_parts(folder_or_id, revision=revision, token=token, cache_dir=cache_dir, dtype=dtype)
        return cls(**vars(parts)).to(device)

    def to(self, device: str | torch.device) -> VAEPipeline:
        """Compute on another device from now on; returns the pipeline. Latents and pictures stay on the CPU.

        Raises:
            ValueError: PyTorch cannot compute on it here.
        """
        try:
            torch.empty(0, device=device)
        except (AssertionError, RuntimeError) as error:
            raise ValueError(f"device is {str(device)!r}, which PyTorch cannot use here: {error}") from error
        self.model.to(device)
        return self

    def __repr__(self) -> str:
        height, width = self.model.config.height_and_width
        name = self.hub_id or (self.folder.name if self.folder is not None else "unsaved")
        sizes = f"{width} x {height}, {self.latent_dim} numbers a picture, {len(self.attributes)} attributes"
        return f"VAEPipeline({name}: {sizes}, on {self.model.device})"

    @property
    def latent_dim(self) -> int:
        result: int = self.model.config.latent_dim
        return result

    @property
    def attributes(self) -> list[str]:
        """Names of the directions, those first that show in pictures: see `AttributeDirections.offered`."""
        return self.directions.offered if self.directions is not None else []

    @property
    def parts(self) -> Parts:
        """What the pipeline is made of."""
        return Parts(
            model=self.model,
            processor=self.processor,
            directions=self.directions,
            prior=self.prior,
            alignment=self.alignment,
            errors=self.errors,
            folder=self.folder,
            hub_id=self.hub_id,
            sha256=self.weights_sha256,
            storage_dtype=self.storage_dtype,
        )

    # latents

    def sample(self, n: int = 1, seed: int = 0, truncation: float = 1.0, like: str = "") -> Tensor:
        """Random latents, [n, D] float32 on the CPU; row i of a seed is the same however many are asked for.

        They come from the prior fitted to the latents of pictures, or from N(0, I), which is rough, where the model
        has none.

        Args:
            n: how many.
            seed: whole number of at least 0.
            truncation: 1 for the whole variety, towards 0 for ever more ordinary faces.
            like: what they shall show: "coat:tabby", "coat:tabby & eyes_closed"; anything where it is empty.

        Raises:
            ValueError: the model's prior does not know what `like` is.
        """
        if self.prior is not None:
            return self.prior.sample(n, seed, truncation, like)
        if like:
            raise ValueError(f"like={like!r:.80} needs a prior that was told labels, and this model has none.")
        noise = sample_noise(n, self.latent_dim, seed)
        return truncate(noise, torch.zeros(self.latent_dim), truncation)

    def encode(self, faces: Face | Sequence[Face]) -> Tensor:
        """Latents of faces, [N, D] float32 on the CPU: posterior means of pictures, latents as they are.

        A picture of the model's size is taken as it is; of any other the largest face, see `crop`. Where there is
        none a warning says so, and the middle is taken. Give a `PhotoCrop` to choose for yourself.
        """
        faces = as_list(faces)
        latents = [as_latent(face, self.latent_dim) for face in faces]
        pictures = [i for i, latent in enumerate(latents) if latent is None]
        if pictures:
            crops = [self._cropper.of(faces[i]) for i in pictures]
            for i, latent in zip(pictures, encode_all(self.model, self._pixel_values(crops)), strict=True):
                latents[i] = latent
        return torch.stack([latent for latent in latents if latent is not None])

    def decode(self, latents: Tensor) -> list[Image.Image]:
        """Pictures of latents [N, D]."""
        return self.processor.postprocess(self.decode_pixels(latents))

    @torch.inference_mode()
    def decode_pixels(self, latents: Tensor) -> Tensor:
        """pixel_values [N, C, H, W] in [0, 1], float32 on the CPU, of latents [N, D]."""
        check_latents(latents, width=self.latent_dim)
        if latents.ndim != 2:
            raise ValueError(f"latents has shape {tuple(latents.shape)}: give [N, {self.latent_dim}].")
        return decode_all(self.model, latents)

    # pictures

    def generate(self, n: int = 1, seed: int = 0, truncation: float = 1.0, like: str = "") -> list[Any]:
        """n new pictures; see `sample`."""
        return self.decode(self.sample(n, seed, truncation, like))

    def reconstruct(self, faces: Face | Sequence[Face]) -> list[Image.Image]:
        """What the model makes of faces: decode(encode(faces))."""
        return self.decode(self.encode(faces))

    def read(self, face: Face) -> dict[str, Reading]:
        """Each attribute's value in standard deviations over the data, and its probability: of what is seen.

        A picture is read as it is. A latent is drawn, and its picture encoded again: an edit that the model cannot
        draw reads as little as one sees of it, whatever the latent was set to (`directions.read` tells that).
        """
        latent = as_latent(face := only(as_list(face)), self.latent_dim)
        if latent is None:
            return self._directions().read(self.encode(face))[0]
        drawn = encode_all(self.model, self.decode_pixels(latent[None]))
        return self._directions().read(drawn, drawn=True)[0]

    def edit_latents(
        self,
        latents: Tensor,
        strengths: Mapping[str, float],
        hold: str | Iterable[str] = (),
        become: str = "",
        share: float = 1.0,
    ) -> Tensor:
        """Latents [N, D] moved by strengths (name -> standard deviations); values of `hold` do not change.

        Args:
            latents: [N, D].
            strengths, hold: see `AttributeDirections.edit`.
            become: what each is made before that, see `become_latents`; nothing where it is empty.
            share: of that way, 0 to 1.
        """
        check_latents(latents, width=self.latent_dim)
        directions = self._directions()
        if become:
            shares = torch.tensor([share])
            made = [become_latents(directions, self.prior, one, become, shares, hold) for one in latents.split(1)]
            latents = torch.cat(made).to(latents)
        return directions.edit(latents, strengths, hold)

    def edit(
        self,
        face: Face,
        strengths: Mapping[str, float],
        hold: str | Iterable[str] = (),
        preserve_detail: bool = False,
        become: str = "",
        share: float = 1.0,
    ) -> Image.Image:
        """A face with attributes changed.

        Args:
            face: a picture or a latent.
            strengths: attribute -> standard deviations by which it changes.
            hold: attributes that shall not change, or the one.
            preserve_detail: keep the photo: what the edit changes in the model's picture is added to the photo itself,
                at its own resolution, inside the crop that the model got. Where that is much, all of the photo but
                details finer than the model's pixels gives way (`photo.edit_difference`). Size, profile and
                transparency are the photo's, see `PhotoCrop.changed`. Needs a picture. Where the
                reconstruction is farther from it than those of 99 in 100 held-out pictures were from theirs, a warning
                says so.
            become, share: what it becomes before that, see `edit_latents`.
        """
        if not preserve_detail:
            return self.decode(self.edit_latents(self._one(face), strengths, hold, become, share))[0]
        face = only(as_list(face))
        if as_latent(face, self.latent_dim) is not None:
            raise ValueError("preserve_detail needs the photo whose detail is to be kept: give a picture, no latent.")
        crop = self._cropper.of(face)
        seen = self._pixel_values([crop])
        before = encode_all(self.model, seen)
        pixels = self.decode_pixels(torch.cat([before, self.edit_latents(before, strengths, hold, become, share)]))
        far = self._far(seen, pixels[:1])
        if far is not None:
            warnings.warn(far, stacklevel=2)
        return crop.changed(edit_difference(seen, pixels[:1], pixels[1:])[0])

    def average(self, group: str) -> Image.Image:
        """The average picture of a group: "coat:tabby", "eyes_closed", "No_Beard:false & Male".

        It is the mean of pictures around the group's mean latent (`AttributeDirections.around`): where that latent
        itself lies the decoder has seen little, and draws a grating.
        """
        directions = self.directions
        if directions is None or not directions.groups:  # the mean of a value needs no direction
            directions = self._directions()
        pictures = self.decode_pixels(directions.around(group))
        return self.processor.postprocess(pictures.mean(0, keepdim=True))[0]

    def teach(self, name: str, having: Face | Sequence[Face], lacking: Face | Sequence[Face]) -> Taught:
        """A direction from few examples, 5 to 50 pictures with an attribute and as many without it.

        The pipeline stays as it is; `add_directions(taught.directions)` makes edits of it.

        Args:
            name: of the attribute.
            having: faces with it.
            lacking: faces without it, as like those with it as can be had in all else.

        Raises:
            ValueError: see `few_examples.teach`.
        """
        return teach(self._directions(), name, self.encode(having), self.encode(lacking))

    # a face of one's own

    def tune(
        self,
        photos: Face | Sequence[Face],
        progress: Progress | None = None,
        settings: TuningSettings = DEFAULT,
    ) -> TunedFace:
        """A face whose latent and decoder are fitted to photos of one person; this model stays as it is.

        Args:
            photos: pictures, paths or `PhotoCrop`s.
            progress: called before each step with the steps done and all steps; what it raises ends the fit.
            settings: how.
        """
        faces = as_list(photos)
        if any(as_latent(face, self.latent_dim) is not None for face in faces):
            raise ValueError("a face is tuned to photos, and a latent came: give pictures, their paths, or crops.")
        crops = [self._cropper.of(face) for face in faces]
        return TunedFace.fit(self.parts, crops, self._pixel_values(crops), settings, progress)

    def load_face(self, folder: str | os.PathLike[str], photos: Face | Sequence[Face] = ()) -> TunedFace:
        """A tuned face that was saved; with its photos its edits can keep them. For errors see `TunedFace.load`."""
        faces = [] if isinstance(photos, Sequence) and not photos else as_list(photos)
        crops = [self._cropper.of(face) for face in faces]
        return TunedFace.load(folder, self.parts, crops, self._pixel_values(crops) if crops else None)

    # files

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write the published folder: weights, configuration, processor, directions, prior, and code that loads it.

        The card, recipe, figures and films of the folder it came from are taken along.
        """
        self.parts.write(Path(folder))

    def push_to_hub(self, repo_id: str, **options: Unpack[PushOptions]) -> CommitInfo:
        """Publish all that `save_pretrained` writes, in one commit, with a card of what the pipeline is now.

        Args:
            repo_id: `user/name`, made where there is none.
            options: see `PushOptions`; for the errors see `publishing.repository.push_folder`.
        """
        from .publishing.repository import push_parts

        return push_parts(self.parts, repo_id, **options)

    def load_directions(
        self, folder_or_id: str | os.PathLike[str], *, prefix: str | None = None, **hub: Any
    ) -> list[str]:
        """Add directions that somebody else published for these weights; returns their names.

        Args:
            folder_or_id: a folder or Hub repository with a directions.safetensors.
            prefix: put before their names ("prefix/smiling"), which is needed where a name is taken.
            hub: `revision`, `token`, `cache_dir`.

        Raises:
            ValueError: they belong to other weights, or their names clash; see `AttributeDirections.joined`.
        """
        folder = Path(folder_or_id)
        if not folder.is_dir():
            folder = fetch(str(folder_or_id), [DIRECTIONS_NAME], **hub)
        return self.add_directions(AttributeDirections.from_pretrained(folder, latent_dim=self.latent_dim), prefix)

    def add_directions(self, others: AttributeDirections, prefix: str | None = None) -> list[str]:
        """Add directions at hand, such as taught ones; returns their names. For the errors see `load_directions`."""
        others.check_weights(self.weights_sha256)
        before = self.attributes
        if self.directions is not None:
            self.directions = self.directions.joined(others, prefix)
        else:
            self.directions = others if prefix is None else others.prefixed(prefix)
        return [name for name in self.attributes if name not in before]
