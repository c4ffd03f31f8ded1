"""The HTTP client of one router: its connections, and what their failures mean.

It is aiohttp's connector and parser, without its session. What a session does for each request (cookies, redirects,
netrc, middlewares, headers put together anew, a task to send the body, timers) is of no use here, and costs more than
all of routing: see `http_head`.

Nor are there its timeouts: here time is limited by the watchdog of an attempt and by nothing else. And its limit of a
hundred connections, behind which calls would wait unseen, is turned off: here a call waits for a slot, where the
waiting is bounded and counted.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.http import HttpProcessingError
from multidict import CIMultiDict
from yarl import URL

from ..router.errors import AttemptFailed, ConnectFailed, MalformedAnswer, ProviderError
from ..router.pool import Pool
from ..router.verdict import Health
from .http_body import LONG_BYTES, upload
from .http_marks import FOR, MarkingConnector, MarkingResolver, NotOpened
from .http_protocol import Protocol
from .http_response import Response, give_up

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator

    from aiohttp.client_reqrep import ConnectionKey

    from ..router.clock import Clock
    from ..router.ledger import Attempt
    from .http_connections import Connections
    from .http_head import Head

NO_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None, ceil_threshold=math.inf)

TRANSPORT_ERRORS = (aiohttp.ClientError, OSError, HttpProcessingError)
"""What reading and writing may raise; the last, for what is no HTTP. `OSError` takes in resets that aiohttp lets
through, and a passed `asyncio.timeout`."""

SWITCHING = 101
"""The one status below 200 that is an answer; the others are said before one."""


class Door(aiohttp.ClientRequest):
    """A request as far as it says which connections will do. It stays as it is, and so does what it says."""

    @cached_property
    def connection_key(self) -> ConnectionKey:  # pyright: ignore[reportIncompatibleMethodOverride]  what is read is one
        """As aiohttp's, which makes it anew each time."""
        return super().connection_key


class HttpPool:
    """Connections as asked for, and requests over them.

    connections: the options.
    """

    __slots__ = ("_clock", "_connector", "_doors", "_loop", "_proxy", "_proxy_headers", "_tls", "connections")

    def __init__(self, connections: Connections, connector: MarkingConnector, clock: Clock) -> None:
        self.connections = connections
        self._connector = connector
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._proxy = None if connections.proxy is None else URL(connections.proxy)
        self._proxy_headers = connections.proxy_headers()
        self._tls: ssl.SSLContext | bool = True
        """As the connector has it; or what times its handshakes, once there is a need for TLS."""
        self._doors: dict[str, aiohttp.ClientRequest] = {}

    async def send(self, head: Head, body: bytes | None = None, attempt: Attempt | None = None) -> Response:
        """One request, and its response, which is to be closed. Follows no redirect: it would take the key along.

        attempt: gets the marks of a new connection, and of a long body. None: nobody waits for it, and it is short.

        Raises:
            TRANSPORT_ERRORS: there is no response.
        """
        FOR.set(attempt)
        try:
            while True:
                connection = await self._connector.connect(self._door(head), [], NO_TIMEOUT)
                protocol = connection.protocol
                if protocol is None or not len(protocol):
                    break
                connection.close()  # what a server said unasked must not be taken for the answer to this
        finally:
            FOR.set(None)
        transport = None if protocol is None else protocol.transport
        if protocol is None or transport is None:
            connection.close()
            raise aiohttp.ServerDisconnectedError
        if self._proxy is not None and head.url.scheme == "http":
            head = head.for_proxy(self._proxy_headers or {})
        uploading, is_bodiless = None, head.method == "HEAD"
        try:
            protocol.set_response_params(skip_payload=is_bodiless, read_until_eof=True)
            if body is None:
                transport.write(head.alone())
            elif len(body) < LONG_BYTES or attempt is None:
                transport.write(head.before(len(body)) + body)
            else:
                handing_over = upload(protocol, head.before(len(body)), body, attempt, self._clock)
                uploading = self._loop.create_task(handing_over)
            message, content = await protocol.read()
            while 100 <= message.code < 200 and message.code != SWITCHING:
                message, content = await protocol.read()
            if is_bodiless and isinstance(protocol, Protocol):
                protocol.stay_after(message)
        except BaseException:
            give_up(connection, uploading)
            raise
        return Response(message.code, message.headers, content, connection, uploading)

    def _door(self, head: Head) -> aiohttp.ClientRequest:
        """What the connector is asked for a connection with. It looks at the origin, at TLS and at the proxy."""
        door = self._doors.get(head.origin)
        if door is not None:
            return door
        if self._proxy is not None:
            # The connector writes into the headers for a proxy, so each call has its own.
            shown = None if self._proxy_headers is None else CIMultiDict(self._proxy_headers)
            return aiohttp.ClientRequest(
                "GET", head.url, loop=self._loop, ssl=self._tls, proxy=self._proxy, proxy_headers=shown
            )
        door = self._doors[head.origin] = Door("GET", head.url, loop=self._loop, ssl=self._tls)
        return door

    def expect_tls(self) -> None:
        """There will be TLS: read the system's authorities now, unless others were given, and not in the first call."""
        if self.connections.tls_given() is None:
            self._tls = self.connections.tls_of_system()
            self._doors.clear()

    def counted(self, provider: str) -> Pool:
        """How many connections there are."""
        connector = self._connector
        return Pool(provider=provider, in_use=connector.in_use, idle=connector.idle, opened=connector.opened)


@asynccontextmanager
async def open_pool(clock: Clock, connections: Connections) -> AsyncGenerator[HttpPool]:
    """Connections of its own for one router on one loop. Leaving closes every one.

    clock: what the marks of a new connection are measured on.
    """
    resolver = MarkingResolver()
    try:
        connector = MarkingConnector(
            clock,
            tls=connections.tls_given(),
            dns_ttl_s=connections.dns_ttl_s,
            keepalive_s=connections.keepalive_s,
            resolver=resolver,
        )
        async with connector:
            yield HttpPool(connections, connector, clock)
    finally:
        await resolver.close()


def unsent(error: Exception, attempt: Attempt) -> AttemptFailed:
    """The failure of a request that got no response: of the connection, or of the server on it."""
    name = attempt.endpoint.name
    if isinstance(error, aiohttp.ClientConnectorError | NotOpened):
        return ConnectFailed(f"no connection: {error}", endpoint=name)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return ConnectFailed(f"no connection: the proxy answers HTTP {error.status}", endpoint=name)
    if isinstance(error, HttpProcessingError | aiohttp.ClientResponseError):
        return MalformedAnswer(f"the server does not speak HTTP: {error.message[:100]!r}", endpoint=name)
    if attempt.connect_s is None:
        # Most likely an idle connection that the server was just closing: nothing was wrong but the moment.
        closed = ConnectFailed("a kept connection was closed before any answer", endpoint=name)
        closed.health = Health.NONE
        return closed
    return ProviderError(f"the connection broke before any answer: {type(error).__name__}", endpoint=name)


def harmless(error: Exception) -> Exception | None:
    """*error* as a cause to show; None for one that holds the request's headers, and prints them."""
    return None if isinstance(error, aiohttp.ClientResponseError) else error
