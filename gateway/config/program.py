"""The tables ``[gateway]`` and ``[router]``: the program around the router, and the router's own options."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ...router import Budget, HistoryShape, Secret, WindowShape, check
from . import environment
from .configuration import DEFAULT_BUDGET_S
from .mistake import Place
from .reader import Noted, Reader
from .settings import Bind, Settings

KEYS, WATCH_KEYS, WATCH_OPEN = "keys_env", "watch_keys_env", "watch_open"
BINDS = {"bind": {"host": "host", "port": "port"}, "watch_bind": {"watch_host": "host", "watch_port": "port"}}
"""Options that are addresses: the keys of each, and what they are called in `Bind`."""

OWN = (*BINDS["bind"], KEYS, *BINDS["watch_bind"], WATCH_KEYS, WATCH_OPEN)
BY_HAND = ("bind", "keys", "watch_bind", "watch_keys")


@attrs.frozen(kw_only=True)
class RouterOptions:
    """Options of the router that are about all of its calls.

    budget_s: seconds a call may take where neither request nor route says; above 0. Default 60.
    extra_attempts: what attempts beyond a call's first are paid from. Default None: a `Budget()`.
    window: how much of the past the latency windows hold. Default None: a minute.
    history: how much of the past the report can look back on. Default None: ten minutes.
    """

    budget_s: float = attrs.field(default=DEFAULT_BUDGET_S, validator=check.positive)
    extra_attempts: Budget | None = None
    window: WindowShape | None = None
    history: HistoryShape | None = None


def read_settings(given: object, at: Place, reader: Reader) -> Settings:
    """The table ``[gateway]``.

    Raises:
        Noted: something was wrong with it.
    """
    before = len(reader.mistakes)
    table = reader.table(given, at)
    values = reader.options(Settings, table, at, hidden=BY_HAND, also=OWN)
    for option, names in BINDS.items():
        bind = _bind({name: table[name] for name in names if name in table}, names, at, reader)
        if bind is not None:
            values[option] = bind
    for option, key in (("keys", KEYS), ("watch_keys", WATCH_KEYS)):
        if key in table:
            values[option] = _keys(table[key], at.at(key), reader)
    if WATCH_OPEN in table:
        _watch_open(table, values, at, reader)
    if len(reader.mistakes) > before:
        raise Noted
    return reader.made(Settings, values, at)


def _bind(given: Mapping[str, object], names: Mapping[str, str], at: Place, reader: Reader) -> Bind | None:
    """An address; None if none is given. What is not told of it is as by default."""
    values: dict[str, object] = {}
    for name, value in given.items():
        try:
            values[names[name]] = reader.option(Bind, names[name], value, at.at(name))
        except Noted:
            continue
    return Bind(**values) if values else None  # type: ignore[arg-type]


def _keys(name: object, at: Place, reader: Reader) -> tuple[Secret, ...]:
    try:
        return environment.secrets(name, reader.environ)
    except environment.Missing as missing:
        reader.wrong(at, str(missing))
        return ()


def _watch_open(table: Mapping[str, object], values: dict[str, object], at: Place, reader: Reader) -> None:
    """Whether dashboard and metrics are for anyone, though the API has keys."""
    given = table[WATCH_OPEN]
    if not isinstance(given, bool):
        reader.wrong(at.at(WATCH_OPEN), f"must be true or false, not {given!r}")
    elif given and WATCH_KEYS in table:
        reader.wrong(at.at(WATCH_OPEN), f"says that no key is needed, and {WATCH_KEYS} names some: keep one of them")
    elif given:
        values["watch_keys"] = ()
