"""One HTTP exchange: the request out, the answer read as it comes, and in every case an end of the connection.

Every call goes through here, and many at a time, so a step is a coroutine of its own only where it waits for something
that no other does.

Whose answer it is does not matter here: a vendor's own reading of it is an `AnswerReader`, which does no I/O.

What a body is taken for follows from what the server says it is, not from what was asked: some servers answer a
request for a stream in one piece.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, NoReturn, Protocol

from ..router.errors import AttemptFailed, MalformedAnswer, ProviderError, TruncatedAnswer
from .error_body import VendorError, read_error, scrubbed
from .http_address import hidden_in
from .http_errors import failure_of, only_elsewhere
from .http_pool import TRANSPORT_ERRORS, harmless, unsent
from .openai_request import texts_of
from .rate_limit_headers import rate_limits, tells_rates
from .sse import LF, Event, FrameTooLong, SseDecoder
from .together import apart
from .vendor_timing import processing_s

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

    from ..router.call import Call
    from ..router.chunk import Chunk
    from ..router.clock import Clock
    from ..router.ledger import Attempt
    from ..router.pipeline import Emit
    from .http_address import Address
    from .http_client import Dialect, Settings
    from .http_pool import HttpPool
    from .http_response import Response
    from .sse import Lines

KINDS = STREAM, JSON = "text/event-stream", "application/json"
"""What answers mostly are, and mostly in these very words."""

MOST_OF_AN_ERROR_BYTES = 64 * 1024
ERROR_WITHIN_S = 1.0
"""How long the words of a refusal are waited for; its status is known already."""

END_WITHIN_S = 0.05
"""How long the end of the body is waited for after the answer's own end marker. It mostly comes in the same moment, and
then the connection can serve the next call; opening another one costs about this much."""


class AnswerReader(Protocol):
    """What a vendor's bytes mean: one answer, put together as it comes.

    done: the end marker was seen, and nothing of the answer follows.
    """

    done: bool

    def chunk(self, event: Event, /) -> Chunk | None:
        """The chunk that *event* carries; None for one that carries none."""
        ...

    def chunks(self, said: Lines | list[Event], /) -> Iterator[Chunk]:
        """The chunks that the events of one read carry, as few as say the same (`together`)."""
        ...

    def whole(self, body: bytes, /) -> Chunk:
        """The chunk of an answer that came in one piece."""
        ...

    def end(self, unfinished: int, /) -> None:
        """The body has ended, *unfinished* bytes into an event: raise unless the answer is whole."""
        ...


class Shared:
    """What the exchanges of one client have in common."""

    __slots__ = ("clock", "dialect", "most_answer_bytes", "most_frame_bytes", "pool")

    def __init__(self, dialect: Dialect, settings: Settings, pool: HttpPool, clock: Clock) -> None:
        self.dialect = dialect
        self.most_frame_bytes = settings.max_frame_bytes
        self.most_answer_bytes = settings.max_answer_bytes
        self.pool = pool
        self.clock = clock


class Exchange:
    """One call's request, and the answer to it.

    secrets: the keys in use, which no message may show.

    Raises:
        PacelineError: the request cannot be put into the vendor's words. Nothing was sent.
    """

    __slots__ = ("_body", "_emit", "_response", "_secrets", "_shared", "attempt", "call")

    _response: Response

    def __init__(
        self, shared: Shared, call: Call, attempt: Attempt, emit: Emit, secrets: Callable[[], Iterable[str]]
    ) -> None:
        self._shared = shared
        self._emit = emit
        self._secrets = secrets
        self._body = shared.dialect.encode(call)
        self.call = call
        self.attempt = attempt

    async def over(self, address: Address) -> None:
        """Send the request to *address*, and read the answer to its end. May be done again, with another key.

        Raises:
            AttemptFailed: there is none, or not a whole one.
        """
        attempt = self.attempt
        head = address.streaming if self.call.request.stream else address.whole
        if self._shared.dialect.head is not None:
            head = self._shared.dialect.head(self.call, head)
        try:
            response = await self._shared.pool.send(head, self._body, attempt)
        except TRANSPORT_ERRORS as error:
            failure, cause = unsent(error, attempt), harmless(error)
        else:
            self._response = response
            try:
                return await self._reading(response)
            except AttemptFailed as failed:
                failed.request_id = attempt.request_id
                raise
            finally:
                response.close()
        raise failure from cause  # out here, so that an error which holds the headers is not its context either

    def _reading(self, response: Response) -> Awaitable[None]:
        """Take what the head of the response says; the rest is to be awaited."""
        shared, attempt, headers = self._shared, self.attempt, response.headers
        attempt.headers_s = shared.clock()
        attempt.request_id = headers.get(shared.dialect.request_id)
        if shared.dialect.region is not None:
            attempt.served_region = headers.get(shared.dialect.region)
        attempt.processing_s = processing_s(headers)
        if tells_rates(headers):
            attempt.rate_limits = rate_limits(headers, datetime.now(UTC))
        if not 200 <= response.status < 300:
            return self._refuse()
        kind = headers.get("Content-Type", "")
        if kind not in KINDS:
            kind = kind.partition(";")[0].strip().lower()
        answer = shared.dialect.reader(attempt, self._failure)
        if kind == STREAM or (not kind and self.call.request.stream):
            return self._stream(answer)
        if not kind or kind == JSON or kind.endswith("+json"):
            return self._whole(answer)
        if response.content.at_eof():
            raise TruncatedAnswer("the body is empty", endpoint=self._name)
        told = f"a body of {kind[:60]!r} in place of an answer: is the url right?"
        raise MalformedAnswer(told, endpoint=self._name)

    async def _stream(self, answer: AnswerReader) -> None:
        content, emit = self._response.content, self._emit
        decoder = SseDecoder(self._shared.most_frame_bytes)
        chunks = answer.chunks if self.call.meddler is None else partial(apart, answer)  # who meddles counts pieces
        while True:
            try:
                data = await content.readany()
                said = decoder.read(data)
            except TRANSPORT_ERRORS as error:
                raise self._broken(error) from error
            except FrameTooLong as error:
                raise MalformedAnswer(f"{error}: this is no stream of chunks", endpoint=self._name) from None
            if isinstance(said, bytes) and LF not in said:  # a single event, as they come from a model at work
                chunk = answer.chunk(Event(said))
                if chunk is not None:
                    await emit(chunk)
            else:
                for piece in chunks(said):
                    await emit(piece)
            if answer.done:
                return await self._let_end()
            if not data:
                return answer.end(decoder.unfinished)

    async def _whole(self, answer: AnswerReader) -> None:
        """An answer in one piece. Blank lines in front of it are how a vendor keeps the connection open meanwhile."""
        content, most_bytes = self._response.content, self._shared.most_answer_bytes
        pieces: list[bytes] = []
        length = 0
        while not content.at_eof():
            try:
                data = await content.readany()
            except TRANSPORT_ERRORS as error:
                raise self._broken(error) from error
            if not length:
                stripped = data.lstrip()
                self.attempt.keepalives += data[: len(data) - len(stripped)].count(b"\n")
                data = stripped
            pieces.append(data)
            length += len(data)
            if length > most_bytes:
                raise MalformedAnswer(f"the answer is longer than {most_bytes} bytes", endpoint=self._name)
        await self._emit(answer.whole(b"".join(pieces)))

    def _broken(self, error: Exception) -> TruncatedAnswer:
        return TruncatedAnswer(f"the connection broke: {type(error).__name__}", endpoint=self._name)

    async def _let_end(self) -> None:
        """Give the body a moment to end, so that its connection can be used again. What else it brings is ignored."""
        content = self._response.content
        if content.is_eof():
            return
        try:
            async with asyncio.timeout(END_WITHIN_S):
                while await content.readany():
                    pass
        except TRANSPORT_ERRORS:
            pass  # the answer was complete; the connection is closed

    async def _refuse(self) -> NoReturn:
        response = self._response
        if 300 <= response.status < 400:
            raise self._redirected(response.headers.get("Location", "nowhere"))
        body = bytearray()
        try:
            async with asyncio.timeout(ERROR_WITHIN_S):
                while len(body) < MOST_OF_AN_ERROR_BYTES and (data := await response.content.readany()):
                    body += data
        except TRANSPORT_ERRORS:
            pass  # what has come must do
        raise self._failure(read_error(bytes(body)), response.status)

    def _redirected(self, location: str) -> AttemptFailed:
        """Following it would take the key along."""
        to = scrubbed(location, self._hidden())
        failure = ProviderError(
            f"HTTP {self._response.status}, a redirect to {to}, is not followed: give the final address as the url",
            endpoint=self._name,
        )
        only_elsewhere(failure)
        return failure

    def _failure(self, error: VendorError, status: int | None = None) -> AttemptFailed:
        return failure_of(
            error,
            self._response.headers,
            status=status,
            endpoint=self._name,
            hidden=self._hidden(),
            received=datetime.now(UTC),
        )

    def _hidden(self) -> list[str]:
        """The key and the prompt: vendors quote both."""
        return [*self._secrets(), *hidden_in(self.attempt.endpoint), *texts_of(self.call.request)]

    @property
    def _name(self) -> str:
        return self.attempt.endpoint.name
