"""The adapter for OpenAI's chat completions, which most vendors and all open servers speak.

    provider = OpenAICompatible()
    Endpoint(name="openai", provider=provider, url="https://api.openai.com/v1", api_key=key, model="gpt-4o")

One call is one ``POST {url}/chat/completions``. The answer is asked for as a stream, because a stream is how the first
token is seen; a server that answers in one piece all the same is understood. Usage is always asked for.

Whatever ends a call before its answer is complete, be it an error, a limit or a caller who left, closes its connection
at once and synchronously: the vendor stops computing, and nothing is left to clean up. A complete answer gives its
connection back to the pool.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import attrs

from ..router import check
from ..router.ledger import Attempt
from .http_address import Address, address_of
from .http_pool import TRANSPORT_ERRORS, open_session, unsent
from .openai_answer import ChatAnswer
from .openai_exchange import Exchange
from .openai_request import encode_request
from .rate_limit_headers import rate_limits
from .sse import DEFAULT_MAX_FRAME_BYTES
from .vendor_timing import processing_s

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager

    import aiohttp

    from ..router.call import Call
    from ..router.clock import Clock
    from ..router.endpoint import Endpoint
    from ..router.errors import AttemptFailed
    from ..router.pipeline import Emit, Handler
    from .error_body import VendorError
    from .openai_exchange import AnswerReader


@attrs.frozen(kw_only=True)
class Dialect:
    """What makes one vendor's HTTP API differ from another's; all of it without I/O.

    address: where an endpoint's calls go. encode: the body of a call's request. reader: as for `Exchange`.
    request_id: name of the header that carries the vendor's id of the request.
    """

    address: Callable[[Endpoint], Address]
    encode: Callable[[Call], bytes]
    reader: Callable[[Attempt, Callable[[VendorError], AttemptFailed]], AnswerReader]
    request_id: str


CHAT_COMPLETIONS = Dialect(address=address_of, encode=encode_request, reader=ChatAnswer, request_id="x-request-id")


class Bounds(Protocol):
    """How much of an answer is read at most, in bytes."""

    @property
    def max_frame_bytes(self) -> int:
        """Of one event of a stream."""
        ...

    @property
    def max_answer_bytes(self) -> int:
        """Of an answer in one piece."""
        ...


@attrs.frozen(kw_only=True)
class OpenAICompatible:
    """A `Provider` for ``/chat/completions``. Endpoints with equal ones share a connection pool within a router.

    name: in reports. Default ``openai``.
    keepalive_s: seconds an idle connection is kept for the next call, above 0. Default 30; a server that closes earlier
        is noticed.
    max_frame_bytes: the longest event of a stream, at least 1024. Default 1 MiB. A longer one is a `MalformedAnswer`.
    max_answer_bytes: the longest answer in one piece, at least 1024. Default 32 MiB.
    """

    name: str = attrs.field(default="openai", validator=check.named)
    keepalive_s: float = attrs.field(default=30.0, validator=check.positive)
    max_frame_bytes: int = attrs.field(default=DEFAULT_MAX_FRAME_BYTES, validator=check.count(1024))
    max_answer_bytes: int = attrs.field(default=32 << 20, validator=check.count(1024))

    def check(self, endpoint: Endpoint) -> None:
        """Refuse an endpoint without a usable url, or with headers that cannot be sent.

        Raises:
            ConfigurationError: saying what to mend.
        """
        address_of(endpoint)

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Handler]:
        """A connection pool for one router on the running loop; closed on leaving."""
        return self._opened(clock)

    @asynccontextmanager
    async def _opened(self, clock: Clock) -> AsyncGenerator[Handler]:
        async with open_session(clock, self.keepalive_s) as session:
            yield Client(CHAT_COMPLETIONS, self, session, clock)


class Client:
    """The handler: calls over one pool."""

    __slots__ = ("_addresses", "_bounds", "_clock", "_dialect", "_session")

    def __init__(self, dialect: Dialect, bounds: Bounds, session: aiohttp.ClientSession, clock: Clock) -> None:
        self._dialect = dialect
        self._bounds = bounds
        self._session = session
        self._clock = clock
        self._addresses: dict[Endpoint, Address] = {}

    async def __call__(self, call: Call, emit: Emit, /) -> None:
        """One request to the call's target, and its answer."""
        endpoint = call.target.endpoint
        attempt = call.attempt or Attempt(endpoint=endpoint, number=1, sent_s=self._clock())
        response = await self._post(call, attempt)
        try:
            attempt.headers_s = self._clock()
            attempt.request_id = response.headers.get(self._dialect.request_id)
            attempt.processing_s = processing_s(response.headers)
            attempt.rate_limits = rate_limits(response.headers, datetime.now(UTC))
            await Exchange(
                response,
                call,
                attempt,
                emit,
                reader=self._dialect.reader,
                most_frame_bytes=self._bounds.max_frame_bytes,
                most_answer_bytes=self._bounds.max_answer_bytes,
            ).receive()
        finally:
            response.close()  # gives nothing up: a body that was read to its end has left its connection to the pool

    async def _post(self, call: Call, attempt: Attempt) -> aiohttp.ClientResponse:
        body = self._dialect.encode(call)
        address = self._addresses.get(attempt.endpoint)
        if address is None:
            address = self._addresses[attempt.endpoint] = self._dialect.address(attempt.endpoint)
        try:
            return await self._session.post(
                address.url,
                data=body,
                headers=address.streaming if call.request.stream else address.headers,
                allow_redirects=False,
                trace_request_ctx=attempt,
            )
        except TRANSPORT_ERRORS as error:
            raise unsent(error, attempt) from error
