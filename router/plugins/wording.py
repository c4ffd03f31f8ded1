"""What an option wants, and what it was given instead, in words."""

from __future__ import annotations

import enum
import types
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Literal, Union, get_args, get_origin

NONE = type(None)

SCALARS: dict[object, str] = {
    float: "a number", int: "a whole number", str: "text", bool: "true or false", NONE: "false, for none",
}  # fmt: skip
"""Plain kinds."""

SEVERAL: dict[object, str] = {float: "numbers", int: "whole numbers"}

LISTS = frozenset({list, tuple, Sequence, Collection, Iterable, set, frozenset, AbstractSet})
"""What a list is given for."""

UNIONS = frozenset({Union, types.UnionType})


class Misread(Exception):
    """A value is not what an option wants. Its words go on from the option's name: `` must be a number, not 'two'``."""

    @classmethod
    def of(cls, value: object, wanted: Any, meant: str = "") -> Misread:
        """*value* is not *wanted*. *meant*: what it will have been."""
        return cls(f" must be {words(wanted)}, not {shown(value)}{meant}")


def words(wanted: Any) -> str:
    """What *wanted*, a type or what stands for types, is called."""
    origin, inner = get_origin(wanted), get_args(wanted)
    kind = origin or wanted
    if origin in UNIONS:
        return " or ".join(map(words, inner))
    if origin is Literal:
        return f"one of {', '.join(map(repr, inner))}"
    if kind in LISTS:
        return f"a list of {SEVERAL.get(inner[0]) or words(inner[0]).removeprefix('a ')}" if inner else "a list"
    return SCALARS.get(kind) or _class_words(kind)


def _class_words(kind: object) -> str:
    if not isinstance(kind, type):
        return str(kind)
    if issubclass(kind, enum.Enum):
        return f"one of {', '.join(repr(member.name.lower()) for member in kind)}"
    return "a table" if issubclass(kind, Mapping) else f"a {kind.__name__}"


def shown(value: object) -> str:
    """A value, without what is in it if it holds others."""
    if isinstance(value, Mapping):
        return "a table"
    return "a list" if isinstance(value, list | tuple) else repr(value)
