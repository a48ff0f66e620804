"""The parts of a pipeline, read from a published folder and written into one. Code in a folder is never run."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch

from .contents import ACCOMPANYING, CODE, COMPUTING, Contents
from .hub.downloads import fetch, refuse_missing
from .hub.quiet_loading import quiet_loading
from .model.attribute_directions import FILE_NAME as DIRECTIONS_NAME
from .model.attribute_directions import AttributeDirections
from .model.folder_schema import CONFIG_NAME, REQUIRED, WEIGHTS_NAME, read_network
from .model.image_processing_image_vae import VAEImageProcessor
from .model.modeling_image_vae import VAEModel
from .model.priors import FILE_NAME as PRIOR_NAME
from .model.priors import FlowPrior
from .model.tensor_files import errors_of_the_disk, weights_sha256
from .photos.alignment import FILE_NAME as ALIGNMENT_NAME
from .photos.alignment import FaceAlignment
from .photos.reconstruction_errors import FILE_NAME as ERRORS_NAME
from .photos.reconstruction_errors import ReconstructionErrors
from .recipes import bundled
from .recipes.yaml_text import FILE_NAME as RECIPE_NAME
from .recipes.yaml_text import whole_text


@dataclass(kw_only=True)
class Parts:
    """What a `VAEPipeline` is made of; see there.

    Raises:
        ValueError: a part belongs to other weights than the model's.
    """

    model: VAEModel
    processor: VAEImageProcessor
    directions: AttributeDirections | None = None
    prior: FlowPrior | None = None
    alignment: FaceAlignment | None = None
    errors: ReconstructionErrors | None = None
    folder: Path | None = None
    hub_id: str | None = None
    sha256: str = ""
    storage_dtype: torch.dtype = torch.float32

    def __post_init__(self) -> None:
        self.sha256 = self.sha256 or weights_sha256(self.model.state_dict())
        for part in (self.directions, self.prior, self.errors):
            if part is not None:
                part.check_weights(self.sha256)

    @property
    def attributes(self) -> list[str]:
        """Names of the directions, see `AttributeDirections.offered`."""
        return self.directions.offered if self.directions is not None else []

    def write(self, folder: Path) -> None:
        """Write all parts into a folder, the code that loads them, and what accompanied them where they came from."""
        folder.mkdir(parents=True, exist_ok=True)
        weights = {
            name: weight.to(self.storage_dtype) if weight.is_floating_point() else weight
            for name, weight in self.model.state_dict().items()
        }
        with errors_of_the_disk(folder / WEIGHTS_NAME):
            self.model.save_pretrained(folder, state_dict=weights)
        # safetensors keeps the weights to their owner; whoever may read the configuration may read them
        shutil.copymode(folder / CONFIG_NAME, folder / WEIGHTS_NAME)
        self.processor.save_pretrained(folder)
        for part in (self.directions, self.prior, self.alignment, self.errors):
            if part is not None:
                part.save_pretrained(folder)
        for path in CODE:
            shutil.copyfile(path, folder / path.name)
        if self.folder is not None and self.folder.resolve() != folder.resolve():
            for name, path in Contents.of(self.folder, ACCOMPANYING).files.items():
                (folder / name).parent.mkdir(exist_ok=True)
                if name == RECIPE_NAME:  # what it extends lies elsewhere
                    (folder / name).write_text(whole_text(path), encoding="utf-8")
                else:
                    shutil.copyfile(path, folder / name)


def find_folder(
    folder_or_id: str | os.PathLike[str],
    *,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
) -> tuple[Path, str | None]:
    """The folder of a published model, one of the bundled by its name too; of one on the Hub its id as well."""
    folder, hub_id = bundled.find(folder_or_id), None
    if not folder.is_dir():
        if folder.is_absolute() or str(folder_or_id).startswith((".", "~")) or str(folder_or_id).count("/") != 1:
            here = ", ".join(model.name for model in bundled.models())
            nor = f"no bundled model ({here}), " if here else ""
            raise FileNotFoundError(f"{folder_or_id} is no folder, {nor}and no Hub id, which looks like user/name.")
        hub_id = str(folder_or_id)
        try:
            folder = fetch(hub_id, REQUIRED, COMPUTING, revision=revision, token=token, cache_dir=cache_dir)
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{folder_or_id} is no folder here, and {error}") from error
        except ConnectionError as error:
            raise ConnectionError(f"{folder_or_id} is no folder here, and {error}") from error
    refuse_missing(folder_or_id, REQUIRED, [path.name for path in folder.iterdir()])
    return folder, hub_id


def read_parts(
    folder_or_id: str | os.PathLike[str],
    *,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    dtype: torch.dtype = torch.float32,
) -> Parts:
    """The parts of a published folder or a Hub repository; for the errors see `VAEPipeline.from_pretrained`."""
    folder, hub_id = find_folder(folder_or_id, revision=revision, token=token, cache_dir=cache_dir)
    with quiet_loading():
        network = read_network(folder, folder_or_id, dtype)
    config = network.model.config
    directions = prior = alignment = errors = None
    if os.path.lexists(folder / DIRECTIONS_NAME):
        directions = AttributeDirections.from_pretrained(folder, latent_dim=config.latent_dim)
    if os.path.lexists(folder / PRIOR_NAME):
        prior = FlowPrior.from_pretrained(folder, latent_dim=config.latent_dim)
    if os.path.lexists(folder / ALIGNMENT_NAME):
        alignment = FaceAlignment.from_pretrained(folder)
        alignment.check_pictures(config.num_channels, *config.height_and_width)
    if os.path.lexists(folder / ERRORS_NAME):
        errors = ReconstructionErrors.from_pretrained(folder)
    return Parts(
        model=network.model,
        processor=network.processor,
        directions=directions,
        prior=prior,
        alignment=alignment,
        errors=errors,
        folder=folder,
        hub_id=hub_id,
        sha256=network.sha256,
        storage_dtype=network.storage_dtype,
    )
