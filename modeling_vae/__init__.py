"""Image VAEs for transformers: train, find attribute directions, morph, edit, publish."""

import importlib
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    return getattr(importlib.import_module(f"{__name__}.public"), name)


def _is_our_program() -> bool:
    """Whether this process is `modeling-vae`, `python -m modeling_vae` or `train.py`, and not a worker of theirs."""
    if "--multiprocessing-fork" in sys.orig_argv:
        return False
    if sys.argv[:1] == ["-m"]:
        return ("-m", __name__) in pairwise(sys.orig_argv)
    program = Path(*sys.argv[:1])
    return program.name == "modeling-vae" or program.resolve() == Path(__file__).resolve().parents[1] / "train.py"


# Whoever imports this package has its names and its entries in the Auto classes at once. Our own programs have answers
# that need neither, and no PyTorch, whose import takes seconds: there the names come with the first that is used.
if not _is_our_program():
    from .public import *  # noqa: F403
    from .public import __all__ as __all__
