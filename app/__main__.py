"""`python -m app`: load a model, open the studio."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from modeling_vae.recipes.bundled import default_model, find


def parse(argv: Sequence[str] | None = None, program: str = "python -m app") -> argparse.Namespace:
    model = default_model()
    parser = argparse.ArgumentParser(
        prog=program,
        description="The studio: generate, morph and edit faces with a published VAE.",
        epilog="Example: %(prog)s --model runs/pictures-64/published",
    )
    parser.add_argument(
        "--model",
        type=find,
        default=model,
        required=model is None,
        metavar="FOLDER_OR_ID",
        help="a published folder, the name of a bundled model, or a model on the Hub such as user/name (default: "
        f"{model.name if model is not None else 'none, as no model is here'})",
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


def main(argv: Sequence[str] | None = None, program: str = "python -m app") -> int:
    options = parse(argv, program)
    # Imported here, so that --help and a wrong option are answered at once.
    from .layout import build
    from .studio import MAX_UPLOAD_BYTES, Studio
    from .theme import appearance

    try:
        studio = Studio.load(str(options.model))
    except (OSError, ValueError) as error:
        print(f"The model {options.model} cannot be loaded: {error}", file=sys.stderr)
        return 1
    try:
        with _files_of_this_run():
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


@contextmanager
def _files_of_this_run() -> Iterator[None]:
    """A folder for uploads and pictures that is gone when the studio closes, unless GRADIO_TEMP_DIR names another."""
    if "GRADIO_TEMP_DIR" in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="studio-", ignore_cleanup_errors=True) as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        try:
            yield
        finally:
            del os.environ["GRADIO_TEMP_DIR"]


if __name__ == "__main__":
    # As after Ctrl-C, close what is open before going.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sys.exit(main())
