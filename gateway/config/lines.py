"""On which line of a TOML file something stands, near enough for a person to find it.

The parser of the standard library does not say. What people write has its tables and keys at the beginnings of lines,
and that is all that is read here; whatever stands within a line is told by the line it begins on.
"""

from __future__ import annotations

import re

NAME = r"(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')"
DOTTED = rf"{NAME}(?:\s*\.\s*{NAME})*"
HEADER = re.compile(rf"\s*(\[\[?)\s*({DOTTED})\s*\]")
KEY = re.compile(rf"\s*({DOTTED})\s*=")
PART = re.compile(NAME)
FENCES = ('"""', "'''")


class Lines:
    """Lines by the keys that lead to them. text: of the file."""

    def __init__(self, text: str) -> None:
        self._lines: dict[tuple[str | int, ...], int] = {}
        self._in_list: dict[tuple[str | int, ...], int] = {}
        table: tuple[str | int, ...] = ()
        fence = ""
        for number, line in enumerate(text.splitlines(), 1):
            if fence:
                fence = "" if fence in line else fence
                continue
            if header := HEADER.match(line):
                table = self._table(_parts(header[2]), is_list=header[1] == "[[")
                self._lines.setdefault(table, number)
            elif key := KEY.match(line):
                self._lines.setdefault((*table, *_parts(key[1])), number)
                fence = next((each for each in FENCES if line.count(each) % 2), "")

    def of(self, keys: tuple[str | int, ...]) -> int | None:
        """The line of what *keys* lead to, or of the innermost around it that has one; None: nothing of it has."""
        for length in range(len(keys), 0, -1):
            if keys[:length] in self._lines:
                return self._lines[keys[:length]]
        return None

    def _table(self, names: tuple[str, ...], *, is_list: bool) -> tuple[str | int, ...]:
        """The keys of a table by its header: in a list of tables, those of the one that was begun last."""
        keys: tuple[str | int, ...] = ()
        for place, name in enumerate(names):
            keys = (*keys, name)
            if is_list and place == len(names) - 1:
                self._in_list[keys] = self._in_list.get(keys, -1) + 1
            if keys in self._in_list:
                keys = (*keys, self._in_list[keys])
        return keys


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(name.strip("\"'") for name in PART.findall(dotted))
