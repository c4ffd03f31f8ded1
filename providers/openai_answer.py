"""One answer as it arrives: events of the stream in, chunks out, and at the end the question whether it was whole.

No I/O here, so that what counts as an answer can be read, and tested, in one place:

- an event with an ``error``, or named so, is a failure like one with a status;
- a comment, an empty event or one of an unknown name is a keep-alive: before the first progress they are counted,
  for they tell of a queue at the vendor;
- the answer is whole when a finish reason or ``[DONE]`` was seen. A body that ends with neither was cut, and that is a
  failure, never a short answer. Where several answers were asked for, each must have ended with its reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..router.errors import AttemptFailed, MalformedAnswer, ProviderError, TruncatedAnswer
from .error_body import NO_JSON, VendorError, read_error
from .openai_alike import alike
from .openai_choices import GAVE_UP, Choices
from .openai_chunk import CallNumbers, chunk_of
from .openai_wire import NOTHING, ServedFrame, decode_frame, decode_name, decode_served_frame
from .sse import Event
from .together import says_only_text, together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from msgspec import Raw

    from ..router.chunk import Chunk
    from ..router.ledger import Attempt
    from .openai_alike import Alike
    from .openai_wire import Frame
    from .sse import Lines

DONE = b"[DONE]"
ANSWERS = (b"", b"message")
"""Names of events that carry pieces of the answer."""

NO_ERROR = (b"null", b"false", b"{}", b'""', b"[]")
"""What some servers put into ``error`` where there is none."""


class ChatAnswer:
    """What has come of one answer.

    attempt: gets the marks, and says how many answers were asked for. refused: makes the failure of an error the vendor
        sent inside the answer. decode: makes a frame of JSON, and raises `msgspec.DecodeError` for what is none.
    decode_served: likewise, a `ServedFrame`.
    """

    __slots__ = (
        "_alike",
        "_attempt",
        "_choices",
        "_decode",
        "_decode_served",
        "_finished",
        "_numbers",
        "_refused",
        "_told",
        "done",
    )

    def __init__(
        self,
        attempt: Attempt,
        refused: Callable[[VendorError], AttemptFailed],
        *,
        decode: Callable[[bytes], Frame] = decode_frame,
        decode_served: Callable[[bytes], Frame] = decode_served_frame,
    ) -> None:
        self._attempt = attempt
        self._refused = refused
        self._decode, self._decode_served = decode, decode_served
        self._finished = False
        self._told = False
        self._numbers = CallNumbers()
        self._choices = None if attempt.choices == 1 else Choices(attempt.choices)
        self._alike: Alike | None = None
        """How the frames of this stream are built; None: that is not known."""
        self.done = False
        """The end marker was seen: nothing of the answer follows."""

    def chunk(self, event: Event) -> Chunk | None:
        """The chunk that *event* carries; None for one that carries none.

        Raises:
            MalformedAnswer: it is not the protocol.
            TruncatedAnswer: it is the end, and not all answers are whole.
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
            self._check_choices()
            return None
        return self._piece(data)

    def chunks(self, said: Lines | list[Event]) -> Iterator[Chunk]:
        """The chunks that the events of one read carry, as few as say the same. Raises as `chunk` does."""
        if isinstance(said, bytes) and self._choices is None:
            return self._in_runs(said)
        return together(self, said, self._attempt)

    def _in_runs(self, lines: Lines) -> Iterator[Chunk]:
        rest, is_more = lines, True
        while is_more and not self.done:
            run = None if self._alike is None else self._alike.first_of(rest)
            taken = rest.partition(b"\n")[0] if run is None else run.raw
            is_more, rest = len(taken) < len(rest), rest[len(taken) + 1 :]
            if run is not None:
                yield run
                continue
            chunk = self.chunk(Event(taken))
            if chunk is None:
                continue
            yield chunk
            if says_only_text(chunk) and not self._is_news(chunk):
                if is_more:
                    yield from together(self, rest, self._attempt)
                return

    def _is_news(self, chunk: Chunk) -> bool:
        """Whether it is known from this chunk, and not before, how the frames of this stream are built."""
        if self._alike is None:
            self._alike = alike(chunk, self._sample)
            return self._alike is not None
        return False

    def _sample(self, data: bytes) -> Chunk:
        return chunk_of(self._decode(data), data)

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
        chunk = self._piece(body)
        self._check_choices()
        if not (self._finished or chunk.is_progress):
            raise MalformedAnswer("the JSON holds no answer", endpoint=self._attempt.endpoint.name)
        return chunk

    def end(self, unfinished: int) -> None:
        """The body has ended, *unfinished* bytes into an event.

        Raises:
            TruncatedAnswer: without the answer being whole.
        """
        self._check_choices()
        if not (self._finished or self.done):
            within = f", {unfinished} bytes into an event" if unfinished else ""
            told = f"the stream ended with neither a finish reason nor [DONE]{within}"
            raise TruncatedAnswer(told, endpoint=self._attempt.endpoint.name)

    def _piece(self, data: bytes) -> Chunk:
        attempt, choices = self._attempt, self._choices
        is_told = self._told
        try:
            frame = self._decode(data) if is_told else self._decode_served(data)
        except NO_JSON as error:
            # Their words name a place and a type, never a value.
            raise MalformedAnswer(f"no chunk of an answer: {error}", endpoint=attempt.endpoint.name) from None
        if frame.error is not NOTHING and (told := bytes(frame.error)) not in NO_ERROR:
            raise self._refused(read_error(b'{"error":%b}' % told))
        if not is_told and frame.choices:  # Azure's frame before the first choice names no model
            self._told = True
            self._served(frame)
        chunk = chunk_of(frame, data, self._numbers) if choices is None else choices.chunk(frame, data)
        if chunk.finish_reason is not None:
            self._finished = True
            if is_told and (attempt.served_model is None or attempt.service_tier is None):
                self._served(self._decode_served(data))
            if chunk.finish_reason == GAVE_UP:
                raise self._gave_up(frame)
        return chunk

    def _served(self, frame: Frame) -> None:
        if isinstance(frame, ServedFrame):
            attempt = self._attempt
            attempt.served_model = _name_in(frame.model) or attempt.served_model
            attempt.service_tier = _name_in(frame.service_tier) or attempt.service_tier

    def _gave_up(self, frame: Frame) -> AttemptFailed:
        for choice in frame.choices or ():
            if choice.error is not NOTHING:
                return self._refused(read_error(b'{"error":%b}' % bytes(choice.error)))
        return ProviderError("the vendor gave up: finish_reason is 'error'", endpoint=self._attempt.endpoint.name)

    def _check_choices(self) -> None:
        """Nothing follows: if several answers were asked for, they must all be there."""
        choices = self._choices
        if choices is not None and choices.missing > 0:
            told = f"{choices.missing} of the {self._attempt.choices} answers asked for did not come to their end"
            raise TruncatedAnswer(told, endpoint=self._attempt.endpoint.name)


def _name_in(field: Raw) -> str | None:
    if field is NOTHING:
        return None
    try:
        return decode_name(field)
    except NO_JSON:
        return None
