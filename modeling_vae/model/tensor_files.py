"""Small safetensors files beside the weights: found, read with a clear word where they are damaged, written whole.

Each carries the SHA-256 of the weights it was made with: a direction in one latent space means nothing in another.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import hf_hub_download
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from .file_kinds import check_regular

DESCRIPTION = "description"
DIGEST = "digest"
"""Key of the description that holds the digest of everything else in the file."""
LARGEST_HEADER = 4_000_000
"""Bytes of names, shapes and description: those of ten thousand tensors."""
LARGEST_TABLE = 1_000_000
"""Bytes of a JSON file beside the weights."""
MOST_ROWS = 2**20
"""Of a dimension that nothing else decides, such as the number of directions, or of a covariance's lower half, which a
latent of 1,024 dimensions has 524,800 numbers of."""
FLOATS = ("F64", "F32", "F16", "BF16")

Shapes = Mapping[str, tuple[int | str, ...]]
"""The shape of each tensor of a file, where a letter stands for a number that is the same throughout the file."""


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
        if not os.path.lexists(folder / name):
            raise FileNotFoundError(f"{folder} has no {name}: give a folder that holds one.")
        return folder / name
    return Path(hf_hub_download(str(folder_or_id), name, **hub))


def read_table(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The JSON object that a small file holds.

    Raises:
        ValueError: it holds none.
    """
    check_regular(path, LARGEST_TABLE)
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        reason = "too deep" if isinstance(error, RecursionError) else str(error)
        raise ValueError(f"{path} is damaged ({reason}): fetch or write it again.") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} is damaged (it holds no table but {type(values).__name__}): fetch it again.")
    return values


def read_tensors(
    path: str | os.PathLike[str], shapes: Shapes | None = None, counters: Collection[str] = (), **sizes: int
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of a safetensors file, and the description that `write_tensors` put into its metadata (or {}).

    What the header says is checked before anything is read: no file can ask for more memory than it has bytes.

    Args:
        path: of the file.
        shapes: of the tensors that the file must have, neither more nor fewer; any where none are given.
        counters: names of tensors that hold whole numbers; all others hold finite ones.
        sizes: what letters of `shapes` stand for, where that is known.

    Raises:
        ValueError: the file is truncated, damaged, no safetensors file at all, of other shapes, or not finite.
    """
    check_header(path, shapes, counters, **sizes)
    description = read_description(path)
    with _damage_named(path), safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    if DIGEST in description and description.pop(DIGEST) != _digest(tensors, description):
        raise ValueError(f"{path} is damaged (its content has another digest): fetch or write it again.")
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise ValueError(f"{path}: {name} holds values that are not finite: fetch or write it again.")
    return tensors, description


def check_header(
    path: str | os.PathLike[str], shapes: Shapes | None = None, counters: Collection[str] = (), **sizes: int
) -> None:
    """Raise a ValueError where the header of a safetensors file says what it must not, see `read_tensors`."""
    found = read_header(path)
    for name, (kind, _) in found.items():
        if (kind not in FLOATS) != (name in counters) and shapes is not None:
            raise ValueError(f"{path}: {name} is of the type {kind}, which is not possible: fetch or write it again.")
    if shapes is None:
        return
    if found.keys() != shapes.keys():
        lacking, beside = sorted(shapes.keys() - found.keys()), sorted(found.keys() - shapes.keys())
        words = [f"it lacks {lacking[0]}"] if lacking else []
        words += [f"it has {beside[0]}, which does not belong there"] if beside else []
        raise ValueError(f"{path} is not what it should be ({', and '.join(words)}): fetch or write it again.")
    for name, wanted in shapes.items():
        shape = found[name][1]
        for side, letter in zip(shape, wanted, strict=False):
            if isinstance(letter, str):
                sizes.setdefault(letter, side)
        due = tuple(sizes.get(side, 0) if isinstance(side, str) else side for side in wanted)
        if len(shape) != len(wanted) or shape != due:
            raise ValueError(f"{path}: {name} has the shape {[*shape]}, where {[*(due or wanted)]} is due.")
    if unlikely := [letter for letter, size in sizes.items() if size > MOST_ROWS]:
        raise ValueError(f"{path} is not possible: {sizes[unlikely[0]]:,} rows are more than {MOST_ROWS:,}.")


def read_header(path: str | os.PathLike[str]) -> dict[str, tuple[str, tuple[int, ...]]]:
    """The type and shape of each tensor of a safetensors file; nothing of the tensors is read."""
    _check_length(path)
    with _damage_named(path), safe_open(path, framework="pt") as file:
        slices = {name: file.get_slice(name) for name in file.keys()}
        return {name: (part.get_dtype(), tuple(part.get_shape())) for name, part in slices.items()}


def read_description(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What `write_tensors` put into the metadata of a file, or {}; nothing of the tensors is read.

    Raises:
        ValueError: the file is no safetensors file, or its description no table.
    """
    _check_length(path)
    with _damage_named(path), safe_open(path, framework="pt") as file:
        description = json.loads((file.metadata() or {}).get(DESCRIPTION, "{}"))
    if not isinstance(description, dict):
        raise ValueError(f"{path} is damaged (its description is no table): fetch or write it again.")
    return description


def _check_length(path: str | os.PathLike[str]) -> None:
    """Raise a ValueError where this is no regular file, or its header alone would fill the memory."""
    check_regular(path)
    with open(path, "rb") as content:
        length = int.from_bytes(content.read(8), "little")
    if length > LARGEST_HEADER:
        raise ValueError(f"{path} is damaged or no safetensors file (a header of {length:,} bytes): fetch it again.")


@contextmanager
def _damage_named(path: str | os.PathLike[str]) -> Iterator[None]:
    """Name the file in the errors of its readers."""
    try:
        yield
    except (SafetensorError, ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else error
        raise ValueError(f"{path} is damaged or no safetensors file ({reason}): fetch or write it again.") from error


def read_part(
    path: str | os.PathLike[str], format: str, shapes: Shapes, latent_dim: int | None = None
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the description of a file that belongs to weights, see `read_tensors`.

    Args:
        path: of the file.
        format: that its description must name.
        shapes: see `read_tensors`.
        latent_dim: what D stands for there, where that is known.
    """
    sizes = {} if latent_dim is None else {"D": latent_dim}
    tensors, description = read_tensors(path, shapes, (), **sizes)
    check_format(path, description, format)
    sha256 = description.get("weights_sha256")
    if not isinstance(sha256, str) or len(sha256) > 64:
        raise ValueError(f"{path}: weights_sha256 is {sha256!r:.80}, which is no digest: fetch or write it again.")
    return tensors, description


def check_format(path: str | os.PathLike[str], description: Mapping[str, Any], format: str) -> None:
    """Raise a ValueError where a description is not of a format."""
    if description.get("format") != format:
        raise ValueError(f"{path} holds no {format} but {description.get('format')!r:.80}: fetch or write it again.")


@contextmanager
def usable(path: str | os.PathLike[str]) -> Iterator[None]:
    """Name the file in a ValueError that what is made of it raises."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{path} is not possible: {error}") from error


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
