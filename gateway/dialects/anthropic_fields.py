"""Fields of a body that have the type they must have. What is wrong is told by its path, as Anthropic does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn, TypeAlias, cast

from .refused import Mistake

Fields: TypeAlias = Mapping[str, object]
Json: TypeAlias = dict[str, object]


def mistaken(path: str, why: str) -> NoReturn:
    """Refuse what stands at *path*.

    Raises:
        Mistake: always.
    """
    raise Mistake(f"{path}: {why}", param=path)


def object_at(value: object, path: str) -> Fields:
    """*value*, an object, without the fields that are null: they say nothing.

    Raises:
        Mistake: it is none.
    """
    if not isinstance(value, dict):
        mistaken(path, "Input should be an object")
    return {name: inner for name, inner in cast("Json", value).items() if inner is not None}


def list_at(value: object, path: str) -> list[object]:
    """*value*, a list.

    Raises:
        Mistake: it is none.
    """
    if not isinstance(value, list):
        mistaken(path, "Input should be a list")
    return cast("list[object]", value)


def text_at(fields: Fields, name: str, path: str) -> str:
    """A string that must be there, and may not be empty.

    Raises:
        Mistake: it is not.
    """
    value = fields.get(name)
    if value is None:
        mistaken(path, "Field required")
    if not isinstance(value, str):
        mistaken(path, "Input should be a string")
    if not value:
        mistaken(path, "String should have at least 1 character")
    return value


def only(fields: Fields, allowed: frozenset[str], path: str) -> None:
    """Refuse *fields* beyond those *allowed*.

    Raises:
        Mistake: naming the first.
    """
    for name in sorted(fields.keys() - allowed):
        mistaken(f"{path}.{name}", "Extra inputs are not permitted")
