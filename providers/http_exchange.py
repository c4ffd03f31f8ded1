"""One HTTP exchange: the request out, the answer read as it comes, and in every case an end of the connection.

Whose answer it is does not matter here: a vendor's own reading of it is an `AnswerReader`, which does no I/O.

What a body is taken for follows from what the server says it is, not from what was asked: some servers answer a
request for a stream in one piece.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from ..router.errors import AttemptFailed, MalformedAnswer, ProviderError, TruncatedAnswer
from .error_body import VendorError, read_error, scrubbed
from .http_address import hidden_in
from .http_errors import failure_of, only_elsewhere
from .http_pool import TRANSPORT_ERRORS
from .openai_request import texts_of
from .sse import FrameTooLong, SseDecoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import aiohttp

    from ..router.call import Call
    from ..router.chunk import Chunk
    from ..router.ledger import Attempt
    from ..router.pipeline import Emit
    from .sse import Event

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

    def whole(self, body: bytes, /) -> Chunk:
        """The chunk of an answer that came in one piece."""
        ...

    def end(self, unfinished: int, /) -> None:
        """The body has ended, *unfinished* bytes into an event: raise unless the answer is whole."""
        ...


class Exchange:
    """The answer to one request.

    reader: makes the reader of this answer, given its attempt and what turns the vendor's account of a failure into
        the error to raise.
    secrets: the keys in use, which no message may show.
    most_frame_bytes, most_answer_bytes: the longest event of a stream, and the longest answer in one piece.
    """

    __slots__ = (
        "_attempt",
        "_call",
        "_emit",
        "_most_answer_bytes",
        "_most_frame_bytes",
        "_reader",
        "_response",
        "_secrets",
    )

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        call: Call,
        attempt: Attempt,
        emit: Emit,
        *,
        reader: Callable[[Attempt, Callable[[VendorError], AttemptFailed]], AnswerReader],
        secrets: Callable[[], Iterable[str]],
        most_frame_bytes: int,
        most_answer_bytes: int,
    ) -> None:
        self._response = response
        self._call = call
        self._attempt = attempt
        self._emit = emit
        self._reader = reader
        self._secrets = secrets
        self._most_frame_bytes = most_frame_bytes
        self._most_answer_bytes = most_answer_bytes

    async def receive(self) -> None:
        """Read the answer to its end.

        Raises:
            AttemptFailed: there is none, or not a whole one.
        """
        response = self._response
        if not 200 <= response.status < 300:
            raise await self._refusal()
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        answer = self._reader(self._attempt, self._failure)
        if kind == "text/event-stream" or (not kind and self._call.request.stream):
            await self._stream(answer)
        elif not kind or kind == "application/json" or kind.endswith("+json"):
            await self._whole(answer)
        elif response.content.at_eof():
            raise TruncatedAnswer("the body is empty", endpoint=self._name)
        else:
            told = f"a body of {kind[:60]!r} in place of an answer: is the url right?"
            raise MalformedAnswer(told, endpoint=self._name)

    async def _stream(self, answer: AnswerReader) -> None:
        emit, piece, decoder = self._emit, answer.chunk, SseDecoder(self._most_frame_bytes)
        more = True
        while more:
            data = await self._read()
            more = bool(data)
            for event in self._events(decoder, data):
                chunk = piece(event)
                if chunk is not None:
                    await emit(chunk)
                if answer.done:
                    await self._let_end()
                    return
        answer.end(decoder.unfinished)

    def _events(self, decoder: SseDecoder, data: bytes) -> list[Event]:
        try:
            return decoder.feed(data)
        except FrameTooLong as error:
            raise MalformedAnswer(f"{error}: this is no stream of chunks", endpoint=self._name) from None

    async def _whole(self, answer: AnswerReader) -> None:
        """An answer in one piece. Blank lines in front of it are how a vendor keeps the connection open meanwhile."""
        body = bytearray()
        while data := await self._read():
            if not body:
                stripped = data.lstrip()
                self._attempt.keepalives += data[: len(data) - len(stripped)].count(b"\n")
                data = stripped
            body += data
            if len(body) > self._most_answer_bytes:
                raise MalformedAnswer(f"the answer is longer than {self._most_answer_bytes} bytes", endpoint=self._name)
        await self._emit(answer.whole(bytes(body)))

    async def _read(self) -> bytes:
        """What has come; empty at the end of the body."""
        try:
            return await self._response.content.readany()
        except TRANSPORT_ERRORS as error:
            raise TruncatedAnswer(f"the connection broke: {type(error).__name__}", endpoint=self._name) from error

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

    async def _refusal(self) -> AttemptFailed:
        response = self._response
        if 300 <= response.status < 400:
            return self._redirected(response.headers.get("Location", "nowhere"))
        body = bytearray()
        try:
            async with asyncio.timeout(ERROR_WITHIN_S):
                while len(body) < MOST_OF_AN_ERROR_BYTES and (data := await response.content.readany()):
                    body += data
        except TRANSPORT_ERRORS:
            pass  # what has come must do
        return self._failure(read_error(bytes(body)), response.status)

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
        return [*self._secrets(), *hidden_in(self._attempt.endpoint), *texts_of(self._call.request)]

    @property
    def _name(self) -> str:
        return self._attempt.endpoint.name
