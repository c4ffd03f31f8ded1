"""What opening a connection cost, told on the attempt that needed it: looking up the name, the handshake, all of it.

aiohttp has a tracing interface for this, and two reasons stand against it. Who traces pays on every request, though
most find a connection in the pool and have nothing to tell. And it has no event for TLS. So each part is marked where
it happens: a `TCPConnector` is told to open a connection only when there is none to take, a resolver only when a name
is not in its cache, and a TLS object makes exactly one handshake. A call that finds a connection pays for saying whom
it asks for, half a microsecond.

What can be known, and what not:

* ``connect_s`` is the whole way from "there is none" to a connection that can be written on, through a proxy as well.
* ``dns_s`` is the lookup, for the call that made it. Calls that waited for another's lookup have it in ``connect_s``.
* ``tls_s`` is the handshake, to the server itself or the last one on the way. With an `ssl.SSLContext` of one's own it
  is not told: its objects are not ours to replace.
* What is left of ``connect_s`` is TCP, the proxy's answer, and this loop's own delay.
"""

from __future__ import annotations

import math
import ssl
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.abc import AbstractResolver

from .http_protocol import Protocol

if TYPE_CHECKING:
    import socket

    from aiohttp.abc import ResolveResult
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.tracing import Trace

    from ..router.clock import Clock
    from ..router.ledger import Attempt

FOR: ContextVar[Attempt | None] = ContextVar("FOR", default=None)
"""Whom this task asks for a connection for: aiohttp does not hand that on to who opens one."""

OPENING: ContextVar[_Opening | None] = ContextVar("OPENING", default=None)
"""The connection that this task, and those it starts for that, are opening."""


class NotOpened(aiohttp.ClientConnectionError):
    """There is no connection, for a reason that aiohttp does not call one of connecting: a proxy hung up, say."""


class _Opening:
    """A connection that is being opened."""

    __slots__ = ("clock", "dns_s", "tls_s")

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.dns_s: float | None = None
        self.tls_s: float | None = None


class MarkingConnector(aiohttp.TCPConnector):
    """A connection pool that marks what a new connection cost on the attempt that it is `FOR`.

    opened: connections it has opened.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        tls: ssl.SSLContext | None,
        dns_ttl_s: float,
        keepalive_s: float,
        resolver: AbstractResolver,
    ) -> None:
        # No limit: behind aiohttp's own of a hundred connections calls would wait unseen; here they wait for a slot.
        super().__init__(  # pyright: ignore[reportUnknownMemberType]  aiohttp's own types
            limit=0,
            ssl=True if tls is None else tls,
            keepalive_timeout=keepalive_s,
            ttl_dns_cache=math.ceil(dns_ttl_s),
            resolver=resolver,
        )
        made_of: type[ResponseHandler] = Protocol
        self._factory = partial(made_of, loop=self._loop)
        self._marking_clock = clock
        self.opened = 0

    async def _create_connection(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  aiohttp's
    ) -> ResponseHandler:
        """Open one. aiohttp names this method for connectors to override.

        Raises:
            NotOpened, ClientConnectorError, ClientResponseError: there is none; the last, if a proxy refused it.
        """
        clock, attempt = self._marking_clock, FOR.get()
        opening = _Opening(clock)
        token, began_s = OPENING.set(opening), clock()
        try:
            connection = await super()._create_connection(req, traces, timeout)
            self.opened += 1
            if attempt is not None:
                attempt.connect_s = clock() - began_s
        except (aiohttp.ClientConnectorError, aiohttp.ClientResponseError):
            raise  # these say that themselves
        except (aiohttp.ClientError, OSError, UnicodeError) as error:
            raise NotOpened(str(error)) from error
        finally:
            OPENING.reset(token)
            if attempt is not None:
                attempt.dns_s, attempt.tls_s = opening.dns_s, opening.tls_s
        return connection

    @property
    def idle(self) -> int:
        """Connections that are kept for the next calls."""
        return sum(len(kept) for kept in self._conns.values())

    @property
    def in_use(self) -> int:
        """Connections that calls hold, or are opening."""
        return len(self._acquired)


class MarkingResolver(AbstractResolver):
    """The system's resolver, timed. Names that the connector's cache knows do not come here."""

    def __init__(self) -> None:
        self._resolver = aiohttp.DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = 0  # type: ignore[assignment]  # AF_UNSPEC
    ) -> list[ResolveResult]:  # fmt: skip
        """Look up *host*."""
        opening = OPENING.get()
        began_s = None if opening is None else opening.clock()
        try:
            return await self._resolver.resolve(host, port, family)
        finally:
            if opening is not None and began_s is not None:
                opening.dns_s = opening.clock() - began_s

    async def close(self) -> None:
        """Let go of the system's."""
        await self._resolver.close()


class MarkingTls(ssl.SSLObject):
    """The TLS of one connection, which times its handshake: for ``SSLContext.sslobject_class``."""

    _opening: _Opening | None = None
    _began_s: float | None = None

    def do_handshake(self) -> None:
        """Go on with the handshake. Raises `ssl.SSLWantReadError` as long as there is more to come."""
        if self._began_s is None:
            # The first call still runs in the context of who opens the connection, the later ones as bytes come in.
            self._opening = OPENING.get()
            self._began_s = 0.0 if self._opening is None else self._opening.clock()
        super().do_handshake()
        if self._opening is not None:
            self._opening.tls_s = self._opening.clock() - self._began_s
