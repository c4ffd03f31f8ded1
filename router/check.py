"""Checks of what a person builds, with messages that say how to mend it.

attrs' own validators tell what is wrong in Python's terms and print the offending value; these tell it in the
field's terms and raise `ConfigurationError`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from .errors import ConfigurationError

if TYPE_CHECKING:
    import attrs

Validator: TypeAlias = "Callable[[Any, attrs.Attribute[Any], Any], None]"


def owner(instance: object, attribute: attrs.Attribute[Any]) -> str:
    """How an option is named in what is said of it, such as ``Endpoint 'a': slots``."""
    name = getattr(instance, "name", None)
    who = type(instance).__name__ + (f" {name!r}" if isinstance(name, str) and attribute.name != "name" else "")
    return f"{who}: {attribute.name}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def positive(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """A finite number above zero."""
    above_zero(value, owner(instance, attribute))


def above_zero(value: Any, what: str) -> float:
    """The same of what another default is made of: validators run only when all fields are set.

    Raises:
        ConfigurationError: naming *what* it is.
    """
    if not _is_number(value) or not 0 < value < math.inf:
        raise ConfigurationError(f"{what} must be a number above 0, not {value!r}")
    return float(value)


def at_least_zero(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """A finite number, zero or above."""
    if not _is_number(value) or not 0 <= value < math.inf:
        raise ConfigurationError(f"{owner(instance, attribute)} must be a number of at least 0, not {value!r}")


def share(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """A share above zero, up to one."""
    if not _is_number(value) or not 0 < value <= 1:
        raise ConfigurationError(f"{owner(instance, attribute)} must be a share above 0 and up to 1, not {value!r}")


def inner_share(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """A share above zero and below one."""
    if not _is_number(value) or not 0 < value < 1:
        raise ConfigurationError(f"{owner(instance, attribute)} must be a share above 0 and below 1, not {value!r}")


def chance(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """A chance, from zero to one."""
    if not _is_number(value) or not 0 <= value <= 1:
        raise ConfigurationError(f"{owner(instance, attribute)} must be a chance from 0 to 1, not {value!r}")


def count(least: int) -> Validator:
    """A whole number of at least *least*."""

    def check(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        whole(value, least, owner(instance, attribute))

    return check


def whole(value: Any, least: int, what: str) -> int:
    """The same of what another default is made of, as `above_zero`.

    Raises:
        ConfigurationError: naming *what* it is.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ConfigurationError(f"{what} must be a whole number of at least {least}, not {value!r}")
    return value


def named(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """A non-empty string."""
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{owner(instance, attribute)} must be a non-empty string, not {value!r}")


def if_given(check: Validator) -> Validator:
    """*check*, unless the value is None."""

    def optionally(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        if value is not None:
            check(instance, attribute, value)

    return optionally


def one_of(*kinds: type) -> Validator:
    """An instance of one of *kinds*."""

    def check(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        if isinstance(value, type):
            raise ConfigurationError(
                f"{owner(instance, attribute)} is the class {value.__name__}: give an object of it, {value.__name__}()"
            )
        if not isinstance(value, kinds):
            allowed = " or ".join(kind.__name__ for kind in kinds)
            raise ConfigurationError(f"{owner(instance, attribute)} must be {allowed}, not {type(value).__name__}")

    return check


def names(value: object, what: str) -> tuple[str, ...]:
    """One name, or an iterable of names.

    Raises:
        ConfigurationError: it is neither; naming *what* it is for.
    """
    given = (value,) if isinstance(value, str) else value
    if not isinstance(given, Iterable):
        raise ConfigurationError(f"{what} must be a name or several, not {value!r}")
    found = tuple(cast("Iterable[object]", given))
    for name in found:
        if not isinstance(name, str) or not name.strip():
            raise ConfigurationError(f"{what} must be non-empty names, not {name!r}")
    return cast("tuple[str, ...]", found)


def names_or_none(value: object, what: str) -> frozenset[str] | None:
    """As `names`, to a set; None stays."""
    return None if value is None else frozenset(names(value, what))


def every(kind: type, values: object, what: str) -> None:
    """Refuse *values* unless it is a sequence of *kind*.

    Raises:
        ConfigurationError: naming *what* it is for.
    """
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise ConfigurationError(f"{what} must be a list of {kind.__name__}, not {type(values).__name__}")
    for value in cast("Sequence[object]", values):
        if not isinstance(value, kind):
            raise ConfigurationError(f"{what} must hold {kind.__name__} only, not {type(value).__name__}")
