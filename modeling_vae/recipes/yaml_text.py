"""Recipes as YAML: files, what they extend, and the `key=value` overrides of the command line."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from modeling_vae.model.file_kinds import check_regular

FILE_NAME = "recipe.yaml"
EXTENDS = "extends"
LARGEST_FILE, MOST_VALUES, DEEPEST, LONGEST_NUMBER = 1_000_000, 100_000, 30, 100
"""Bytes, values, levels and digits of a recipe at most; some lines can stand for billions, by aliases."""
_FLOAT = re.compile(r"^[-+]?(?:(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)$")
"""Numbers of YAML 1.2, such as 1e-3, which PyYAML takes for text."""


class _OutOfBounds(Exception):
    """The text holds more than a recipe does."""


class _Loader(yaml.SafeLoader):
    pass


class _Dumper(yaml.SafeDumper):
    """Quotes the text that `_Loader` would read as a number."""


for _kind in (_Loader, _Dumper):
    _kind.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789"))


def read_file(path: Path) -> dict[str, Any]:
    """The values of a recipe file, or of the one in a folder, laid over those of the recipe that it extends, if any.

    `extends` names a file or folder, from the folder that the recipe lies in; that may extend another in turn.

    Raises:
        ValueError: it is no YAML table, or extends itself.
        FileNotFoundError: there is no such file.
    """
    return _read(path, [])


def whole_text(file: Path) -> str:
    """The text of a recipe file that can go elsewhere: as it stands, or laid over what it extends, which stays behind.

    Comments at its top stay; for the errors see `read_file`.
    """
    text = file.read_text(encoding="utf-8")
    values = read_file(file)
    if EXTENDS not in (parse(text, str(file)) or {}):
        return text
    comments = itertools.takewhile(lambda line: line.startswith("#"), text.splitlines(keepends=True))
    return "".join(comments) + write_text(values)


def _within_bounds(node: yaml.Node | None, source: str) -> None:
    """Raise `_OutOfBounds` where a text holds more than a recipe does, each alias counted as what it stands for."""
    counted: dict[yaml.Node, int] = {}

    def count(node: yaml.Node, depth: int) -> int:
        if depth > DEEPEST:
            raise _OutOfBounds(f"{source} is nested more than {DEEPEST} levels deep, and no recipe is: correct it.")
        if node not in counted:
            below = (
                [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
            )
            if isinstance(node, yaml.MappingNode):
                _refuse_twice(node, source)
            if node.tag.endswith(":int") and len(node.value) > LONGEST_NUMBER:
                raise _OutOfBounds(f"{source} holds a number of {len(node.value):,} digits, no recipe's: correct it.")
            counted[node] = 1 + (
                0 if isinstance(node, yaml.ScalarNode) else sum(count(one, depth + 1) for one in below)
            )
        if counted[node] > MOST_VALUES:
            raise _OutOfBounds(f"{source} holds more than {MOST_VALUES:,} values, and no recipe does: correct it.")
        return counted[node]

    if node is not None:
        count(node, 0)


def _refuse_twice(table: yaml.MappingNode, source: str) -> None:
    """Raise `_OutOfBounds` where a key stands twice in a table: YAML would leave the first one out without a word."""
    keys = [(key.tag, key.value) for key, _ in table.value if isinstance(key, yaml.ScalarNode)]
    for tag, key in set(keys):
        if keys.count((tag, key)) > 1:
            raise _OutOfBounds(f"{source} says {key!r:.80} twice in one table: leave one of them out.")


def _read(path: Path, above: list[Path]) -> dict[str, Any]:
    file = path / FILE_NAME if path.is_dir() else path
    if not os.path.lexists(file):
        extends = f"{above[-1]} extends it" if above else f"give a recipe, or a folder with a {FILE_NAME}"
        raise FileNotFoundError(f"{file} does not exist: {extends}.")
    if file.resolve() in above:
        raise ValueError(f"{file} extends itself, by way of {' and '.join(map(str, above))}: take one of them out.")
    check_regular(file, LARGEST_FILE)
    values = parse(file.read_bytes(), str(file)) or {}
    if not isinstance(values, dict):
        raise ValueError(f"{file} holds {type(values).__name__}, not a table of keys and values.")
    base = values.pop(EXTENDS, None)
    if base is None:
        return values
    if not isinstance(base, str) or not base:
        raise ValueError(f"{file}: {EXTENDS}={base!r} is not possible: give the path of another recipe.")
    return laid_over(_read(file.parent / base, [*above, file.resolve()]), values)


def laid_over(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with `changes` in their place: tables key by key, all else (lists too, and null) as a whole."""
    laid = dict(values)
    for key, change in changes.items():
        below = values.get(key)
        tables = isinstance(below, Mapping) and isinstance(change, Mapping)
        laid[key] = laid_over(below, change) if tables else change  # type: ignore[arg-type]  # both are, or neither
    return laid


def write_text(values: Mapping[str, Any]) -> str:
    """Values as YAML that `parse` reads again."""
    return yaml.dump(dict(values), Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def parse(text: str | bytes, source: str) -> Any:
    """What a YAML text says; a ValueError names its source and the place where it is none."""
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            _within_bounds(node, source)
            return None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()
    except RecursionError:
        raise ValueError(
            f"{source} is nested more than {DEEPEST} levels deep, and no recipe is: correct it."
        ) from None
    except _OutOfBounds as error:
        raise ValueError(str(error)) from None
    except (yaml.YAMLError, ValueError, AttributeError) as error:  # by dates such as 2020-13-01, and x as a date
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or " ".join(str(error).split())
        raise ValueError(f"{source} is no valid YAML ({problem}{place}): correct it.") from None


def override_value(values: dict[str, Any], override: str) -> None:
    """Lay one `key=value` (dotted keys, a YAML value) over values, in place."""
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ValueError(f"{override!r} is not an override: write key=value, such as training.max_steps=1000.")
    *sections, last = key.split(".")
    for section in sections:
        if values.get(section) is None:
            values[section] = {}
        values = values[section]
        if not isinstance(values, dict):
            raise ValueError(f"{key}: {section} is a single value, it has no keys below it.")
    values[last] = parse(text, f"the value of {override!r}")
