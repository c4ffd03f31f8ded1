"""What an object can be given when it is made: read from its class, or from the function that makes it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, get_type_hints

import attrs

from .wording import Misread


@attrs.frozen
class Option:
    """One field of a class, or one parameter of a function.

    name: as in Python. required: it has no default. maker: the class or function.
    """

    name: str
    required: bool
    maker: Callable[..., object]
    annotation: object

    def wanted(self) -> Any:
        """The type it may have: of a field with a converter what that takes, if it says so; `object`: nothing is said.

        Raises:
            Misread: what stands there is known to type checkers only.
        """
        if not isinstance(self.maker, type):
            return _resolved(self.annotation, self.maker)
        for field in attrs.fields(self.maker) if attrs.has(self.maker) else ():
            if field.alias == self.name:
                taken = _taken_by(field.converter)
                return _field_type(self.maker, field.name) if taken in {object, Any} else taken
        init = next(vars(owner)["__init__"] for owner in self.maker.__mro__ if "__init__" in vars(owner))
        return _resolved(self.annotation, init)


def options_of(maker: Callable[..., object]) -> Mapping[str, Option]:
    """All that can be given by name, in order."""
    try:
        parameters = inspect.signature(maker).parameters
    except (TypeError, ValueError):
        return {}  # some of what is written in C says nothing of what it takes
    return {
        name: Option(name, parameter.default is parameter.empty, maker, parameter.annotation)
        for name, parameter in parameters.items()
        if parameter.kind in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}
    }


def _field_type(kind: type, name: str) -> Any:
    """The type of a field, in the words and with the names of the class that declares it."""
    for owner in kind.__mro__:
        declared = inspect.get_annotations(owner)
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
