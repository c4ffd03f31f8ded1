"""From a table of plain options to the object that they describe.

What an object takes is read from the object itself: the names, types and defaults of the fields of an attrs class, or
of a function's parameters. So a policy that is good to use from Python is good to use from a file, with nothing to
declare twice, and its own validators have the last word.

Every mistake in a table is told at once: a name that is not there, with what was likely meant; a value of another kind;
a value that is missing.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, TypeAlias, TypeVar, get_type_hints

import attrs

from ..errors import ConfigurationError, PluginError
from .likely import did_you_mean
from .values import Builder, read
from .wording import Misread

T = TypeVar("T")

Table: TypeAlias = Mapping[str, object]
"""Plain options by name, as a TOML or JSON file has them."""


def build(kind: Callable[..., T], table: Table, builder: Builder) -> T:
    """Make an object of *kind* from a table.

    kind: a class, or a function that makes the object, with annotated parameters.
    builder: makes the objects and parts that the table describes within: a `Catalogue`.

    Raises:
        ConfigurationError: the table has mistakes, each of which is told; or what it says was refused.
        PluginError: a part that it names cannot be had.
    """
    title = getattr(kind, "__name__", repr(kind))
    takes = {name: parameter for name, parameter in _parameters(kind).items() if _can_be_named(parameter)}
    values, mistakes = _values(kind, takes, table, builder)
    unknown = [name for name in table if name not in takes]
    if unknown:
        mistakes += [f"there is no option {name!r}{did_you_mean(name, takes)}" for name in unknown]
        mistakes.append(f"it takes {', '.join(takes) or 'no options'}")
    mistakes += [
        f"{name} is missing"
        for name, parameter in takes.items()
        if parameter.default is parameter.empty and name not in table
    ]
    if mistakes:
        raise ConfigurationError(f"{title}: {'; '.join(mistakes)}")
    try:
        return kind(**values)
    except ConfigurationError:
        raise
    except (TypeError, ValueError) as refused:  # attrs' own validators put the attribute and the value behind the words
        raise ConfigurationError(f"{title}: {refused.args[0] if refused.args else refused}") from refused


def _values(
    kind: Callable[..., object], takes: Mapping[str, inspect.Parameter], table: Table, builder: Builder
) -> tuple[dict[str, object], list[str]]:
    """The options that are known, read, and what is wrong with those that could not be."""
    values: dict[str, object] = {}
    mistakes: list[str] = []
    for name, parameter in takes.items():
        if name not in table:
            continue
        try:
            values[name] = read(table[name], _type_of(kind, parameter), builder)
        except Misread as wrong:
            mistakes.append(f"{name}{wrong}")
        except PluginError:
            raise
        except ConfigurationError as wrong:
            mistakes.append(f"{name}: {wrong}")
    return values, mistakes


def _parameters(kind: Callable[..., object]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(kind).parameters
    except (TypeError, ValueError):
        return {}  # some of what is written in C says nothing of what it takes


def _can_be_named(parameter: inspect.Parameter) -> bool:
    return parameter.kind in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}


def _type_of(kind: Callable[..., object], parameter: inspect.Parameter) -> Any:
    """What an option may be: of a field with a converter what that takes, if it says so."""
    if isinstance(kind, type):
        for field in attrs.fields(kind) if attrs.has(kind) else ():
            if field.alias == parameter.name:
                taken = _taken_by(field.converter)
                return _field_type(kind, field.name) if taken in {object, Any} else taken
        init = next(vars(owner)["__init__"] for owner in kind.__mro__ if "__init__" in vars(owner))
        return _resolved(parameter.annotation, init)
    return _resolved(parameter.annotation, kind)


def _field_type(kind: type, name: str) -> Any:
    """The type of a field, in the words and with the names of the class that declares it."""
    for owner in kind.__mro__:
        declared = vars(owner).get("__annotations__", {})
        if name in declared:
            return _evaluated(declared[name], vars(sys.modules[owner.__module__]))
    return object


def _taken_by(converter: object) -> Any:
    """What a converter takes; `object` where it does not say."""
    if not inspect.isroutine(converter):
        return object
    parameters = [*inspect.signature(converter).parameters.values()]
    return _resolved(parameters[0].annotation, converter) if len(parameters) == 1 else object


def _resolved(annotation: object, function: object) -> Any:
    if annotation is inspect.Parameter.empty:
        return object
    return _evaluated(annotation, getattr(inspect.unwrap(function), "__globals__", {}))  # type: ignore[arg-type]


def _evaluated(annotation: object, names: dict[str, object]) -> Any:
    try:
        return get_type_hints(SimpleNamespace(__annotations__={"it": annotation}), names)["it"]
    except NameError as missing:
        raise Misread(
            f" cannot be given in a table: its type is {annotation}, and {missing.name} is there for type checkers only"
        ) from None
