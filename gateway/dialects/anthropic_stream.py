"""A stream in Anthropic's form.

The answer is a list of blocks, and each event says which one it adds to. A block of text or thinking ends where
something else begins. A tool call ends where another begins, if its arguments are whole by then: vendors write one
after the other, but their form lets them take turns, and a block that has ended takes nothing more.

What Anthropic itself streams goes out in the bytes it came in (`anthropic_passage`). Other vendors' events are made
here, and so are Anthropic's own from where the router had another endpoint go on, or a policy changed a piece. Of a
piece of text that is one encoded string and a frame around it. What only Anthropic has words for (`anthropic_own`) is
then taken from the vendor's own event.

A restart (`policies.Restart`) voids what the client has. Anthropic's form has no word for that, so it is an event of
its own, ``paceline.discard``; the blocks of the new answer go on in number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from .anthropic_error import error_body
from .anthropic_form import Message, refusal_of, stop_reason_of, thinking_block, tokens_of, use_block
from .anthropic_own import End, own_of
from .anthropic_passage import Passage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...router import Chunk, ToolCallDelta, Usage
    from ...router.errors import PacelineError
    from .anthropic_form import Json
    from .dialect import Asked

TEXT = (
    b"event: content_block_delta\n"
    b'data: {"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":%b}}\n\n'
)
BLOCK_STOP = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'
MESSAGE_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
DISCARD = b'event: paceline.discard\ndata: {"type":"paceline.discard"}\n\n'

SEAL = b'"signature_delta"'
SPOKEN = frozenset(("text", "thinking"))
"""Kinds of blocks that what is said next may belong to."""

_encode = msgspec.json.Encoder().encode


class _OpenCall:
    """A block of a tool call that has begun. index: the block's. pieces: of its arguments, so far."""

    __slots__ = ("index", "pieces")

    def __init__(self, index: int) -> None:
        self.index = index
        self.pieces: list[str] = []

    @property
    def is_whole(self) -> bool:
        """Its arguments are an object to its end: nothing can follow."""
        try:
            return isinstance(msgspec.json.decode("".join(self.pieces)), dict)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return False


class AnthropicWriter:
    """Writes one stream. asked: what it answers. id: what the answer is called."""

    __slots__ = (
        "_begun", "_called", "_calls", "_end", "_finish", "_id", "_index", "_model", "_passage", "_refusal", "_saying",
        "_sealed", "_tier", "_usage",
    )  # fmt: skip

    def __init__(self, asked: Asked, id: str) -> None:
        self._id = id
        self._model = asked.request.model or asked.request.route or ""
        self._tier: str | None = None
        self._passage: Passage | None = Passage()
        """The vendor's own stream, as long as its bytes go out; None: events are made here."""
        self._begun = False
        self._index = -1
        """Of the block that began last."""
        self._saying = ""
        """The kind of the block that takes what is said now: ``text``, ``thinking``, or none."""
        self._sealed: int | None = None
        """Number of the block whose seal the vendor's own bytes have told."""
        self._calls: dict[int, _OpenCall] = {}
        """Tool calls that are open, by the number they have in the answer."""
        self._called = False
        self._refusal: list[str] = []
        self._finish: str | None = None
        self._end: End | None = None
        """How the vendor itself put the end, in this form."""
        self._usage: Usage | None = None

    def introduce(self, model: str, service_tier: str | None, /) -> None:
        """Who speaks, and how it was served; told before the first chunk, if at all."""
        self._model, self._tier = model, service_tier

    def chunk(self, chunk: Chunk) -> bytes:
        """A piece of the answer."""
        if (
            self._saying == "text"
            and chunk.text
            and not (chunk.tool_calls or chunk.reasoning or chunk.refusal or chunk.discard or chunk.thinking_blocks)
            and chunk.usage is None
            and chunk.finish_reason is None
        ):
            return TEXT % (self._index, _encode(chunk.text))
        if self._passage is not None:
            return self._passed(self._passage, chunk)
        return b"".join(self._events(chunk))

    def end(self) -> bytes:
        """The answer is complete."""
        said: list[bytes] = []
        if self._passage is not None:
            if self._passage.is_over:
                return b""
            said += self._taken_over(self._passage)
        self._begin(said)
        self._stop(said)
        refusal = "".join(self._refusal)
        delta = self._end or End(
            stop_reason=stop_reason_of(self._finish, refused=bool(refusal), called=self._called),
            stop_details=refusal_of(refusal),
        )
        said += (_event("message_delta", delta=delta, usage=tokens_of(self._usage)), MESSAGE_STOP)
        return b"".join(said)

    def broken(self, error: PacelineError) -> bytes:
        """It broke off."""
        return b"event: error\ndata: %b\n\n" % error_body(error)

    # -- what Anthropic itself has sent

    def _passed(self, passage: Passage, chunk: Chunk) -> bytes:
        """The vendor's own event, as it came; or, from one on that is none or does not fit, what is made here."""
        data: bytes | None = None
        if chunk.raw and not chunk.discard:
            data = passage.framed(chunk.raw) if chunk.pieces == 1 else passage.all_framed(chunk.raw)
        if data is None:
            return b"".join((*self._taken_over(passage), *self._events(chunk)))
        self._begun = True
        if chunk.text:
            return data
        if SEAL in chunk.raw:
            self._sealed = passage.last
        if chunk.usage is not None:
            self._usage = chunk.usage
            self._end = _end_of(chunk.raw) or self._end
        for call in chunk.tool_calls:
            if call.index not in self._calls:
                self._calls[call.index] = _OpenCall(passage.last)
                self._called = True
            self._calls[call.index].pieces.append(call.arguments)
        return data

    def _taken_over(self, passage: Passage) -> list[bytes]:
        """From now on events are made here. Text that is open goes on, and so do calls; other blocks end."""
        self._passage = None
        self._index = passage.last
        self._calls = {number: call for number, call in self._calls.items() if call.index in passage.open}
        going_on = {call.index for call in self._calls.values()}
        kind = passage.open.get(passage.last, "")
        if kind in SPOKEN:
            self._saying = kind
            going_on.add(passage.last)
        if kind == "redacted_thinking":
            self._sealed = passage.last
        elif kind != "thinking":
            self._sealed = None
        return [BLOCK_STOP % index for index in passage.open if index not in going_on]

    # -- the steps of a piece that is more than text

    def _events(self, chunk: Chunk) -> list[bytes]:
        said: list[bytes] = []
        if chunk.discard:
            self._discard(said)
        if chunk.usage is not None:
            self._usage = chunk.usage
        if chunk.raw:
            self._own(said, chunk.raw)
        self._think(said, chunk)
        if chunk.text:
            self._say(said, "text")
            said.append(TEXT % (self._index, _encode(chunk.text)))
        for call in chunk.tool_calls:
            self._call(said, call)
        if chunk.refusal:
            self._refusal.append(chunk.refusal)
            self._begin(said)
        if chunk.finish_reason is not None:
            self._finish = chunk.finish_reason
            self._begin(said)
            self._stop(said)
        return said

    def _begin(self, said: list[bytes]) -> None:
        if self._begun:
            return
        self._begun = True
        message = Message(self._id, self._model, [], tokens_of(self._usage, self._tier))
        said.append(_event("message_start", message=message))

    def _own(self, said: list[bytes], raw: bytes) -> None:
        """What the vendor says in this form and OpenAI's has no words for."""
        own = own_of(raw)
        if isinstance(own, End):
            self._end = own
        elif own is not None:
            if own.begins and self._saying == "text":
                self._leave(said)
            self._say(said, "text")
            if own.citation is not None:
                said.append(_event("content_block_delta", index=self._index, delta=own.citation))

    def _say(self, said: list[bytes], kind: str) -> None:
        """See to it that the last block is one of *kind*, text or thinking."""
        if self._saying == kind:
            return
        self._leave(said)
        self._saying = kind
        self._start(said, {"type": "text", "text": ""} if kind == "text" else thinking_block(""))

    def _think(self, said: list[bytes], chunk: Chunk) -> None:
        if chunk.thinking_blocks:
            for block in chunk.thinking_blocks:
                self._seal(said, block, is_whole=bool(chunk.reasoning))
        elif chunk.reasoning:
            self._say(said, "thinking")
            said.append(self._delta("thinking_delta", "thinking", chunk.reasoning))

    def _seal(self, said: list[bytes], block: Mapping[str, object], *, is_whole: bool) -> None:
        """The end of a block of thinking: what it said has been told, unless it *is_whole* here."""
        if block.get("type") != "thinking":
            if self._sealed == self._index:
                self._sealed = None
                return
            self._leave(said)
            self._start(said, dict(block))
            said.append(BLOCK_STOP % self._index)
            return
        if is_whole:
            self._leave(said)
        was_open = self._saying == "thinking"
        self._say(said, "thinking")
        if not was_open and block.get("thinking"):
            said.append(self._delta("thinking_delta", "thinking", block["thinking"]))
        if self._sealed != self._index:
            said.append(self._delta("signature_delta", "signature", block.get("signature", "")))
        self._leave(said)

    def _call(self, said: list[bytes], call: ToolCallDelta) -> None:
        opened = self._calls.get(call.index)
        if opened is None:
            self._leave(said)
            self._start(said, use_block(call.id, call.name, {}))
            opened = self._calls[call.index] = _OpenCall(self._index)
            self._called = True
        if call.arguments:
            opened.pieces.append(call.arguments)
            delta = {"type": "input_json_delta", "partial_json": call.arguments}
            said.append(_event("content_block_delta", index=opened.index, delta=delta))

    def _start(self, said: list[bytes], block: Json) -> None:
        self._begin(said)
        self._index += 1
        said.append(_event("content_block_start", index=self._index, content_block=block))

    def _delta(self, kind: str, name: str, value: object) -> bytes:
        return _event("content_block_delta", index=self._index, delta={"type": kind, name: value})

    def _leave(self, said: list[bytes]) -> None:
        """Something else begins: what is said ends, and so do tool calls that are whole."""
        if self._saying:
            self._saying = ""
            said.append(BLOCK_STOP % self._index)
        whole = [number for number, opened in self._calls.items() if opened.is_whole]
        said += [BLOCK_STOP % self._calls.pop(number).index for number in whole]

    def _stop(self, said: list[bytes]) -> None:
        """Nothing more comes."""
        self._leave(said)
        said += [BLOCK_STOP % opened.index for opened in self._calls.values()]
        self._calls.clear()

    def _discard(self, said: list[bytes]) -> None:
        if self._begun:
            self._stop(said)
            said.append(DISCARD)
        self._called, self._finish, self._end, self._usage = False, None, None, None
        self._refusal.clear()


def _end_of(raw: bytes) -> End | None:
    own = own_of(raw)
    return own if isinstance(own, End) else None


def _event(kind: str, **fields: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), _encode({"type": kind, **fields}))
