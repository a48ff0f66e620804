"""Small safetensors files beside the weights: found, read with a clear word where they are damaged, written whole.

Each carries the SHA-256 of the weights it was made with: a direction in one latent space means nothing in another.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import hf_hub_download
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

DESCRIPTION = "description"
DIGEST = "digest"
"""Key of the description that holds the digest of everything else in the file."""


def weights_sha256(weights: Mapping[str, Tensor]) -> str:
    """The SHA-256 of a state dict: of its names, shapes and values as float32, whatever they are stored as.

    The same weights have the same hash in float16 and when they are stored as float32 again.
    """
    digest = hashlib.sha256()
    for name in sorted(weights):
        values = weights[name].detach().to("cpu", torch.float32).contiguous()
        digest.update(f"{name}{list(values.shape)}".encode())
        digest.update(values.numpy().tobytes())
    return digest.hexdigest()


def find_file(folder_or_id: str | os.PathLike[str], name: str, **hub: Any) -> Path:
    """The path of a file of a local folder, or of a Hub repository (downloaded to the cache).

    Args:
        folder_or_id: a folder, or `user/name`.
        hub: `revision`, `token`, `cache_dir` of `huggingface_hub.hf_hub_download`, whose errors are raised as well.

    Raises:
        FileNotFoundError: the folder has no such file.
    """
    folder = Path(folder_or_id)
    if folder.is_dir():
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder} has no {name}: give a folder that holds one.")
        return folder / name
    return Path(hf_hub_download(str(folder_or_id), name, **hub))


def read_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of a safetensors file, and the description that `write_tensors` put into its metadata (or {}).

    Raises:
        ValueError: the file is truncated, damaged, or no safetensors file at all.
    """
    try:
        with safe_open(path, framework="pt") as file:
            description = json.loads((file.metadata() or {}).get(DESCRIPTION, "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is damaged or no safetensors file ({error}): fetch or write it again.") from error
    if DIGEST in description and description.pop(DIGEST) != _digest(tensors, description):
        raise ValueError(f"{path} is damaged (its content has another digest): fetch or write it again.")
    return tensors, description


def write_tensors(path: str | os.PathLike[str], tensors: dict[str, Tensor], description: dict[str, Any]) -> None:
    """Write a safetensors file, whole or not at all; the same content always gives the same bytes.

    Raises:
        OSError: the file cannot be written; what was there stays.
    """
    path = Path(path)
    unfinished = path.with_name(path.name + ".unfinished")
    # one entry alone: safetensors writes several in no fixed order
    metadata = {DESCRIPTION: json.dumps(description | {DIGEST: _digest(tensors, description)}, sort_keys=True)}
    try:
        with errors_of_the_disk(path):
            # as bytes, since a file that safetensors opens itself can be read by its owner alone
            unfinished.write_bytes(save({name: tensor.contiguous() for name, tensor in tensors.items()}, metadata))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def errors_of_the_disk(path: Path) -> Iterator[None]:
    """Turn what system or safetensors say of a file that cannot be written into an OSError that names the file."""
    try:
        yield
    except (SafetensorError, OSError) as error:
        raise OSError(f"{path} could not be written ({error}): make room, or write elsewhere.") from error


def _digest(tensors: Mapping[str, Tensor], description: dict[str, Any]) -> str:
    """Of all that a file holds, so that one flipped byte is noticed wherever the file was copied to."""
    return hashlib.sha256((weights_sha256(tensors) + json.dumps(description, sort_keys=True)).encode()).hexdigest()


def refuse_other_weights(belongs: str, its: str, models: str) -> None:
    """Raise a ValueError where something belongs to other weights than the model's.

    Args:
        belongs: what it is, with its verb: "this prior belongs".
        its, models: SHA-256 of the weights that it was made for, and of the model's.
    """
    if its != models:
        raise ValueError(
            f"{belongs} to weights {its[:12]}, the model's are {models[:12]}: use what was published with this model, "
            "or fetch both again (one of the files may be damaged)."
        )
