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

from ..router.errors import AttemptFailed, ConnectFailed, MalformedAnswer, ProviderError
from ..router.verdict import Health
from .http_marks import MarkingConnector, MarkingResolver

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ..router.clock import Clock
    from ..router.ledger import Attempt
    from .http_connections import Connections

NO_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None, ceil_threshold=math.inf)

TRANSPORT_ERRORS = (aiohttp.ClientError, OSError)
"""What reading and writing may raise. `OSError` takes in resets that aiohttp lets through, and a passed
`asyncio.timeout`."""


@asynccontextmanager
async def open_session(
    clock: Clock, connections: Connections
) -> AsyncGenerator[tuple[aiohttp.ClientSession, MarkingConnector]]:
    """A client of its own for one router on one loop. Leaving closes every connection.

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
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=NO_TIMEOUT,
            proxy=connections.proxy,
            proxy_auth=connections.proxy_auth(),
        ) as session:
            yield session, connector
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
    """*error* as a cause to show; None for one that would print the request's headers, or the proxy's login."""
    holds_headers = isinstance(error, aiohttp.ClientResponseError)
    holds_login = isinstance(error, aiohttp.ClientConnectorError) and error._conn_key.proxy is not None  # noqa: SLF001
    return None if holds_headers or holds_login else error
