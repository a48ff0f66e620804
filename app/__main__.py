"""`python -m app`: load a model, open the studio."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

BUNDLED_MODEL = Path(__file__).resolve().parent.parent / "hub_configs" / "cats-64"


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m app", description="The studio: generate, morph and edit faces with a published VAE."
    )
    parser.add_argument(
        "--model",
        default=str(BUNDLED_MODEL),
        metavar="FOLDER_OR_ID",
        help="a published folder, or a model on the Hub such as user/name (default: the bundled cats-64)",
    )
    parser.add_argument(
        "--port", type=int, help="where to serve (default: GRADIO_SERVER_PORT, or the first free port from 7860)"
    )
    parser.add_argument(
        "--host",
        help="address to serve at; 0.0.0.0 lets other machines in (default: GRADIO_SERVER_NAME, or this machine only)",
    )
    parser.add_argument(
        "--share", action="store_true", help="also open a temporary public address through Gradio's servers"
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    options = parse(argv)
    # Imported here, so that --help and a wrong option are answered at once.
    from .layout import build
    from .studio import MAX_UPLOAD_BYTES, Studio
    from .theme import appearance

    try:
        studio = Studio.load(options.model)
    except (OSError, ValueError) as error:
        print(f"The model {options.model} cannot be loaded: {error}", file=sys.stderr)
        return 1
    try:
        build(studio).launch(
            server_name=options.host,
            server_port=options.port,
            share=options.share or None,
            max_file_size=MAX_UPLOAD_BYTES,
            **appearance(studio.facts),
        )
    except OSError as error:  # the port is taken, or the address is not this machine's
        print(f"The studio cannot be opened: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
