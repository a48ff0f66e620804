"""Which of our files a Space of the studio needs.

The rule: a module goes along if the Space's app file imports it, or if one that goes along does, wherever in it the
import stands; but nothing of the packages that only train and publish, and nothing that is imported for type checkers
alone. What lies in the studio's folder and is no Python (style sheet, icon) goes along too, and the browser's scripts.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
HOMES = {
    "modeling_vae": PACKAGE,
    "app": PACKAGE / "studio" if (PACKAGE / "studio").is_dir() else PACKAGE.parent / "app",
}
"""Where our packages lie: installed, the studio lies within the other; a Space has them side by side."""
ASSETS = {"app": "", "modeling_vae": "browser/scripts"}
"""Folders of our packages of which all goes along that is no Python."""
NEVER = tuple(
    f"modeling_vae.{room}"
    for room in (
        *("data", "probing", "fitting", "figures"),
        *("publishing", "training", "evaluation", "media", "sheets", "commands"),
    )
)


def source_files(app_file: str, homes: Mapping[str, Path] = HOMES) -> dict[str, Path]:
    """What a program needs of our packages: names in the Space ("app/layout.py"), and the files here.

    Args:
        app_file: the text of the program.
        homes: the folders of the packages.
    """
    found: dict[str, str] = {}
    waiting = list(_imported(ast.parse(app_file), package=""))
    while waiting:
        name = waiting.pop()
        if name in found or _is_left_out(name, homes) or (file := _file(name, homes)) is None:
            continue
        found[name] = file
        parent, _, _ = name.rpartition(".")
        package = name if file.endswith("/__init__.py") else parent
        waiting += [parent, *_imported(ast.parse(_here(file, homes).read_text(encoding="utf-8")), package)]
    assets = [
        f"{home}/{path.relative_to(homes[home]).as_posix()}"
        for home, folder in ASSETS.items()
        for path in (homes[home] / folder).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc") and not path.name.startswith(".")
    ]
    return {file: _here(file, homes) for file in sorted({*found.values(), *assets})}


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


def _is_left_out(name: str, homes: Mapping[str, Path]) -> bool:
    ours = name.split(".")[0] in homes
    return not ours or any(name == package or name.startswith(package + ".") for package in NEVER)


def _file(name: str, homes: Mapping[str, Path]) -> str | None:
    """The file of a module in a Space; None for what is no module (a function, a class)."""
    stem = name.replace(".", "/")
    return next((file for file in (f"{stem}/__init__.py", f"{stem}.py") if _here(file, homes).is_file()), None)


def _here(file: str, homes: Mapping[str, Path]) -> Path:
    package, _, rest = file.partition("/")
    return homes[package.removesuffix(".py")] / rest
