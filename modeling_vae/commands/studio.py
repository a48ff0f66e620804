"""`modeling-vae studio`: opens the studio, which is a program of its own beside the package."""

from __future__ import annotations

import importlib
import importlib.util


def studio_package() -> str:
    """Name of the package with the studio: within ours where it is installed, `app` in a checkout."""
    return "modeling_vae.studio" if importlib.util.find_spec("modeling_vae.studio") else "app"


def run(arguments: list[str], program: str) -> int:
    return int(importlib.import_module(f"{studio_package()}.__main__").main(arguments, program))
