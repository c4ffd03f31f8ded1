"""From a configuration file to a `Configuration`, or to everything that is wrong with it.

    configuration = read_file(Path("gateway.toml"))

Whatever a file holds, what comes out is one of the two. The reference of all keys is docs/configuration.md.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from ...router import Route
from ...router.errors import ConfigurationError
from ...router.plugins import Catalogue
from ...router.plugins.likely import did_you_mean
from ...router.plugins.wording import shown
from .configuration import Configuration
from .endpoints import read_endpoint
from .fleet import ENDPOINT, ROUTE, check_names
from .lines import Lines
from .mistake import ConfigurationRefused, Mistake, Place
from .policies import DEFAULT, read_policies
from .program import RouterOptions, read_settings
from .reader import Noted, Reader
from .shapes import as_list, as_table

T = TypeVar("T")

GATEWAY, ROUTER, POLICIES = "gateway", "router", "policies"
TABLES = (GATEWAY, ROUTER, ENDPOINT, ROUTE, POLICIES)

MOST_BYTES = 4 * 1024 * 1024
"""Of a file. A thousand endpoints take a tenth of it."""

WHOLE_NUMBERS = range(-(2**63), 2**63)
"""Those of TOML. Python's go further, up to where they cannot be shown."""


def read_file(
    path: Path, environ: Mapping[str, str] | None = None, catalogue: Catalogue | None = None
) -> Configuration:
    """The configuration that a file describes.

    environ: variables that hold secrets. Default, those of this process.
    catalogue: what can be had by name. Default, what is installed; finding that out takes most of the time.

    Raises:
        ConfigurationRefused: it describes none, or cannot be read; with every mistake.
    """
    source = str(path)
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) and fault.strerror else str(fault)
        raise _refused(source, f"cannot be read: {reason}") from None
    if len(raw) > MOST_BYTES:
        raise _refused(source, f"is larger than {MOST_BYTES >> 20} MiB, which no configuration is")
    try:
        text = raw.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as fault:
        line = raw.count(b"\n", 0, fault.start) + 1
        raise _refused(source, "is not in UTF-8, as TOML has to be", line) from None
    return read_text(text, source, environ, catalogue)


def read_text(
    text: str, source: str, environ: Mapping[str, str] | None = None, catalogue: Catalogue | None = None
) -> Configuration:
    """The configuration that the text of a file describes. source: what it is called.

    Raises:
        ConfigurationRefused: as `read_file`.
    """
    try:
        document: Mapping[str, object] = tomllib.loads(text)
    except (ValueError, RecursionError) as fault:
        why = "it is nested too deeply" if isinstance(fault, RecursionError) else str(fault)
        raise _refused(source, f"is no TOML: {why}") from None
    variables = os.environ if environ is None else environ
    reader = Reader(Lines(text), catalogue or Catalogue.installed(), variables)
    found = _read(document, source, reader)
    if found is None or reader.mistakes:
        raise ConfigurationRefused(source, sorted(reader.mistakes, key=lambda mistake: mistake.line or 0))
    return found


def _read(document: Mapping[str, object], source: str, reader: Reader) -> Configuration | None:
    """None: there were mistakes, and they are noted."""
    if not _check_numbers(document, reader):
        return None
    for name in document:
        if name not in TABLES:
            hint = did_you_mean(name, TABLES) or f"; there are {', '.join(TABLES)}"
            reader.wrong(Place().at(name), f"there is no such table{hint}")
    settings = _one(GATEWAY, document.get(GATEWAY, {}), read_settings, reader)
    options = _one(ROUTER, document.get(ROUTER, {}), _router_options, reader)
    endpoints = _each(ENDPOINT, document, read_endpoint, reader)
    routes = _each(ROUTE, document, _read_route, reader)
    policies = _one(POLICIES, document.get(POLICIES, DEFAULT), read_policies, reader)
    check_names(document, reader)
    if ENDPOINT not in document:
        reader.wrong(Place(), f"there is no [[{ENDPOINT}]]: a gateway needs at least one")
    if settings is None or options is None or policies is None or reader.mistakes:
        return None
    made = Configuration(
        settings=settings,
        endpoints=endpoints,
        routes=routes,
        policies=policies,
        budget_s=options.budget_s,
        budget=options.extra_attempts,
        window=options.window,
        history=options.history,
        source=source,
    )
    try:
        made.router()
    except ConfigurationError as wrong:
        reader.wrong(Place(), str(wrong))
        return None
    return made


def _router_options(given: object, at: Place, reader: Reader) -> RouterOptions:
    return reader.make(RouterOptions, given, at)


def _read_route(given: object, at: Place, reader: Reader) -> Route:
    return reader.make(Route, given, at)


def _one(name: str, given: object, read: Callable[[object, Place, Reader], T], reader: Reader) -> T | None:
    try:
        return read(given, Place().at(name), reader)
    except Noted:
        return None


def _each(
    name: str, document: Mapping[str, object], read: Callable[[object, Place, Reader], T], reader: Reader
) -> tuple[T, ...]:
    """Those tables of a list that are right."""
    at, given, found = Place().at(name), document.get(name, []), list[T]()
    tables = as_list(given)
    if tables is None:
        reader.wrong(at, f"must be a list of tables: write [[{name}]], not {shown(given)}")
        return ()
    for number, table in enumerate(tables):
        called = (as_table(table) or {}).get("name")
        try:
            found.append(read(table, at.at(number, called), reader))
        except Noted:
            continue
    return tuple(found)


def _check_numbers(document: Mapping[str, object], reader: Reader) -> bool:
    """Whether every whole number is one of TOML's."""
    fine = True
    for value, at in _values(document, Place()):
        if isinstance(value, int) and value not in WHOLE_NUMBERS:
            reader.wrong(at, "is too large a number: whole numbers go from -2^63 to 2^63 - 1")
            fine = False
    return fine


def _values(given: object, at: Place) -> Iterator[tuple[object, Place]]:
    table, several = as_table(given), as_list(given)
    for key, value in (table or {}).items():
        yield from _values(value, at.at(key))
    for number, value in enumerate(several or ()):
        yield from _values(value, at.at(number, (as_table(value) or {}).get("name")))
    if table is None and several is None:
        yield given, at


def _refused(source: str, wrong: str, line: int | None = None) -> ConfigurationRefused:
    return ConfigurationRefused(source, [Mistake(place="", wrong=wrong, line=line)])
