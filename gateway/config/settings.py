"""How the gateway listens, whom it lets in, and how much it takes from anyone: the table ``[gateway]``."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any, cast

import attrs

from ...router import Secret, check
from ...router.errors import ConfigurationError

LOOPBACK = "127.0.0.1"
MEBIBYTE = 1024 * 1024
HIGHEST_PORT = 65_535
MOST_WORKERS = 256


def _whole(least: int, most: int) -> check.Validator:
    def checked(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ConfigurationError(
                f"{check.owner(instance, attribute)} must be a whole number from {least} to {most}, not {value!r}"
            )

    return checked


def _yes_or_no(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, bool):
        raise ConfigurationError(f"{check.owner(instance, attribute)} must be true or false, not {value!r}")


def _keys(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, tuple) or not all(isinstance(key, Secret) for key in cast("tuple[object, ...]", value)):
        raise ConfigurationError(f"{check.owner(instance, attribute)} must be a tuple of Secret")


def _without_brackets(host: str) -> str:
    """An address as the system takes it: brackets belong to URLs."""
    given: object = host  # whatever the types promise
    return host[1:-1] if isinstance(given, str) and host.startswith("[") and host.endswith("]") else host


@attrs.frozen(kw_only=True)
class Bind:
    """An address to listen at.

    host: an address, or a name of one. Default 127.0.0.1, which nobody beyond this machine can reach.
    port: 0 to 65,535. Default 8080; 0 takes a free one.
    """

    host: str = attrs.field(default=LOOPBACK, converter=_without_brackets, validator=check.named)
    port: int = attrs.field(default=8080, validator=_whole(0, HIGHEST_PORT))

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it. A name other than ``localhost`` may mean any address."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@attrs.frozen(kw_only=True)
class Settings:
    """The program around the router.

    bind: where the API is served. Default, loopback at port 8080.
    keys: bearer keys that are let in. Default: none, and anyone who reaches the address is let in.
    open_to_all: whether to listen beyond loopback without keys. Default False: refused.
    watch_bind: where dashboard, metrics and report are served. Default None: with the API.
    watch_keys: keys that may look at these. Default None: the same as ``keys``. Empty: anyone.
    max_body_bytes: the most a request's body may have, at least 1024. Default 8 MiB.
    body_timeout_s: seconds a client has to send its request; above 0. Default 30.
    write_timeout_s: seconds a client may take nothing of a stream before it is given up; above 0. Default 30.
    most_calls: calls in flight at once, at least 1; the next is refused with 503. Default 10,000.
    workers: processes that serve the same address, 1 to 256. Default 1.
    grace_s: seconds calls in flight have to end when the program does; at least 0. Default 30.

    Raises:
        ConfigurationError: it could be used from beyond this machine without a key, and nobody asked for that.
    """

    bind: Bind = attrs.field(factory=Bind, validator=check.one_of(Bind))
    keys: tuple[Secret, ...] = attrs.field(default=(), validator=_keys)
    open_to_all: bool = attrs.field(default=False, validator=_yes_or_no)
    watch_bind: Bind | None = attrs.field(default=None, validator=check.if_given(check.one_of(Bind)))
    watch_keys: tuple[Secret, ...] | None = attrs.field(default=None, validator=check.if_given(_keys))
    max_body_bytes: int = attrs.field(default=8 * MEBIBYTE, validator=check.count(1024))
    body_timeout_s: float = attrs.field(default=30.0, validator=check.positive)
    write_timeout_s: float = attrs.field(default=30.0, validator=check.positive)
    most_calls: int = attrs.field(default=10_000, validator=check.count(1))
    workers: int = attrs.field(default=1, validator=_whole(1, MOST_WORKERS))
    grace_s: float = attrs.field(default=30.0, validator=check.at_least_zero)

    def __attrs_post_init__(self) -> None:
        if self.open_to_all:
            return
        if not self.bind.is_loopback and not self.keys:
            raise ConfigurationError(
                f"Settings: {self.bind} can be reached from beyond this machine, and there are no keys: name the "
                "variable that holds them with keys_env, listen at 127.0.0.1, or say open_to_all = true"
            )
        watch_keys = self.keys if self.watch_keys is None else self.watch_keys
        if self.watch_bind is not None and not self.watch_bind.is_loopback and not watch_keys:
            raise ConfigurationError(
                f"Settings: {self.watch_bind}, where the dashboard is, can be reached from beyond this machine, and "
                "there are no keys for it: name the variable that holds them with watch_keys_env, listen at "
                "127.0.0.1, or say open_to_all = true"
            )


ONLY_AT_START = {"bind": "host and port", "watch_bind": "watch_host and watch_port", "workers": "workers"}
"""What a program that runs cannot change, and what it is called in a file."""


def needs_restart(before: Settings, after: Settings) -> tuple[str, ...]:
    """What differs between two settings, and takes effect only when the program starts anew; in a file's words."""
    return tuple(words for name, words in ONLY_AT_START.items() if getattr(before, name) != getattr(after, name))
