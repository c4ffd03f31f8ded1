"""The HTTP client of one router: its connections, and what their failures mean.

Two defaults of aiohttp would work against a router that is built on deadlines, and are turned off. Its timeouts (five
minutes for a whole answer, and any above five seconds rounded up to a whole one): here time is limited by the cancel
scope of an attempt and by nothing else. And its limit of a hundred connections, behind which calls would wait unseen:
here a call waits for a slot, where the waiting is bounded and counted.
"""

from __future__ import annotations

import math
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy

from ..router.errors import AttemptFailed, ConnectFailed, MalformedAnswer, ProviderError
from ..router.pool import Pool
from ..router.verdict import Health
from .http_marks import MarkingConnector, MarkingResolver

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, Awaitable

    from yarl import URL

    from ..router.clock import Clock
    from ..router.ledger import Attempt
    from .http_body import Body
    from .http_connections import Connections

NO_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None, ceil_threshold=math.inf)

TRANSPORT_ERRORS = (aiohttp.ClientError, OSError)
"""What reading and writing may raise. `OSError` takes in resets that aiohttp lets through, and a passed
`asyncio.timeout`."""


class HttpPool:
    """A session over connections as asked for.

    connections: the options.
    """

    __slots__ = ("_connector", "_proxy", "_proxy_headers", "_session", "_tls", "connections")

    def __init__(self, connections: Connections, session: aiohttp.ClientSession, connector: MarkingConnector) -> None:
        self.connections = connections
        self._session = session
        self._connector = connector
        self._proxy = connections.proxy
        self._proxy_headers = connections.proxy_headers()
        self._tls: ssl.SSLContext | bool = True
        """As the connector has it; or what times its handshakes, once there is a need for TLS."""

    def send(
        self, method: str, url: URL, headers: CIMultiDictProxy[str], body: Body | None = None
    ) -> Awaitable[aiohttp.ClientResponse]:
        """One request, and its response, which is to be closed. Follows no redirect: it would take the key along."""
        if self._proxy_headers is not None and url.scheme == "http":
            # The proxy reads the request itself: there is none of its own to say this in.
            headers = CIMultiDictProxy(CIMultiDict({**headers, **self._proxy_headers}))
        return self._session.request(
            method,
            url,
            data=body,
            headers=headers,
            allow_redirects=False,
            ssl=self._tls,
            proxy=self._proxy,
            proxy_headers=self._proxy_headers,
        )

    def expect_tls(self) -> None:
        """There will be TLS: read the system's authorities now, unless others were given, and not in the first call."""
        if self.connections.tls_given() is None:
            self._tls = self.connections.tls_of_system()

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
        async with aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), timeout=NO_TIMEOUT
        ) as session:
            yield HttpPool(connections, session, connector)
    finally:
        await resolver.close()


def unsent(error: Exception, attempt: Attempt) -> AttemptFailed:
    """The failure of a request that got no response: of the connection, or of the server on it."""
    name = attempt.endpoint.name
    if isinstance(error, aiohttp.ClientConnectorError):
        return ConnectFailed(f"no connection: {error}", endpoint=name)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return ConnectFailed(f"no connection: the proxy answers HTTP {error.status}", endpoint=name)
    if isinstance(error, aiohttp.ClientResponseError):
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
