"""Draws the films of docs/gallery.md by the lines that stand there: `python docs/draw_gallery.py [NAME ...]`.

Each block of Python in the page saves one GIF; it goes to docs/pictures/gallery. With names (without .gif) only those.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = Path(__file__).parent / "gallery.md"
FOLDER = Path(__file__).parent / "pictures" / "gallery"


def films(text: str) -> dict[str, str]:
    """The name of each film, and the lines that make it."""
    blocks = re.findall(r"^```python\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    found: dict[str, str] = {}
    for block in blocks:
        (name,) = re.findall(r'\.save\(\s*"([\w-]+)\.gif"', block)
        found[name] = block
    return found


def draw(name: str, lines: str) -> Path:
    """Run the lines in an empty folder that has the models, and take the film out of it."""
    with tempfile.TemporaryDirectory() as temporary:
        (Path(temporary) / "hub_configs").symlink_to(ROOT / "hub_configs")
        subprocess.run([sys.executable, "-c", lines], cwd=temporary, check=True)
        FOLDER.mkdir(exist_ok=True)
        return Path(shutil.move(Path(temporary) / f"{name}.gif", FOLDER / f"{name}.gif"))


def main(names: list[str]) -> None:
    known = films(PAGE.read_text(encoding="utf-8"))
    if unknown := set(names) - known.keys():
        raise SystemExit(f"{min(unknown)} is no film of {PAGE.name}: there are {', '.join(known)}.")
    for name, lines in known.items():
        if not names or name in names:
            file = draw(name, lines)
            print(f"{file.relative_to(ROOT)}: {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
