"""The adapter for OpenAI's chat completions, which most vendors and all open servers speak.

    Endpoint(name="local", provider=OpenAICompatible(), url="http://127.0.0.1:8000/v1", model="qwen3")

One call is one ``POST {url}/chat/completions``. The answer is asked for as a stream, because a stream is how the first
token is seen; a server that answers in one piece all the same is understood. Usage is always asked for. What servers
differ in when they answer is understood without being told; what they differ in when asked is a field here, and
`presets` holds the fields of those in wide use.

Whatever ends a call before its answer is complete, be it an error, a limit or a caller who left, closes its connection
at once and synchronously: the vendor stops computing, and nothing is left to clean up. A complete answer gives its
connection back to the pool.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Protocol

import attrs

from ..router import check
from ..router.errors import ConfigurationError
from ..router.ledger import Attempt
from .http_address import Address, address_of
from .http_pool import TRANSPORT_ERRORS, open_session, unsent
from .openai_answer import ChatAnswer
from .openai_exchange import Exchange
from .openai_request import CAPS, encode_request
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
    region: name of the header that says where it was served; None: the vendor does not say.
    """

    address: Callable[[Endpoint], Address]
    encode: Callable[[Call], bytes]
    reader: Callable[[Attempt, Callable[[VendorError], AttemptFailed]], AnswerReader]
    request_id: str
    region: str | None = None


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


def cap_name(instance: object, _attribute: attrs.Attribute[str], value: str) -> None:
    """One of the two names in use."""
    if value not in CAPS:
        raise ConfigurationError(f"{type(instance).__name__}: cap must be {' or '.join(CAPS)}, not {value!r}")


def _names(value: object) -> frozenset[str]:
    return frozenset(check.names(value))


@attrs.frozen(kw_only=True)
class OpenAICompatible:
    """A `Provider` for ``/chat/completions``. Endpoints with equal ones share a connection pool within a router.

    name: in reports. Default ``openai``.
    url: base URL of endpoints that give none. Default None: they must.
    cap: what the server calls the cap on an answer's length: ``max_tokens``, the default, or ``max_completion_tokens``.
    ignores: parameters that the server is known to pass over without a word. A request with one of them is refused
        there, as `Unsupported`, and may go elsewhere. Default: none.
    keepalive_s: seconds an idle connection is kept for the next call, above 0. Default 30; a server that closes earlier
        is noticed.
    max_frame_bytes: the longest event of a stream, at least 1024. Default 1 MiB. A longer one is a `MalformedAnswer`.
    max_answer_bytes: the longest answer in one piece, at least 1024. Default 32 MiB.
    """

    name: str = attrs.field(default="openai", validator=check.named)
    url: str | None = attrs.field(default=None, validator=check.if_given(check.named))
    cap: str = attrs.field(default=CAPS[0], validator=cap_name)
    ignores: frozenset[str] = attrs.field(default=frozenset(), converter=_names)
    keepalive_s: float = attrs.field(default=30.0, validator=check.positive)
    max_frame_bytes: int = attrs.field(default=DEFAULT_MAX_FRAME_BYTES, validator=check.count(1024))
    max_answer_bytes: int = attrs.field(default=32 << 20, validator=check.count(1024))

    def check(self, endpoint: Endpoint) -> None:
        """Refuse an endpoint without a usable url, or with headers that cannot be sent.

        Raises:
            ConfigurationError: saying what to mend.
        """
        self._address(endpoint)

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Handler]:
        """A connection pool for one router on the running loop; closed on leaving."""
        return self._opened(clock)

    @asynccontextmanager
    async def _opened(self, clock: Clock) -> AsyncGenerator[Handler]:
        async with open_session(clock, self.keepalive_s) as session:
            yield Client(self._dialect(), self, session, clock)

    def _dialect(self) -> Dialect:
        return Dialect(
            address=self._address,
            encode=partial(encode_request, cap=self.cap, ignored=self.ignores),
            reader=ChatAnswer,
            request_id="x-request-id",
        )

    def _address(self, endpoint: Endpoint) -> Address:
        return address_of(endpoint, self.url)


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
        attempt.choices = call.request.choices
        response = await self._post(call, attempt)
        try:
            attempt.headers_s = self._clock()
            attempt.request_id = response.headers.get(self._dialect.request_id)
            if self._dialect.region is not None:
                attempt.served_region = response.headers.get(self._dialect.region)
            attempt.processing_s = processing_s(response.headers)
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
