"""`modeling-vae annotate FOLDER --column NAME`."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

MOST_VALUES = 9
"""As many as there are keys."""


def parser(program: str) -> argparse.ArgumentParser:
    """What the command is told."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Ask about each picture of a folder, on a page that is answered by keys, and write the answers "
        "into a column of the folder's metadata.csv as they come. Stopped and called again it goes on.",
        epilog="Example: %(prog)s my_cats --column grumpy; then: modeling-vae directions runs/cats/published "
        "--data my_cats --attributes grumpy:boolean",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="of pictures")
    parser.add_argument("--column", required=True, metavar="NAME", help="what is asked about, such as grumpy")
    parser.add_argument(
        "--values", nargs="+", default=["yes", "no"], metavar="VALUE", help="the answers, 2 to 9 (default: yes no)"
    )
    parser.add_argument("--port", type=int, help="where to serve (default: the first free port from 7860)")
    return parser


def run(arguments: list[str], program: str) -> None:
    options = parser(program).parse_args(arguments)
    if not 2 <= len(options.values) <= MOST_VALUES:
        raise ValueError(f"--values are {len(options.values)}: give 2 to {MOST_VALUES}, one for each key.")
    if importlib.util.find_spec("gradio") is None:
        raise ValueError("the page needs gradio: pip install 'modeling-vae[app]'.")
    import modeling_vae.public  # noqa: F401  # with which HEIC is read
    from modeling_vae.annotating.annotations import Annotations
    from modeling_vae.annotating.page import serve

    annotations = Annotations(options.folder, options.column, tuple(options.values))
    serve(annotations, options.port)
