"""`modeling-vae export FOLDER --onnx`, or `--page OUTPUT`."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

PACKAGES = ("onnx", "onnxscript", "onnxruntime")


def parser(program: str) -> argparse.ArgumentParser:
    """What the command is told."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Write a published model for other programs.",
        epilog="Example: %(prog)s runs/pictures-64/published --onnx",
    )
    parser.add_argument("folder", type=Path, help="written by a run, or by save_pretrained")
    parser.add_argument(
        "--onnx",
        action="store_true",
        help="encoder and decoder as ONNX files, in the folder's onnx/, where the next push takes them along; they "
        "are checked against the model first",
    )
    parser.add_argument(
        "--page",
        type=Path,
        metavar="OUTPUT",
        help="a folder with a page that generates, edits and morphs in the browser, for any server of plain files",
    )
    return parser


def run(arguments: list[str], program: str) -> None:
    options = parser(program).parse_args(arguments)
    if not options.folder.is_dir():
        raise FileNotFoundError(f"{options.folder} is no folder: give one that a run or save_pretrained wrote.")
    if not options.onnx and options.page is None:
        raise ValueError("nothing is asked for: give --onnx, --page OUTPUT, or both.")
    if options.onnx:
        _write_onnx(options.folder)
    if options.page is not None:
        from modeling_vae.parts import read_parts
        from modeling_vae.publishing.static_space import build_page

        build_page(options.page, read_parts(options.folder), options.folder.resolve().name)
        size = sum(path.stat().st_size for path in options.page.rglob("*") if path.is_file()) / 1e6
        print(f"{options.page}: {size:.2f} MB; any server of plain files shows it")


def _write_onnx(folder: Path) -> None:
    if missing := [name for name in PACKAGES if importlib.util.find_spec(name) is None]:
        raise ValueError(f"{', '.join(missing)} is not installed: pip install 'modeling-vae[onnx]'.")
    from modeling_vae.exporting.onnx_export import export_onnx  # takes seconds, and those above need none of it
    from modeling_vae.parts import read_parts

    for name, levels in export_onnx(read_parts(folder), folder).items():
        size = (folder / name).stat().st_size / 1e6
        print(f"{folder / name}: {size:.2f} MB, {levels:.4f} grey levels from torch at most")
