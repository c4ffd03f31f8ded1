"""One plain value of a table, as what an option wants.

    number, whole number, text, true or false     themselves; a whole number where a number is wanted, nothing else
    a member of an enumeration                    its name in small letters, as in ``prefer = "cheapest"``
    None, where an option may be none             ``false``, as in ``explore_after_s = false``
    several of something                          a list
    a mapping                                     a table; one by pairs, a table of tables
    a class of error                              its word, as in ``at_most = {rate_limited = 1}``
    an attrs class                                a table of its options
    anything else                                 a part by name: ``"peak-ewma"``, or ``{kind = "aimd", most = 64}``

A date or a time of day, which TOML has, is itself.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterable, Mapping
from numbers import Number
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, cast, get_args, get_origin

import attrs

from ..errors import PacelineError
from .likely import did_you_mean
from .wording import LISTS, NONE, SCALARS, UNIONS, Misread

KIND = "kind"
"""The key of a table that says what the rest of it describes."""


class Builder(Protocol):
    """Makes what is no plain value."""

    def built(self, kind: Callable[..., Any], table: Mapping[str, object], /) -> object:
        """An object of an attrs class."""
        ...

    def part(self, given: str | Mapping[str, object], wanted: tuple[type, ...], /) -> object:
        """A part by its name, or by a table with its ``kind``; of one of *wanted*."""
        ...


def read(value: object, wanted: Any, builder: Builder) -> Any:
    """*value* as *wanted*, a type or what stands for types.

    Raises:
        Misread: it cannot be that.
        ConfigurationError: what it describes cannot be made.
    """
    for alias in ("__value__", "__supertype__"):  # of a ``type`` statement, of a NewType
        wanted = getattr(wanted, alias, wanted)
    if wanted in {object, Any} or isinstance(wanted, TypeVar):
        return value
    return FORMS.get(get_origin(wanted) or wanted, _object)(value, wanted, builder)


def _scalar(value: object, wanted: Any, builder: Builder) -> object:
    del builder
    if wanted is float and _is_number(value):
        return float(cast("float", value))
    if wanted is not float and isinstance(value, wanted) and isinstance(value, bool) == (wanted is bool):
        return value
    raise Misread.of(value, wanted)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _literal(value: object, wanted: Any, builder: Builder) -> object:
    del builder
    if isinstance(value, str | int) and value in get_args(wanted):
        return value
    raise Misread.of(value, wanted)


def _one_of(value: object, wanted: Any, builder: Builder) -> object:
    arms = [arm for arm in get_args(wanted) if arm is not NONE]
    if value is False and NONE in get_args(wanted) and bool not in arms:
        return None
    if len(arms) == 1:
        return read(value, arms[0], builder)
    for arm in arms:
        if not _is_part(arm):
            try:
                return read(value, arm, builder)
            except Misread:
                continue
    named, parts = _named(value), tuple(filter(_is_part, arms))
    if named is None or not parts:
        raise Misread.of(value, wanted)
    return builder.part(named, parts)


def _is_part(wanted: object) -> bool:
    """Whether *wanted* is a class of things that only a part can be."""
    if not isinstance(wanted, type) or wanted in FORMS:
        return False
    kind = cast("type[Any]", wanted)
    return not (issubclass(kind, enum.Enum) or _is_plain(kind) or attrs.has(kind))


def _is_plain(kind: type) -> bool:
    """Whether no part makes one: a file has dates and times itself, and a converter makes its Fraction of a number."""
    return issubclass(kind, Number) or kind.__module__ == "datetime"


def _named(value: object) -> str | Mapping[str, object] | None:
    """*value*, if it can be what names a part."""
    if isinstance(value, str):
        return value
    table = _as_table(value)
    return None if table is None or KIND not in table else table


def _object(value: object, wanted: Any, builder: Builder) -> object:
    """An enumeration's member, a number of another kind, what TOML has itself, an attrs class, or a part."""
    origin = get_origin(wanted) or wanted
    if not isinstance(origin, type):
        raise Misread(f" cannot be given in a table: it is {wanted}")
    kind = cast("type[Any]", origin)
    if issubclass(kind, enum.Enum):
        return _member(value, kind)
    if _fits(value, kind) or (
        issubclass(kind, Number) and _is_number(value)
    ):  # a converter makes a Fraction of it, say
        return value
    named, table = _named(value), _as_table(value)
    if named is not None and not _is_plain(kind):
        return builder.part(named, (kind,))
    if table is None or not attrs.has(kind):
        raise Misread.of(value, kind)
    return builder.built(kind, table)


def _as_table(value: object) -> Mapping[str, object] | None:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else None


def _fits(value: object, kind: type) -> bool:
    try:
        return isinstance(value, kind)
    except TypeError:
        return False  # a protocol that cannot be asked


def _member(value: object, kind: type[enum.Enum]) -> enum.Enum:
    members = {member.name.lower(): member for member in kind}
    if not isinstance(value, str) or value.lower() not in members:
        raise Misread.of(value, kind, did_you_mean(value, members) if isinstance(value, str) else "")
    return members[value.lower()]


def _error_class(value: object, wanted: Any, builder: Builder) -> type:
    """A class of Paceline's errors, by its `PacelineError.reason`."""
    del builder
    root = next(iter(get_args(wanted)), object)
    if not isinstance(root, type) or not issubclass(root, PacelineError):
        raise Misread(f" cannot be given in a table: it is {wanted}")
    by_reason: dict[str, type] = {}
    classes: list[type[PacelineError]] = [root]
    for kind in classes:
        by_reason.setdefault(kind.reason, kind)
        classes += kind.__subclasses__()
    if isinstance(value, str) and value in by_reason:
        return by_reason[value]
    meant = did_you_mean(value, by_reason) if isinstance(value, str) else ""
    raise Misread(f" must be the reason of an error, not {value!r}{meant or f'; there are {_listed(by_reason)}'}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _several(value: object, wanted: Any, builder: Builder) -> object:
    if not isinstance(value, list | tuple):
        raise Misread.of(value, wanted)
    values, kind, inner = cast("list[object]", value), get_origin(wanted) or wanted, get_args(wanted)
    if kind is tuple and inner and inner[-1] is not ...:
        if len(values) != len(inner):
            raise Misread(f" must be a list of {len(inner)}, not of {len(values)}")
    else:
        inner = (inner[0] if inner else object,) * len(values)
    read_ones = [_at(f"[{place}]", each, inner[place], builder) for place, each in enumerate(values)]
    if kind is list:
        return read_ones
    return frozenset(read_ones) if "set" in kind.__name__.lower() else tuple(read_ones)


def _mapping(value: object, wanted: Any, builder: Builder) -> dict[Any, object]:
    table = _as_table(value)
    if table is None:
        raise Misread.of(value, wanted)
    keys, values = get_args(wanted) or (str, object)
    pairs: dict[Any, object] = {}
    for key, each in table.items():
        if get_origin(keys) is not tuple:
            pairs[_at(f" key {key!r}", key, keys, builder)] = _at(f".{key}", each, values, builder)
            continue
        first, second = get_args(keys)
        one = _at(f" key {key!r}", key, first, builder)
        row = _at(f".{key}", each, dict, builder)
        for other, leaf in row.items():
            place = f".{key}.{other}"
            pairs[one, _at(place, other, second, builder)] = _at(place, leaf, values, builder)
    return pairs


def _at(place: str, value: object, wanted: Any, builder: Builder) -> Any:
    try:
        return read(value, wanted, builder)
    except Misread as wrong:
        raise Misread(f"{place}{wrong}") from None


Form: TypeAlias = Callable[[object, Any, Builder], object]

FORMS: dict[object, Form] = {
    **dict.fromkeys(SCALARS, _scalar),
    **dict.fromkeys(LISTS, _several),
    **dict.fromkeys(UNIONS, _one_of),
    **dict.fromkeys((dict, Mapping), _mapping),
    Literal: _literal,
    type: _error_class,
}
"""How what is wanted is read, by its origin; what is not here is an object."""
