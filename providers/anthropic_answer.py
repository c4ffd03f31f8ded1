"""One answer of Anthropic's as it arrives: its events in, chunks out, and at the end the question whether it was whole.

An answer is a list of blocks, and each event says which block it adds to. What a caller is given of them:

- ``text`` is text, ``thinking`` is reasoning, and ``tool_use`` is a tool call, numbered among the tool calls alone;
- a ``thinking`` block is sealed with a signature, and a redacted one is nothing but a seal. Anthropic asks for both
  back, unchanged, with the results of the tools that were called; so at its end each block is handed on as a whole in
  `Chunk.thinking_blocks`, and an assistant message gives it back under that name;
- tools that Anthropic runs itself (web search, say) and their results are passed over: the text they led to is complete
  without them, and a caller must not take them for calls of its own;
- each chunk has the event's own JSON as its raw bytes, for who speaks to its own clients in this form: in it is what
  there are no words for (a citation, where one block of text ends and the next begins, the stop sequence that was met).
  So what says nothing otherwise is a chunk too, once the answer has begun.

The answer is whole at ``message_stop`` and not before, and the finish reason is handed on only then: it must not make
a stream look complete that still lacks its end. ``ping`` is a keep-alive, and so is an event of a kind not known here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ..router.chunk import Chunk, ToolCallDelta
from ..router.errors import AttemptFailed, MalformedAnswer, TruncatedAnswer
from .anthropic_wire import (
    NOTHING,
    Block,
    Delta,
    Message,
    StreamEvent,
    Tokens,
    decode_event,
    decode_message,
    finish_reason_of,
    later,
    usage_of,
)
from .error_body import NO_JSON, VendorError, read_error
from .together import together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..router.ledger import Attempt
    from .sse import Event, Lines

Decoded = TypeVar("Decoded")

ANSWERS = frozenset(
    (
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    )
)
"""Events that carry pieces of the answer."""

KNOWN = frozenset((b"", b"error", *(name.encode() for name in ANSWERS)))
"""Names under which they, or an error, may come: a proxy may have left the name out."""

MOST_ASIDE = 4
"""Keep-alives that are handed on before the first progress. What says nothing is held back until then, and a vendor
with a queue must not fill that room."""

OURS = "tool_use"
"""Type of the blocks that are calls of the caller's tools."""


class _Open:
    """A block that has begun, and what is known of it until its end.

    call: its number among the tool calls. has_input: fragments of its arguments have come.
    pieces, signature: of its thinking.
    """

    __slots__ = ("block", "call", "has_input", "pieces", "signature")

    def __init__(self, block: Block, call: int) -> None:
        self.block = block
        self.call = call
        self.has_input = False
        self.pieces: list[str] = [block.thinking] if block.thinking else []
        self.signature = block.signature or ""


class MessagesAnswer:
    """What has come of one answer.

    attempt: gets the marks. refused: makes the failure of an error the vendor sent inside the answer.
    """

    __slots__ = (
        "_asides", "_attempt", "_begun", "_calls", "_explained", "_open", "_refused", "_stop_reason", "_tokens", "done",
    )  # fmt: skip

    def __init__(self, attempt: Attempt, refused: Callable[[VendorError], AttemptFailed]) -> None:
        self._attempt = attempt
        self._refused = refused
        self._asides = 0
        self._begun = False
        self._open: dict[int, _Open] = {}
        self._calls = 0
        self._tokens = Tokens()
        self._stop_reason: str | None = None
        self._explained = ""
        self.done = False
        """The end marker was seen: nothing of the answer follows."""

    def chunk(self, event: Event) -> Chunk | None:
        """The chunk that *event* carries; None for one that carries none.

        Raises:
            MalformedAnswer: it is not the protocol.
            AttemptFailed: the vendor reports a failure.
        """
        said: StreamEvent | None = None
        if event.data and event.name in KNOWN:
            if event.name == b"error":
                raise self._refused(read_error(event.data))
            said = self._decoded(decode_event, event.data)
            if said.type == "error":
                raise self._refused(read_error(event.data))
            if said.type not in ANSWERS:
                said = None
        if self._attempt.first_progress_s is None:
            self._attempt.keepalives += event.comments or said is None
        return self._aside(event.data) if said is None else self._piece(said, event.data)

    def chunks(self, said: Lines | list[Event]) -> Iterator[Chunk]:
        """The chunks that the events of one read carry, as few as say the same. Raises as `chunk` does."""
        return together(self, said, self._attempt)

    def whole(self, body: bytes) -> Chunk:
        """The chunk of an answer that came in one piece.

        Raises:
            TruncatedAnswer: there is nothing.
            MalformedAnswer: it is not the protocol.
            AttemptFailed: the vendor reports a failure.
        """
        if not body.strip():
            raise TruncatedAnswer("the body is empty", endpoint=self._attempt.endpoint.name)
        said = self._decoded(decode_message, body)
        if said.type == "error":
            raise self._refused(read_error(body))
        if said.content is None or said.stop_reason is None:
            raise MalformedAnswer("the JSON holds no answer", endpoint=self._attempt.endpoint.name)
        self._begin(said)
        self._stop(said.stop_reason, said)
        self.done = True
        blocks = said.content
        return Chunk(
            text="".join(block.text or "" for block in blocks if block.type == "text"),
            reasoning="".join(block.thinking or "" for block in blocks if block.type == "thinking"),
            refusal=self._explained,
            tool_calls=tuple(
                ToolCallDelta(index=index, id=block.id, name=block.name, arguments=_input_of(block))
                for index, block in enumerate(block for block in blocks if block.type == OURS)
            ),
            finish_reason=finish_reason_of(said.stop_reason),
            usage=usage_of(self._tokens),
            raw=body,
            thinking_blocks=tuple(
                sealed for block in blocks for sealed in _sealed(block, block.thinking or "", block.signature or "")
            ),
        )

    def end(self, unfinished: int) -> None:
        """The body has ended, *unfinished* bytes into an event.

        Raises:
            TruncatedAnswer: without the answer being whole.
        """
        if not self.done:
            within = f", {unfinished} bytes into an event" if unfinished else ""
            told = f"the stream ended without message_stop{within}"
            raise TruncatedAnswer(told, endpoint=self._attempt.endpoint.name)

    def _aside(self, raw: bytes) -> Chunk | None:
        """An event that is no piece of the answer: for who passes on what came, once there is an answer."""
        if not raw or not self._begun:
            return None
        if self._attempt.first_progress_s is None:
            self._asides += 1
            if self._asides > MOST_ASIDE:
                return None
        return Chunk(raw=raw)

    def _piece(self, said: StreamEvent, raw: bytes) -> Chunk:
        """What the event adds. The cases stand in the order of how often they come."""
        if said.type == "content_block_delta":
            return self._added(said.index, said.delta or Delta(), raw)
        if said.type == "content_block_start":
            return self._started(said.index, said.content_block or Block(), raw)
        if said.type == "content_block_stop":
            return self._stopped(said.index, raw)
        if said.type == "message_start":
            self._begin(said.message or Message())
            return Chunk(usage=usage_of(self._tokens), raw=raw)
        if said.type == "message_delta":
            delta = said.delta or Delta()
            self._stop(delta.stop_reason, delta)
            self._tokens = later(self._tokens, said.usage or Tokens())
            return Chunk(usage=usage_of(self._tokens), raw=raw)
        self.done = True
        return Chunk(refusal=self._explained, finish_reason=finish_reason_of(self._stop_reason), raw=raw)

    def _begin(self, message: Message) -> None:
        self._begun = True
        if message.model:
            self._attempt.served_model = message.model
        self._tokens = message.usage or Tokens()
        self._attempt.service_tier = self._tokens.service_tier

    def _stop(self, reason: str | None, told: Delta | Message) -> None:
        if reason:
            self._stop_reason = reason
        if told.stop_details is not None:
            self._explained = told.stop_details.explanation or ""

    def _started(self, index: int, block: Block, raw: bytes) -> Chunk:
        self._open[index] = _Open(block, self._calls)
        if block.type == OURS:
            call = ToolCallDelta(index=self._calls, id=block.id, name=block.name)
            self._calls += 1
            return Chunk(tool_calls=(call,), raw=raw)
        if block.type == "text":
            return Chunk(block.text or "", raw=raw)
        return Chunk(reasoning=(block.thinking or "") if block.type == "thinking" else "", raw=raw)

    def _added(self, index: int, delta: Delta, raw: bytes) -> Chunk:
        if delta.type == "text_delta":
            return Chunk(delta.text or "", "", "", (), None, None, raw)  # by position: it is most of an answer
        if delta.type == "citations_delta":
            return Chunk(raw=raw)
        opened = self._open.get(index)
        if opened is None:
            raise MalformedAnswer(f"a delta of block {index}, which never began", endpoint=self._attempt.endpoint.name)
        if delta.type == "thinking_delta" and delta.thinking:
            opened.pieces.append(delta.thinking)
            return Chunk(reasoning=delta.thinking, raw=raw)
        if delta.type == "signature_delta" and delta.signature:
            opened.signature = delta.signature
        elif delta.type == "input_json_delta" and delta.partial_json and opened.block.type == OURS:
            opened.has_input = True
            return Chunk(tool_calls=(ToolCallDelta(index=opened.call, arguments=delta.partial_json),), raw=raw)
        return Chunk(raw=raw)

    def _stopped(self, index: int, raw: bytes) -> Chunk:
        opened = self._open.pop(index, None)
        if opened is None:
            return Chunk(raw=raw)
        if opened.block.type == OURS and not opened.has_input:
            arguments = _input_of(opened.block)
            return Chunk(tool_calls=(ToolCallDelta(index=opened.call, arguments=arguments),), raw=raw)
        return Chunk(raw=raw, thinking_blocks=_sealed(opened.block, "".join(opened.pieces), opened.signature))

    def _decoded(self, decode: Callable[[bytes], Decoded], data: bytes) -> Decoded:
        try:
            return decode(data)
        except NO_JSON as error:
            # Their words name a place and a type, never a value.
            told = f"no piece of an answer: {error}"
            raise MalformedAnswer(told, endpoint=self._attempt.endpoint.name) from None


def _input_of(block: Block) -> str:
    """The arguments of a tool call that came with it, as the model wrote them."""
    return "{}" if block.input is NOTHING else bytes(block.input).decode("utf-8", "replace")


def _sealed(block: Block, thinking: str, signature: str) -> tuple[dict[str, object], ...]:
    """The block as Anthropic wants it back, if it is one of those."""
    if block.type == "thinking":
        return ({"type": "thinking", "thinking": thinking, "signature": signature},)
    if block.type == "redacted_thinking":
        return ({"type": "redacted_thinking", "data": block.data or ""},)
    return ()
