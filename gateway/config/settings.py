"""How the gateway listens, whom it lets in, and how much it takes from anyone: the table ``[gateway]``."""

from __future__ import annotations

import attrs

from ...router import Secret

LOOPBACK = "127.0.0.1"
MEBIBYTE = 1024 * 1024


@attrs.frozen(kw_only=True)
class Bind:
    """An address to listen at. port: 0 takes a free one."""

    host: str = LOOPBACK
    port: int = 8080


@attrs.frozen(kw_only=True)
class Settings:
    """The program around the router.

    bind: where the API is served. Default, loopback at port 8080.
    keys: bearer keys that are let in; empty: anyone who reaches the address.
    open_to_all: whether to listen beyond loopback without keys. Default False: refused.
    watch_bind: where dashboard, metrics and report are served; None: with the API.
    watch_keys: keys that may look at these; None: the same as ``keys``. Empty: anyone.
    max_body_bytes: the most a request's body may have; above 0. Default 8 MiB.
    body_timeout_s: seconds a client has to send its request; above 0. Default 30.
    write_timeout_s: seconds a client may take nothing of a stream before it is given up; above 0. Default 30.
    most_calls: calls in flight at once; the next is refused with 503. Default 10,000.
    workers: processes that serve the same address. Default 1.
    grace_s: seconds calls in flight have to end when the program does. Default 30.
    """

    bind: Bind = attrs.field(factory=Bind)
    keys: tuple[Secret, ...] = ()
    open_to_all: bool = False
    watch_bind: Bind | None = None
    watch_keys: tuple[Secret, ...] | None = None
    max_body_bytes: int = 8 * MEBIBYTE
    body_timeout_s: float = 30.0
    write_timeout_s: float = 30.0
    most_calls: int = 10_000
    workers: int = 1
    grace_s: float = 30.0
