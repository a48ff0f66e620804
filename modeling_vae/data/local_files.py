"""The files that a local path stands for, and names for them that `datasets` takes as they are."""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
import weakref

SIGNS = (*"*?[]{}", "::")
"""What `datasets` takes for a pattern or an address."""


class PlainNames:
    """Other names for local files that `datasets` would take for patterns or addresses: those in `cats [2024]`.

    They are links in a folder that is there as long as this.
    """

    def __init__(self) -> None:
        self._files: dict[str, str] = {}

    def of(self, root: str, files: list[str] | None) -> tuple[str, list[str] | None]:
        """The path of a data set and those of its files, under names that are harmless."""
        if files is None or not any(sign in path for path in (root, *files) for sign in SIGNS):
            return root, files
        folder = tempfile.mkdtemp(prefix="modeling_vae-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        for number, file in enumerate(files):
            inside = os.path.relpath(file, root) if os.path.isdir(root) else f"{number}{os.path.splitext(file)[1]}"
            link = os.path.join(folder, inside)
            os.makedirs(os.path.dirname(link), exist_ok=True)
            os.symlink(file, link)
            self._files[link] = file
        return (folder if os.path.isdir(root) else root), list(self._files)

    def undone(self, path: str) -> str:
        """A path as it is really called."""
        return self._files.get(path, path)


def local_files(path: str) -> list[str] | None:
    """The files that a local path stands for: a folder's, the file itself, or those that a pattern matches."""
    if os.path.isdir(path):
        found = []
        for folder, folders, files in os.walk(path, followlinks=True):
            folders[:] = [name for name in folders if not name.startswith(".")]
            found += [os.path.join(folder, name) for name in files]
        return sorted(file for file in found if os.path.isfile(file))
    if os.path.isfile(path):
        return [path]
    if not glob.has_magic(path):
        return None
    folder, pattern = os.path.split(path)  # a folder that is really called so is no pattern
    return sorted(glob.glob(os.path.join(glob.escape(folder), pattern)) or glob.glob(path)) or None
