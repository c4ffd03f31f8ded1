"""The handler of every provider over HTTP: each call is an `Exchange` over the pool, or several, with the keys in turn.

What makes one vendor differ from another is a `Dialect`, all of it without I/O. What is done here is the same for all.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

import attrs

from ..router.errors import AttemptFailed, AuthenticationFailed
from ..router.events import ConnectionsWarmed, KeySetAside
from ..router.ledger import Attempt
from .http_exchange import Exchange, Shared
from .http_keys import KeyRing, LiveKey, speaks_of_key
from .http_pool import HttpPool, open_pool
from .http_warmup import warmed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from yarl import URL

    from ..router.call import Call
    from ..router.clock import Clock
    from ..router.endpoint import Endpoint
    from ..router.events import Listeners
    from ..router.pipeline import Emit
    from ..router.pool import Pool
    from ..router.secret import Secret
    from .error_body import VendorError
    from .http_address import Address
    from .http_connections import Connections
    from .http_exchange import AnswerReader
    from .http_head import Head


@attrs.frozen(kw_only=True)
class Dialect:
    """What makes one vendor's HTTP API differ from another's; all of it without I/O.

    address: where an endpoint's calls go, with which key. encode: the body of a call's request. reader: as for
        `Exchange`.
    request_id: name of the header that carries the vendor's id of the request.
    region: name of the header that says where it was served; None: the vendor does not say.
    head: makes the head of one call's request from that of its address; None: every call has the same.
    """

    address: Callable[[Endpoint, Secret | None], Address]
    encode: Callable[[Call], bytes]
    reader: Callable[[Attempt, Callable[[VendorError], AttemptFailed]], AnswerReader]
    request_id: str
    region: str | None = None
    head: Callable[[Call, Head], Head] | None = None


class Settings(Protocol):
    """What every provider over HTTP is told: its name, its connections, and how much of an answer is read at most."""

    @property
    def name(self) -> str:
        """In reports."""
        ...

    @property
    def connections(self) -> Connections:
        """How they are made and kept."""
        ...

    @property
    def max_frame_bytes(self) -> int:
        """Of one event of a stream."""
        ...

    @property
    def max_answer_bytes(self) -> int:
        """Of an answer in one piece."""
        ...


@asynccontextmanager
async def open_client(dialect: Dialect, settings: Settings, clock: Clock) -> AsyncGenerator[Client]:
    """A connection pool for one router on the running loop, and the handler that calls over it."""
    async with open_pool(clock, settings.connections) as pool:
        yield Client(dialect, settings, pool, clock)


class Client:
    """The handler: calls over one pool."""

    __slots__ = ("_clock", "_dialect", "_pool", "_rings", "_settings", "_shared")

    def __init__(self, dialect: Dialect, settings: Settings, pool: HttpPool, clock: Clock) -> None:
        self._dialect = dialect
        self._settings = settings
        self._pool = pool
        self._clock = clock
        self._shared = Shared(dialect, settings, pool, clock)
        self._rings: dict[Endpoint, KeyRing] = {}

    def __call__(self, call: Call, emit: Emit, /) -> Awaitable[None]:
        """One request to the call's target, and its answer."""
        endpoint = call.candidates[0].endpoint
        attempt = call.attempt or Attempt(endpoint=endpoint, number=1, sent_s=self._clock())
        attempt.choices = call.request.choices
        ring = self._rings.get(endpoint)
        if ring is None:
            ring = self._rings[endpoint] = KeyRing(endpoint, self._dialect.address, self._clock)
        exchange = Exchange(self._shared, call, attempt, emit, ring.secrets)
        return self._with_keys(exchange, ring) if ring.only is None else exchange.over(ring.only)

    # -- the keys in turn

    async def _with_keys(self, exchange: Exchange, ring: KeyRing) -> None:
        """With one key after the other, until one is not refused. No wait, and no policy is asked: it is one try."""
        key = ring.take(self._clock())
        tried: set[LiveKey] = set()
        while True:
            failure = await self._with_key(exchange, ring, key)
            if failure is None:
                return
            tried.add(key)
            now_s = self._clock()
            if ring.refused(key, failure, now_s):
                self._tell(exchange.call, key, len(ring), failure.reason, now_s)
            another = ring.another(tried, now_s)
            if another is None:
                ring.soften(failure, now_s)
                raise failure
            key = another

    async def _with_key(self, exchange: Exchange, ring: KeyRing, key: LiveKey) -> AttemptFailed | None:
        """The failure of a call that was refused because of *key*; None if it was answered. Gives the key back."""
        attempt = exchange.attempt
        attempt.key = key.number if len(ring) > 1 else None
        renewed = False
        try:
            while True:
                sent, sent_s = None, self._clock()
                try:
                    address, sent = await key.address(), key.secret
                    await exchange.over(address)
                except AttemptFailed as failure:
                    if not speaks_of_key(failure) or attempt.first_event_s is not None:
                        raise
                    refused = failure
                else:
                    ring.answered(key, sent_s)
                    return None
                is_stale = sent is not None and isinstance(refused, AuthenticationFailed)
                if renewed or not is_stale or not await key.changed(sent):
                    return refused
                renewed = True
                exchange.call.note("keys", "the token was refused, and its source gave another")
        finally:
            ring.release(key)

    def _tell(self, call: Call, key: LiveKey, of: int, why: str, now_s: float) -> None:
        number, until_s = key.number, key.out_until_s
        call.note("keys", "key %d of %d is left alone for %.3f s: %s", number, of, until_s - now_s, why)
        if call.listeners:
            endpoint = call.target.endpoint
            told = KeySetAside(at_s=now_s, endpoint=endpoint, key=number, of=of, until_s=until_s, reason=why)
            call.listeners.tell(told)

    # -- connections

    def pool(self) -> Pool:
        """The connections, now."""
        return self._pool.counted(self._settings.name)

    async def make_ready(self, endpoints: Sequence[Endpoint], listeners: Listeners) -> None:
        """Make what there is to make for TLS, and open the wanted connections, all at the same time."""
        urls = {endpoint: self._dialect.address(endpoint, None).url for endpoint in endpoints}
        if any(url.scheme == "https" for url in urls.values()):
            self._pool.expect_tls()
        if self._pool.connections.warm:
            await asyncio.gather(*(self._warm(endpoint, url, listeners) for endpoint, url in urls.items()))

    async def _warm(self, endpoint: Endpoint, url: URL, listeners: Listeners) -> None:
        opened, why = await warmed(self._pool, url)
        wanted = self._pool.connections.warm
        listeners.tell(ConnectionsWarmed(at_s=self._clock(), endpoint=endpoint, opened=opened, wanted=wanted, why=why))
