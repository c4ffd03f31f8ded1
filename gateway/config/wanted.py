"""What is wanted of one value: its kind, as an option's type says it, and what its class itself has against it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast, get_args, get_origin

import attrs

from ...router.errors import ConfigurationError
from ...router.plugins.wording import LISTS
from .keys import arms_of, described_by


def refusal(maker: Callable[..., object], option: str, value: object) -> str | None:
    """What a class has against one value by itself; None: nothing, or it can tell only from all of them."""
    if not isinstance(maker, type) or not attrs.has(cast("type[Any]", maker)):
        return None
    kind = cast("type[attrs.AttrsInstance]", maker)
    field = next((field for field in attrs.fields(kind) if field.alias == option), None)
    if field is None:
        return None
    try:
        converted = field.converter(value) if callable(field.converter) else value
        if field.validator is not None:
            field.validator(kind.__new__(kind), field, converted)
    except ConfigurationError as wrong:
        return str(wrong).removeprefix(f"{kind.__name__}: {option}").removeprefix(": ")
    except (AttributeError, TypeError, ValueError, OverflowError):
        return None
    return None


def element(wanted: Any) -> type | None:
    """The class that each table of a list describes, where one is wanted."""
    for arm in arms_of(wanted):
        inner = get_args(arm)
        if (get_origin(arm) in LISTS) and inner:
            return described_by(inner[0])
    return None


def are_names(wanted: Any) -> bool:
    """Whether names are wanted, of which one needs no list."""
    arms = arms_of(wanted)
    return str not in arms and any(get_origin(arm) in LISTS and get_args(arm)[:1] == (str,) for arm in arms)


def fits(made: object, kind: object) -> bool:
    """Whether what was made is of a kind."""
    try:
        return kind is object or isinstance(made, cast("type", kind))
    except TypeError:
        return True  # a protocol that cannot be asked: the validator of who has it will see
