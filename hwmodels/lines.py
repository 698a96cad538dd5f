"""On which line of a TOML file a value is written."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["line_of", "lines_of_keys"]

Place = tuple[str, ...]
# What a value of several lines can end with.
_ENDS = ("]", "}", '"""', "'''")


def lines_of_keys(text: str) -> dict[Place, int]:
    """Return the line, from 1, of each table and key of a valid TOML text, by its full path.

    The text is cut into statements by asking the TOML parser which runs of lines it takes, so that strings
    and arrays of several lines, quoted keys and comments are what they are to it.
    """
    found: dict[Place, int] = {}
    table: Place = ()
    for first, statement in _statements(text):
        content = tomllib.loads(statement)
        if statement.lstrip().startswith("["):
            table = _only_path(content)
            found.setdefault(table, first)
        else:
            for path in _paths(content):
                found.setdefault((*table, *path), first)
    return found


def line_of(lines: Mapping[Place, int], place: Place) -> int | None:
    """Return the line of a place, or of the innermost table around it that is written down."""
    for length in range(len(place), 0, -1):
        if place[:length] in lines:
            return lines[place[:length]]
    return None


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Iterate over tables' headers and keys with their values: number of the first line, and text."""
    kept: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not kept and (not line.strip() or line.lstrip().startswith("#")):
            continue
        kept.append(line)
        if len(kept) > 1 and not any(end in line for end in _ENDS):
            continue
        statement = "\n".join(kept)
        try:
            tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        yield number - len(kept) + 1, statement
        kept.clear()


def _only_path(content: dict[str, Any]) -> Place:
    """Return the path of the table that a header opens."""
    path: Place = ()
    inner: Any = content
    while inner:
        inner = inner[0] if isinstance(inner, list) else inner
        for name, value in inner.items():
            path, inner = (*path, name), value
    return path


def _paths(content: dict[str, Any]) -> Iterator[Place]:
    """Iterate over the paths of all keys, those of inner tables included."""
    tables: list[tuple[Place, dict[str, Any]]] = [((), content)]
    while tables:
        before, table = tables.pop()
        for name, value in table.items():
            yield (*before, name)
            if isinstance(value, dict):
                tables.append(((*before, name), value))
