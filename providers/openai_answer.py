"""One answer as it arrives: events of the stream in, chunks out, and at the end the question whether it was whole.

No I/O here, so that what counts as an answer can be read, and tested, in one place:

- an event with an ``error``, or named so, is a failure like one with a status;
- a comment, an empty event or one of an unknown name is a keep-alive: before the first progress they are counted,
  for they tell of a queue at the vendor;
- the answer is whole when a finish reason or ``[DONE]`` was seen. A body that ends with neither was cut, and that is a
  failure, never a short answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..router.errors import AttemptFailed, MalformedAnswer, ProviderError, TruncatedAnswer
from .error_body import NO_JSON, VendorError, read_error
from .openai_wire import NOTHING, chunk_of, decode_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..router.chunk import Chunk
    from ..router.ledger import Attempt
    from .sse import Event

DONE = b"[DONE]"
ANSWERS = (b"", b"message")
"""Names of events that carry pieces of the answer."""

NO_ERROR = (b"null", b"false", b"{}", b'""', b"[]")
"""What some servers put into ``error`` where there is none."""


class ChatAnswer:
    """What has come of one answer.

    attempt: gets the marks. refused: makes the failure of an error the vendor sent inside the answer.
    """

    __slots__ = ("_attempt", "_finished", "_refused", "done")

    def __init__(self, attempt: Attempt, refused: Callable[[VendorError], AttemptFailed]) -> None:
        self._attempt = attempt
        self._refused = refused
        self._finished = False
        self.done = False
        """The end marker was seen: nothing of the answer follows."""

    def chunk(self, event: Event) -> Chunk | None:
        """The chunk that *event* carries; None for one that carries none.

        Raises:
            MalformedAnswer: it is not the protocol.
            AttemptFailed: the vendor reports a failure.
        """
        data = event.data
        if event.comments or not data or event.name:
            if event.name == b"error":
                raise self._refused(read_error(data))
            says_nothing = not data or event.name not in ANSWERS
            if self._attempt.first_progress_s is None:
                self._attempt.keepalives += event.comments or says_nothing
            if says_nothing:
                return None
        if data == DONE:
            self.done = True
            return None
        return self._piece(data, data)

    def whole(self, body: bytes) -> Chunk:
        """The chunk of an answer that came in one piece.

        Raises:
            TruncatedAnswer: there is nothing, or not all of it.
            MalformedAnswer: it is not the protocol.
            AttemptFailed: the vendor reports a failure.
        """
        body = body.strip()
        if not body:
            raise TruncatedAnswer("the body is empty", endpoint=self._attempt.endpoint.name)
        chunk = self._piece(body, b"")
        if not (chunk.is_progress or self._finished):
            raise MalformedAnswer("the JSON holds no answer", endpoint=self._attempt.endpoint.name)
        return chunk

    def end(self, unfinished: int) -> None:
        """The body has ended, *unfinished* bytes into an event.

        Raises:
            TruncatedAnswer: without the answer being whole.
        """
        if not (self._finished or self.done):
            within = f", {unfinished} bytes into an event" if unfinished else ""
            told = f"the stream ended with neither a finish reason nor [DONE]{within}"
            raise TruncatedAnswer(told, endpoint=self._attempt.endpoint.name)

    def _piece(self, data: bytes, raw: bytes) -> Chunk:
        attempt = self._attempt
        try:
            frame = decode_frame(data)
        except NO_JSON as error:
            # Their words name a place and a type, never a value.
            raise MalformedAnswer(f"no chunk of an answer: {error}", endpoint=attempt.endpoint.name) from None
        if frame.error is not NOTHING and (told := bytes(frame.error)) not in NO_ERROR:
            raise self._refused(read_error(b'{"error":%b}' % told))
        if attempt.served_model is None and frame.model:
            attempt.served_model = frame.model
        chunk = chunk_of(frame, raw)
        if chunk.finish_reason is not None:
            self._finished = True
            if chunk.finish_reason == "error":
                raise ProviderError("the vendor gave up: finish_reason is 'error'", endpoint=attempt.endpoint.name)
        return chunk
