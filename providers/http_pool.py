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
from ..router.ledger import Attempt
from ..router.verdict import Health

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from types import SimpleNamespace

    from ..router.clock import Clock

NO_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None, ceil_threshold=math.inf)

TRANSPORT_ERRORS = (aiohttp.ClientError, OSError)
"""What reading and writing may raise. `OSError` takes in resets that aiohttp lets through, and a passed
`asyncio.timeout`."""


@asynccontextmanager
async def open_session(clock: Clock, keepalive_s: float) -> AsyncGenerator[aiohttp.ClientSession]:
    """A client of its own for one router on one loop. Leaving closes every connection.

    clock: what `Attempt.connect_s` is measured on. keepalive_s: how long an idle connection is kept.
    """
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=keepalive_s),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=NO_TIMEOUT,
        trace_configs=[_connection_times(clock)],
    ) as session:
        yield session


def _connection_times(clock: Clock) -> aiohttp.TraceConfig:
    """Marks on the attempt (the request's trace context) what a new connection cost; a pooled one leaves no mark."""

    async def begins(
        _session: aiohttp.ClientSession, context: SimpleNamespace, _: aiohttp.TraceConnectionCreateStartParams
    ) -> None:
        context.began_s = clock()

    async def ends(
        _session: aiohttp.ClientSession, context: SimpleNamespace, _: aiohttp.TraceConnectionCreateEndParams
    ) -> None:
        attempt: object = context.trace_request_ctx
        if isinstance(attempt, Attempt):
            attempt.connect_s = clock() - context.began_s

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_start.append(begins)
    trace.on_connection_create_end.append(ends)
    return trace


def unsent(error: Exception, attempt: Attempt) -> AttemptFailed:
    """The failure of a request that got no response: of the connection, or of the server on it."""
    name = attempt.endpoint.name
    if isinstance(error, aiohttp.ClientConnectorError):
        return ConnectFailed(f"no connection: {error}", endpoint=name)
    if isinstance(error, aiohttp.ClientResponseError):
        return MalformedAnswer(f"the server does not speak HTTP: {error.message[:100]!r}", endpoint=name)
    if attempt.connect_s is None:
        # Most likely an idle connection that the server was just closing: nothing was wrong but the moment.
        closed = ConnectFailed("a kept connection was closed before any answer", endpoint=name)
        closed.health = Health.NONE
        return closed
    return ProviderError(f"the connection broke before any answer: {type(error).__name__}", endpoint=name)
