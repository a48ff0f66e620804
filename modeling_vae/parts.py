"""The parts of a pipeline, read from a published folder and written into one. Code in a folder is never run."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from .hub.downloads import fetch, refuse_missing
from .model import attribute_directions, priors
from .model.attribute_directions import AttributeDirections
from .model.configuration_image_vae import VAEConfig
from .model.image_processing_image_vae import VAEImageProcessor
from .model.modeling_image_vae import VAEModel
from .model.priors import MixturePrior
from .model.tensor_files import errors_of_the_disk, read_tensors, weights_sha256
from .photos import alignment, reconstruction_errors
from .photos.alignment import FaceAlignment
from .photos.reconstruction_errors import ReconstructionErrors

CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"
REQUIRED = (CONFIG_NAME, WEIGHTS_NAME, "preprocessor_config.json")
ACCOMPANYING = ("README.md", "recipe.yaml", "evaluation.json", "evaluation.md", "media", ".eval_results")
"""What else a published folder holds, and `save_pretrained` takes along."""
FOREIGN = ("attn_implementation", "_attn_implementation", "quantization_config")
"""Keys of a configuration for which transformers looks for packages, or for kernels on the Hub. A VAE needs none."""
CODE = [*sorted(Path(__file__).parent.glob("model/[!_.]*.py")), Path(__file__).parent / "model" / "requirements.txt"]
"""The code that travels with the weights, and what an Inference Endpoint installs for it."""
COMPUTING = tuple(part.FILE_NAME for part in (attribute_directions, priors, alignment, reconstruction_errors))
"""Files beside the required ones that a pipeline computes with, where they are there."""


@dataclass(kw_only=True)
class Parts:
    """What a `VAEPipeline` is made of; see there.

    Raises:
        ValueError: a part belongs to other weights than the model's.
    """

    model: VAEModel
    processor: VAEImageProcessor
    directions: AttributeDirections | None = None
    prior: MixturePrior | None = None
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
        """Names of the directions."""
        return self.directions.names if self.directions is not None else []

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
            for name in ACCOMPANYING:
                if (self.folder / name).is_dir():
                    shutil.copytree(self.folder / name, folder / name, dirs_exist_ok=True)
                elif (self.folder / name).is_file():
                    shutil.copyfile(self.folder / name, folder / name)


def read_parts(
    folder_or_id: str | os.PathLike[str],
    *,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    dtype: torch.dtype = torch.float32,
) -> Parts:
    """The parts of a published folder or a Hub repository; for the errors see `VAEPipeline.from_pretrained`."""
    folder, hub_id = Path(folder_or_id), None
    if not folder.is_dir():
        if folder.is_absolute() or str(folder_or_id).startswith((".", "~")) or str(folder_or_id).count("/") != 1:
            raise FileNotFoundError(f"{folder_or_id} is no folder, and no Hub id, which looks like user/name.")
        hub_id = str(folder_or_id)
        try:
            folder = fetch(hub_id, REQUIRED, COMPUTING, revision=revision, token=token, cache_dir=cache_dir)
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{folder_or_id} is no folder here, and {error}") from error
        except ConnectionError as error:
            raise ConnectionError(f"{folder_or_id} is no folder here, and {error}") from error
    refuse_missing(folder_or_id, REQUIRED, [path.name for path in folder.iterdir()])
    _check_kind(folder, folder_or_id)
    stored, _ = read_tensors(folder / WEIGHTS_NAME)
    loaded: Any = VAEModel.from_pretrained(
        folder,
        dtype=dtype,
        use_safetensors=True,
        local_files_only=True,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # they are among the problems, which are errors here
    )
    model, problems = loaded
    if any(problems.values()):
        found = "; ".join(f"{name}: {sorted(map(str, keys))[:5]}" for name, keys in problems.items() if keys)
        raise ValueError(f"the weights of {folder_or_id} do not fit its {CONFIG_NAME} ({found}).")
    there = {name: (folder / name).is_file() for name in COMPUTING}
    return Parts(
        model=model,
        processor=VAEImageProcessor.from_pretrained(folder, local_files_only=True),
        directions=AttributeDirections.from_pretrained(folder) if there[attribute_directions.FILE_NAME] else None,
        prior=MixturePrior.from_pretrained(folder) if there[priors.FILE_NAME] else None,
        alignment=FaceAlignment.from_pretrained(folder) if there[alignment.FILE_NAME] else None,
        errors=ReconstructionErrors.from_pretrained(folder) if there[reconstruction_errors.FILE_NAME] else None,
        folder=folder,
        hub_id=hub_id,
        sha256=weights_sha256(stored),
        storage_dtype=next(iter(stored.values())).dtype,
    )


def _check_kind(folder: Path, source: object) -> None:
    """Raise a ValueError where the configuration in a folder, which came from a source, is not that of a VAE."""
    config = f"{CONFIG_NAME} of {source}"
    try:
        values = json.loads((folder / CONFIG_NAME).read_text(encoding="utf-8"))
        kind = values.get("model_type")
        foreign = [key for key in FOREIGN if key in values or key in (values.get("encoder_backbone") or {})]
    except (ValueError, AttributeError) as error:
        raise ValueError(f"{config} is damaged ({error}): fetch or write it again.") from error
    if kind != VAEConfig.model_type:
        raise ValueError(f"{config} describes a model of type {kind!r}, no VAE ({VAEConfig.model_type!r}).")
    if foreign:
        raise ValueError(f"{config} has {foreign[0]}, which makes transformers fetch code of others: take it out.")
