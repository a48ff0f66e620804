"""Which of our files a Space of the studio needs.

The rule: a module goes along if the Space's app file imports it, or if one that goes along does, wherever in it the
import stands; but nothing of the packages that only train and publish, and nothing that is imported for type checkers
alone. What lies in the studio's folder and is no Python (style sheet, icon) goes along too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The folder in which our packages lie side by side, in a checkout and where they are installed."""
PACKAGES = ("app", "modeling_vae")
NEVER = tuple(
    f"modeling_vae.{room}"
    for room in (
        *("recipes", "data", "probing", "fitting", "figures"),
        *("publishing", "training", "evaluation", "media", "sheets", "commands"),
    )
)


def source_files(app_file: str, root: Path = ROOT) -> list[Path]:
    """Paths relative to `root` of what a program needs of our packages.

    Args:
        app_file: the text of the program.
        root: where the packages lie.
    """
    found: dict[str, Path] = {}
    waiting = list(_imported(ast.parse(app_file), package=""))
    while waiting:
        name = waiting.pop()
        if name in found or _is_left_out(name) or (path := _path(name, root)) is None:
            continue
        found[name] = path
        parent, _, _ = name.rpartition(".")
        package = name if path.name == "__init__.py" else parent
        waiting += [parent, *_imported(ast.parse((root / path).read_text(encoding="utf-8")), package)]
    assets = [
        path.relative_to(root)
        for path in (root / "app").rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc") and not path.name.startswith(".")
    ]
    return sorted({*found.values(), *assets})


def _imported(node: ast.AST, package: str) -> Iterator[str]:
    """Dotted names that a module of `package` imports, and for `from a import b` also a.b, which may be a module."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            parts = package.split(".")
            above = parts[: len(parts) - child.level + 1] if child.level else []
            module = ".".join([*above, *([child.module] if child.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in child.names)
        else:
            yield from _imported(child, package)


def _is_left_out(name: str) -> bool:
    ours = name.split(".")[0] in PACKAGES
    return not ours or any(name == package or name.startswith(package + ".") for package in NEVER)


def _path(name: str, root: Path) -> Path | None:
    """The file of a module, relative to `root`; None for what is no module (a function, a class)."""
    stem = Path(*name.split("."))
    for path in (stem / "__init__.py", stem.with_suffix(".py")):
        if (root / path).is_file():
            return path
    return None
