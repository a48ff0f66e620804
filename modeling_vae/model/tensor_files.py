"""Small safetensors files beside the weights: found, read with a clear word where they are damaged, written whole.

Each carries the SHA-256 of the weights it was made with: a direction in one latent space means nothing in another.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from huggingface_hub import hf_hub_download
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor


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


def find_file(folder_or_id: str | os.PathLike[str], name: str, **hub: object) -> Path:
    """The path of a file of a local folder, or of a Hub repository (downloaded to the cache).

    Args:
        folder_or_id: a folder, or `user/name`.
        hub: `revision`, `token`, `cache_dir` of `huggingface_hub.hf_hub_download`.

    Raises:
        FileNotFoundError: the folder has no such file. Hub errors are huggingface_hub's own.
    """
    folder = Path(folder_or_id)
    if folder.is_dir():
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder} has no {name}: give a folder that holds one.")
        return folder / name
    return Path(hf_hub_download(str(folder_or_id), name, **hub))  # type: ignore[arg-type]


def read_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a safetensors file, and its metadata.

    Raises:
        ValueError: the file is truncated, damaged, or no safetensors file at all.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged or no safetensors file ({error}): fetch or write it again.") from error


def write_tensors(path: str | os.PathLike[str], tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write a safetensors file, whole or not at all."""
    path = Path(path)
    unfinished = path.with_name(path.name + ".unfinished")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, unfinished, metadata=metadata)
    unfinished.replace(path)
