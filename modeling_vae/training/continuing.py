"""Where a run goes on: its newest checkpoint that is whole, and whether it still is the run that it was.

A checkpoint is whole where all that a continuation takes is there, undamaged and finite. Whoever continues from less
would get other weights than the undisturbed run, and no word of it.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Sized
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers.trainer_pt_utils import safe_globals
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from modeling_vae.files import write_whole
from modeling_vae.processes import started_together

if TYPE_CHECKING:
    from modeling_vae.data import PictureData

logger = logging.getLogger(__name__)

DIGESTS = "digests.json"
PICTURES = "pictures.json"
NEEDED = ("model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state*.pth", "trainer_state.json")
UNREADABLE = (OSError, EOFError, ValueError, KeyError, RuntimeError, BadZipFile, UnpicklingError, SafetensorError)
"""What the readers of a checkpoint's files raise where one is damaged."""
SAMPLE = 64
"""Pictures of each split that stand for all, where a run asks whether they still are the same."""


def step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def checkpoints_in(folder: Path) -> list[Path]:
    """The checkpoints of a run, the newest first."""
    found = [path for path in folder.glob(f"{PREFIX_CHECKPOINT_DIR}-*") if path.name.rpartition("-")[2].isdecimal()]
    return sorted(found, key=step_of, reverse=True)


def last_whole(folder: Path) -> Path | None:
    """The newest checkpoint that is whole, None where there is none at all; newer ones are named in a warning each.

    Raises:
        ValueError: there are some, and none is whole.
    """
    faults: dict[str, str] = {}
    for checkpoint in checkpoints_in(folder):
        fault = fault_of(checkpoint)
        if fault is None:
            for name, words in faults.items():
                logger.warning(
                    "%s in %s is passed over (%s): the run goes on from the one before.", name, folder, words
                )
            return checkpoint
        faults[checkpoint.name] = fault
    if faults:
        words = "; ".join(f"{name}: {fault}" for name, fault in faults.items())
        raise ValueError(f"no checkpoint in {folder} is whole ({words}): restore one, or delete them to begin anew.")
    return None


def fault_of(checkpoint: Path) -> str | None:
    """Why a run cannot go on from a checkpoint bit for bit, in a few words; None where it can."""
    for pattern in NEEDED:
        if not any(file.is_file() for file in checkpoint.glob(pattern)):
            return f"{pattern.replace('*', '')} is missing"
    name = DIGESTS
    try:
        for name, digest in _recorded(checkpoint).items():
            if _digest(checkpoint / name) != digest:
                return f"{name} is damaged"
        name = "trainer_state.json"
        state = json.loads((checkpoint / name).read_text(encoding="utf-8"))
        if not isinstance(state, dict) or state.get("global_step") != step_of(checkpoint):
            return f"{name} is of another step"
        name = "model.safetensors"
        if not all_finite(load_file(checkpoint / name).values()):
            return f"{name} holds values that are not finite"
        for file in sorted([*checkpoint.glob("*.pt"), *checkpoint.glob("rng_state*.pth")]):
            name = file.name
            with ZipFile(file) as archive:
                if archive.testzip() is not None:
                    return f"{name} is damaged"
            with safe_globals():
                content = torch.load(file, map_location="cpu", weights_only=True)
            if not all_finite(tensors_in(content)):
                return f"{name} holds values that are not finite"
    except UNREADABLE:
        return f"{name} is damaged"
    return None


def refuse_other_processes(checkpoint: Path) -> None:
    """Raise a ValueError where a run would go on with another number of processes than its checkpoint was written by.

    Its batches and its random numbers are those of that many.
    """
    before, now = len([*checkpoint.glob("rng_state*.pth")]), started_together()
    if before != now:
        raise ValueError(
            f"the run in {checkpoint.parent.parent} was trained by {before} process{'es' * (before > 1)}, and {now} "
            f"{'were' if now > 1 else 'was'} started: go on with as many, or begin another run (--output)."
        )


def seal(checkpoint: Path) -> None:
    """Write the digest of every file of a checkpoint into it, so that later damage is seen."""
    files = [file for file in sorted(checkpoint.iterdir()) if file.is_file() and file.name != DIGESTS]
    digests = {file.name: _digest(file) for file in files}
    write_whole(checkpoint / DIGESTS, json.dumps(digests, indent=1))


def _recorded(checkpoint: Path) -> dict[str, str]:
    """The digests that `seal` wrote; {} in a checkpoint of an earlier version."""
    file = checkpoint / DIGESTS
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}


def _digest(file: Path) -> str:
    with open(file, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def tensors_in(state: Any) -> Iterator[Tensor]:
    """All tensors of a nested state, as an optimizer's is."""
    if isinstance(state, Tensor):
        yield state
    elif isinstance(state, dict | list | tuple):
        for part in state.values() if isinstance(state, dict) else state:
            yield from tensors_in(part)


def all_finite(tensors: Iterable[Tensor]) -> bool:
    """Whether no value is NaN or infinite; one question to the device, however many there are."""
    finite = [tensor.isfinite().all() for tensor in tensors if tensor.is_floating_point()]
    return not finite or bool(torch.stack([flag.to(finite[0].device) for flag in finite]).all())


def note_pictures(data: PictureData, folder: Path) -> None:
    """Write down beside the checkpoints what the run learns from; warn where it went on from other pictures.

    Counts, and the digest of some pictures evenly spread over each split; of a stream nothing is known beforehand.
    """
    now = {name: _sampled(getattr(data, name)) for name in ("train", "validation")}
    file = folder / PICTURES
    if checkpoints_in(folder) and file.is_file():
        try:
            before = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{file} is damaged ({error}): delete it.") from error
        if before != now:
            logger.warning(
                "The pictures are others than when this run began (%s then, %s now): it goes on with them, and its "
                "weights will be those of neither.",
                _counted(before),
                _counted(now),
            )
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(file, json.dumps(now))


def _sampled(pictures: Any) -> dict[str, Any] | None:
    if not isinstance(pictures, Sized):
        return None
    plain = pictures.plain() if hasattr(pictures, "plain") else pictures
    count, digest = len(plain), hashlib.sha256()
    for row in sorted({i * count // SAMPLE for i in range(SAMPLE)}) if count else []:
        item = plain[row]  # type: ignore[index]  # a sized data set is map-style
        digest.update(item["pixel_values"].numpy().tobytes() + repr(item.get("labels")).encode())
    return {"pictures": count, "sample": digest.hexdigest()}


def _counted(noted: Any) -> str:
    splits = noted if isinstance(noted, dict) else {}
    return ", ".join(f"{split['pictures']:,} for {name}" for name, split in splits.items() if split) or "a stream"
