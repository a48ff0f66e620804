"""`python -m app`: load a model, open the studio."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock, Timeout

from modeling_vae.recipes.bundled import default_model, find, models
from modeling_vae.refusals import refusals, sentence

PREFIX, LOCK = "studio-", ".lock"
NOT_SHARED = "No public address: Gradio's server, which gives it, does not answer. The page is open without it."


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
    parser.add_argument("--mcp", action="store_true", help="also serve the endpoints as tools of an MCP server")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None, program: str = "python -m app") -> int:
    options = parse(argv, program)
    if options.mcp and find_spec("mcp") is None:
        print("--mcp needs a package more: pip install 'gradio[mcp]'.", file=sys.stderr)
        return 1
    if options.port is not None:
        try:
            _try(options.host or "127.0.0.1", options.port)
        except (OSError, OverflowError) as error:
            print(f"The studio cannot be opened: {error}", file=sys.stderr)
            return 1
    # Imported here, so that --help and a wrong option are answered at once.
    from .layout import build
    from .shelf import open_studio
    from .theme import appearance
    from .uploads import MAX_UPLOAD_BYTES

    try:
        studio = open_studio(options.model)
    except refusals() as error:
        print(f"The model {options.model} cannot be loaded: {sentence(error)}", file=sys.stderr)
        return 1
    share = options.share and _can_share()
    if options.share and not share:
        print(NOT_SHARED, file=sys.stderr)
    warnings.filterwarnings("ignore", message="the model's picture is far from the photo")  # the page says it itself
    try:
        with _ending_in_order(), _files_of_this_run():
            build(studio, {folder.name: folder for folder in models()}, any_folder=not options.share).launch(
                server_name=options.host,
                server_port=options.port,
                share=share if options.share else None,  # None: as GRADIO_SHARE says
                max_file_size=MAX_UPLOAD_BYTES,
                **appearance(studio, options.mcp),
            )
    except OSError as error:  # the port is taken, or the address is not this machine's
        print(f"The studio cannot be opened: {error}", file=sys.stderr)
        return 1
    return 0


def _try(host: str, port: int) -> None:
    """Serve at an address for a moment: whether it can be served at is known before anything is loaded."""
    socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()


def _can_share() -> bool:
    """Whether the server that gives public addresses answers; of one that does not Gradio says many lines."""
    import httpx
    from gradio import networking

    if networking.GRADIO_SHARE_SERVER_ADDRESS is not None:  # another one, which Gradio asks itself
        return True
    try:
        return httpx.get(networking.GRADIO_API_SERVER, timeout=10).is_success
    except httpx.HTTPError:
        return False


@contextmanager
def _files_of_this_run() -> Iterator[None]:
    """A folder for uploads and pictures that is gone when the studio closes, unless GRADIO_TEMP_DIR names another.

    Where a studio was killed, its visitors' photos are gone when the next one starts on this machine.
    """
    if "GRADIO_TEMP_DIR" in os.environ:
        yield
        return
    _sweep(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        try:
            with FileLock(Path(folder) / LOCK):
                yield
        finally:
            del os.environ["GRADIO_TEMP_DIR"]


def _sweep(temporary: Path) -> None:
    """Remove the folders of studios that run no more: nobody holds their lock."""
    for lock in temporary.glob(f"{PREFIX}*/{LOCK}"):
        with suppress(Timeout, OSError), FileLock(lock, timeout=0):  # another person's folder is left alone
            shutil.rmtree(lock.parent, ignore_errors=True)


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Where the process is told to end or its terminal closes, close what is open before going, as after Ctrl-C."""
    told = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        told = []  # only the main thread is told
    before = {number: signal.signal(number, lambda *_: sys.exit(0)) for number in told}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())
