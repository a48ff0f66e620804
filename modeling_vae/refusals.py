"""What a person, a file, a disk or the network did is answered in one sentence; all else is a fault, and stays one."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pickle import UnpicklingError
from zipfile import BadZipFile

import yaml
from huggingface_hub.errors import HTTPError, StrictDataclassError
from safetensors import SafetensorError

_OURS = (
    *(ValueError, OSError, HTTPError, StrictDataclassError),
    *(yaml.YAMLError, BadZipFile, SafetensorError, UnpicklingError, EOFError, MemoryError),
)


def refusals() -> tuple[type[BaseException], ...]:
    """What our own code raises for people, and what the libraries raise for their files, folders and connections.

    To be asked for once an error is there: PyTorch, whose import takes seconds, is not imported for its name.
    """
    return (*_OURS, *_full_memory())


def _full_memory() -> tuple[type[BaseException], ...]:
    torch = sys.modules.get("torch")
    return (MemoryError, torch.OutOfMemoryError) if torch is not None else (MemoryError,)


def sentence(error: BaseException) -> str:
    """What to tell of an error: its own words, or what happened where it has none of use to the person."""
    if isinstance(error, _full_memory()):
        return "the memory is full: take smaller batches (training.per_device_train_batch_size), or smaller pictures."
    if isinstance(error, StrictDataclassError):
        error = error.__cause__ or error
    words = str(error).strip() or type(error).__name__
    if isinstance(error, BadZipFile | SafetensorError | UnpicklingError | EOFError):
        return f"a file is damaged or cut off ({words}): fetch or write it again."
    if isinstance(error, yaml.YAMLError):
        return f"a file is no valid YAML ({' '.join(words.split())}): correct it."
    return printable(words)


def printable(words: str) -> str:
    """Words in which control characters, as names of files may hold them, are written out; line breaks stay."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in words)


def answered(work: Callable[[], int | None], stopped: str, begins: str = "error: ") -> int:
    """Do the work of a command; its status, which is 1 after a refusal, told in one sentence.

    Args:
        work: of the command.
        stopped: what to say after Ctrl-C.
        begins: how the sentence of a refusal begins.
    """
    try:
        return work() or 0
    except refusals() as error:
        print(f"{begins}{sentence(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(stopped, file=sys.stderr)
        return 128 + signal.SIGINT
