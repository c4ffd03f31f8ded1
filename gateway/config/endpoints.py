"""The tables ``[[endpoint]]``: what is called, and how."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from ...router import Endpoint, Profile
from ...router.plugins.wording import shown
from . import environment
from .mistake import Place
from .providers import read_provider
from .reader import Noted, Reader

PROVIDER, URL, HEADERS, HEADERS_ENV = "provider", "base_url", "headers", "headers_env"

OWN = (PROVIDER, URL, HEADERS, HEADERS_ENV)
"""Keys that mean more than the option of the same name, or are not called as in Python."""

BY_HAND = ("provider", "url", "headers")
"""Those options."""


def read_endpoint(given: object, at: Place, reader: Reader) -> Endpoint:
    """One endpoint.

    Raises:
        Noted: something was wrong with it.
    """
    before = len(reader.mistakes)
    table = reader.table(given, at)
    values = reader.options(Endpoint, table, at, hidden=BY_HAND, also=OWN)
    values["headers"] = _headers(table, at, reader)
    if URL in table:
        values["url"] = _text(table[URL], at.at(URL), reader)
    profile = values.get("profile")
    if PROVIDER not in table:
        reader.wrong(at, f"{PROVIDER} is missing")
    else:
        believed = profile if isinstance(profile, Profile) else None
        with suppress(Noted):
            values["provider"] = read_provider(table[PROVIDER], at.at(PROVIDER), reader, believed)
    if len(reader.mistakes) > before:
        raise Noted
    return reader.made(Endpoint, values, at, called={"url": URL})


def _text(given: object, at: Place, reader: Reader) -> str | None:
    if isinstance(given, str):
        return given
    reader.wrong(at, f"must be text, not {shown(given)}")
    return None


def _headers(table: Mapping[str, object], at: Place, reader: Reader) -> dict[str, str]:
    """Those that stand in the file, and those whose values are in the environment."""
    headers: dict[str, str] = {}
    for key in (HEADERS, HEADERS_ENV):
        try:
            given = reader.table(table.get(key, {}), at.at(key))
        except Noted:
            continue
        for name, value in given.items():
            there = at.at(key).at(name)
            if key == HEADERS_ENV:
                try:
                    headers[name] = environment.secret(value, reader.environ).reveal()
                except environment.Missing as missing:
                    reader.wrong(there, str(missing))
            elif environment.SECRETIVE.search(name) or name.lower() in {"authorization", "cookie"}:
                reader.wrong(
                    there,
                    "a secret does not belong into a file, and is not shown: put it into an environment variable, and "
                    f"that variable's name into {HEADERS_ENV}",
                )
            else:
                headers[name] = _text(value, there, reader) or ""
    return headers
