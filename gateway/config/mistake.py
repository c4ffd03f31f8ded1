"""What is wrong with a configuration file, all of it at once: nobody wants to mend a file one error at a time."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from ...router.errors import ConfigurationError
from ..printable import printable


@attrs.frozen
class Place:
    """Somewhere in a file: the keys that lead there, and places in lists, which count from 0 here.

    A person is told places from 1, and the name of what stands there: ``endpoint[2] "east-mini".slots``.
    """

    keys: tuple[str | int, ...] = ()
    names: tuple[str, ...] = ()
    """What stands at each key is called; an empty one: nothing is known."""

    def at(self, key: str | int, name: object = None) -> Place:
        """A place within this one. *name*: what stands there calls itself, if that is text."""
        return Place((*self.keys, key), (*self.names, name if isinstance(name, str) else ""))

    def __str__(self) -> str:
        told = ""
        for key, name in zip(self.keys, self.names, strict=True):
            if isinstance(key, int):
                told += f"[{key + 1}]"
            else:
                told += f"{'.' if told else ''}{printable(key)}"
            if name:
                told += f' "{printable(name)}"'
        return told


@attrs.frozen(kw_only=True)
class Mistake:
    """One thing that is wrong.

    place: where, as a person says it; empty: the file as a whole. line: where that is, from 1; None: not known.
    wrong: what is wrong, what is allowed, and what was likely meant.
    """

    place: str
    wrong: str
    line: int | None = None

    def __str__(self) -> str:
        where = "" if self.line is None else f"line {self.line}: "
        return f"{where}{self.place + ': ' if self.place else ''}{self.wrong}"


class ConfigurationRefused(ConfigurationError):
    """A file cannot be used. Its message tells every mistake, a line each; none shows a secret.

    source: the file. mistakes: at least one.
    """

    def __init__(self, source: str, mistakes: Iterable[Mistake]) -> None:
        self.source = source
        self.mistakes = tuple(mistakes)
        many = f"{len(self.mistakes)} mistakes" if len(self.mistakes) > 1 else "a mistake"
        super().__init__("\n".join((f"{printable(source)} has {many}:", *(f"  {each}" for each in self.mistakes))))
