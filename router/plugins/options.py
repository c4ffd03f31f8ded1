"""From a table of plain options to the object that they describe.

What an object takes is read from the object itself: the names, types and defaults of the fields of an attrs class, or
of a function's parameters. So a policy that is good to use from Python is good to use from a file, with nothing to
declare twice, and its own validators have the last word.

Every mistake in a table is told at once: a name that is not there, with what was likely meant; a value of another kind;
a value that is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias, TypeVar

from ..errors import ConfigurationError, PluginError
from .likely import did_you_mean
from .option import Option, options_of
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
    takes = options_of(kind)
    values, mistakes = _values(takes, table, builder)
    unknown = [name for name in table if name not in takes]
    if unknown:
        mistakes += [f"there is no option {name!r}{did_you_mean(name, takes)}" for name in unknown]
        mistakes.append(f"it takes {', '.join(takes) or 'no options'}")
    mistakes += [f"{name} is missing" for name, option in takes.items() if option.required and name not in table]
    if mistakes:
        raise ConfigurationError(f"{title}: {'; '.join(mistakes)}")
    try:
        return kind(**values)
    except ConfigurationError:
        raise
    except (TypeError, ValueError) as refused:  # attrs' own validators put the attribute and the value behind the words
        raise ConfigurationError(f"{title}: {refused.args[0] if refused.args else refused}") from refused


def _values(takes: Mapping[str, Option], table: Table, builder: Builder) -> tuple[dict[str, object], list[str]]:
    """The options that are known, read, and what is wrong with those that could not be."""
    values: dict[str, object] = {}
    mistakes: list[str] = []
    for name, option in takes.items():
        if name not in table:
            continue
        try:
            values[name] = read(table[name], option.wanted(), builder)
        except Misread as wrong:
            mistakes.append(f"{name}{wrong}")
        except PluginError:
            raise
        except ConfigurationError as wrong:
            mistakes.append(f"{name}: {wrong}")
    return values, mistakes
