"""Checks of what a person builds, with messages that say how to mend it.

attrs' own validators tell what is wrong in Python's terms and print the offending value; these tell it in the
field's terms and raise `ConfigurationError`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from .errors import ConfigurationError

if TYPE_CHECKING:
    import attrs

Validator: TypeAlias = "Callable[[Any, attrs.Attribute[Any], Any], None]"


def _owner(instance: object, attribute: attrs.Attribute[Any]) -> str:
    name = getattr(instance, "name", None)
    who = type(instance).__name__ + (f" {name!r}" if isinstance(name, str) and attribute.name != "name" else "")
    return f"{who}: {attribute.name}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def positive(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """A finite number above zero."""
    if not _is_number(value) or not 0 < value < math.inf:
        raise ConfigurationError(f"{_owner(instance, attribute)} must be a number above 0, not {value!r}")


def at_least_zero(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """A finite number, zero or above."""
    if not _is_number(value) or not 0 <= value < math.inf:
        raise ConfigurationError(f"{_owner(instance, attribute)} must be a number of at least 0, not {value!r}")


def share(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """A share above zero, up to one."""
    if not _is_number(value) or not 0 < value <= 1:
        raise ConfigurationError(f"{_owner(instance, attribute)} must be a share above 0 and up to 1, not {value!r}")


def chance(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """A chance, from zero to one."""
    if not _is_number(value) or not 0 <= value <= 1:
        raise ConfigurationError(f"{_owner(instance, attribute)} must be a chance from 0 to 1, not {value!r}")


def count(least: int) -> Validator:
    """A whole number of at least *least*."""

    def check(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ConfigurationError(
                f"{_owner(instance, attribute)} must be a whole number of at least {least}, not {value!r}"
            )

    return check


def named(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """A non-empty string."""
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{_owner(instance, attribute)} must be a non-empty string, not {value!r}")


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
                f"{_owner(instance, attribute)} is the class {value.__name__}: give an object of it, {value.__name__}()"
            )
        if not isinstance(value, kinds):
            allowed = " or ".join(kind.__name__ for kind in kinds)
            raise ConfigurationError(f"{_owner(instance, attribute)} must be {allowed}, not {type(value).__name__}")

    return check


def names_or_none(value: object) -> Any:
    """Converter: an iterable of region names to a frozenset; None stays; a lone string is a set of one."""
    if value is None:
        return None
    if isinstance(value, str):
        return frozenset({value})
    return frozenset(value)  # type: ignore[call-overload]  # what is not iterable raises here, and should
