r"""A stream in OpenAI's form.

What the vendor said in this form goes out as the bytes it came in: nothing is lost that has no field here, and nothing
is encoded twice. Only three things make a frame anew:

- it came in another form (Anthropic's), from no wire at all (a simulation), or was changed on its way (`Resume`);
- it tells the tokens, which the router asks every vendor for, and this client did not;
- it is a whole answer, from a vendor that streams none.

A restart (`policies.Restart`) voids what the client has. OpenAI's form has no word for that, so it is an event of its
own, ``event: paceline.discard``, whose data is a frame without choices: clients who do not know it see nothing in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec

from .openai_error import error_body
from .openai_fields import decoded, wants_usage
from .openai_form import Delta, DeltaChoice, Frame, Tokens, fragment_of, tokens_of
from .refused import Mistake

if TYPE_CHECKING:
    from ...router import ChoiceDelta, Chunk, ToolCallDelta, Usage
    from ...router.errors import PacelineError
    from .dialect import Asked

DONE = b"data: [DONE]\n\n"
NEWLINE = 0x0A
"""As a number: bytes are searched for one in a tenth of the time."""

NONE_YET = b"\0"
"""What no frame begins with."""

DELTA = b'"delta"'
DISCARD = b"event: paceline.discard\n"

_encode = msgspec.json.Encoder().encode


class _Head(msgspec.Struct, frozen=True):
    """What every frame of one stream has in common."""

    id: str = ""
    created: int = 0
    model: str = ""
    service_tier: str | None = None


_decode_head = msgspec.json.Decoder(_Head).decode


class OpenAIWriter:
    """Writes one stream.

    asked: what it answers. id, created: for frames that are made here; those of a vendor's stream take its own.
    """

    __slots__ = ("_begins", "_begun", "_head", "_kinds", "_raw", "_usage", "_usage_told", "_wants_usage")

    def __init__(self, asked: Asked, id: str, created: int) -> None:
        self._head = _Head(id, created, asked.request.model or asked.request.route or "")
        self._wants_usage = wants_usage(asked.body)
        self._begun = False
        self._begins = NONE_YET
        """How the vendor's frames begin, so far as that shows that they are frames."""
        self._raw: bytes | None = None
        """The vendor's first frame, until somebody has to know what it is called."""
        self._usage: Usage | None = None
        self._usage_told = False
        self._kinds: dict[tuple[int, int], str] = {}

    def introduce(self, model: str, service_tier: str | None, /) -> None:
        """Who speaks."""
        self._head = _Head(self._head.id, self._head.created, model, service_tier)

    def chunk(self, chunk: Chunk) -> bytes:
        """A piece of the answer."""
        raw = chunk.raw
        if raw and chunk.usage is None and (raw.startswith(self._begins) or self._is_frame(raw)):
            return b"data: %b\n\n" % raw if NEWLINE not in raw else in_lines(raw, chunk.pieces)
        return self._the_longer_way(chunk)

    def end(self) -> bytes:
        """The answer is complete."""
        last = b""
        if self._wants_usage and not self._usage_told:
            last = _framed(self._frame([], usage=tokens_of(self._usage)))
        return last + DONE

    def broken(self, error: PacelineError) -> bytes:
        """It broke off."""
        return b"data: %b\n\n" % error_body(error)

    def _is_frame(self, raw: bytes) -> bool:
        """Whether it is one. All of a stream begin alike, mostly up to what they say: so it is asked once."""
        found = is_frame(raw)
        if found:
            if not self._begun:
                self._begun, self._raw = True, raw
            begins, delta, _ = raw.partition(DELTA)
            self._begins = begins + delta if delta and is_frame(begins + delta) else NONE_YET
        return found

    # -- frames that are made here

    def _the_longer_way(self, chunk: Chunk) -> bytes:
        if chunk.discard:
            self._begun = self._usage_told = False
            self._begins = NONE_YET
            self._usage = None
            self._kinds.clear()
            return DISCARD + _framed(self._frame([], paceline={"discard": True}))
        if chunk.usage is not None:
            self._usage = chunk.usage
        if chunk.raw and is_frame(chunk.raw):
            return self._with_usage(chunk.raw)
        choices = self._choices(chunk)
        if not choices:
            return b""
        begun = b""
        if not self._begun:
            self._begun = True
            roles = [DeltaChoice(choice.index, Delta(role="assistant", content="")) for choice in choices]
            begun = _framed(self._frame(roles))
        return begun + _framed(self._frame(choices))

    def _with_usage(self, raw: bytes) -> bytes:
        """A vendor's frame that tells the tokens: as it is where they were asked for, else without them."""
        if not self._begun:
            self._begun, self._raw = True, raw
        if self._wants_usage:
            self._usage_told = True
            return in_lines(raw)
        try:
            fields = decoded(raw)
        except Mistake:
            return in_lines(raw)  # it was read as a frame before; whatever it is, it is the vendor's
        fields.pop("usage", None)
        choices = fields.get("choices")
        if not choices:
            return b""
        for choice in cast("list[object]", choices) if isinstance(choices, list) else []:
            if isinstance(choice, dict):
                cast("dict[str, object]", choice).pop("usage", None)
        return b"data: %b\n\n" % _encode(fields)

    def _choices(self, chunk: Chunk) -> list[DeltaChoice]:
        """What a chunk says of each answer."""
        pieces: list[tuple[int, Chunk | ChoiceDelta]] = [(0, chunk), *((other.index, other) for other in chunk.others)]
        choices: list[DeltaChoice] = []
        for index, piece in pieces:
            if piece.is_progress if index else _says_something(chunk):
                choices.append(DeltaChoice(index, self._delta(index, piece), piece.logprobs))
        for index, piece in pieces:
            if piece.finish_reason is not None:
                choices.append(DeltaChoice(index, Delta(), finish_reason=piece.finish_reason))
        if len(choices) > 1 and len({choice.index for choice in choices}) < len(choices):
            return self._merged(choices)
        return choices

    @staticmethod
    def _merged(choices: list[DeltaChoice]) -> list[DeltaChoice]:
        """One entry an answer: a frame that says the last of it and that it ends."""
        merged: dict[int, DeltaChoice] = {}
        for choice in choices:
            if choice.index in merged:
                merged[choice.index].finish_reason = choice.finish_reason
            else:
                merged[choice.index] = choice
        return list(merged.values())

    def _delta(self, index: int, piece: Chunk | ChoiceDelta) -> Delta:
        delta = Delta()
        if piece.text:
            delta.content = piece.text
        if piece.reasoning:
            delta.reasoning_content = piece.reasoning
        if piece.refusal:
            delta.refusal = piece.refusal
        if piece.tool_calls:
            self._add_calls(delta, index, piece.tool_calls)
        blocks = getattr(piece, "thinking_blocks", ())
        if blocks:
            delta.thinking_blocks = list(blocks)
        return delta

    def _add_calls(self, delta: Delta, index: int, calls: tuple[ToolCallDelta, ...]) -> None:
        fragments: list[dict[str, object]] = []
        for call in calls:
            kind = self._kinds.setdefault((index, call.index), call.type or "function")
            if kind == "function_call":
                named: dict[str, object] = {} if call.name is None else {"name": call.name}
                delta.function_call = {**named, "arguments": call.arguments}
            else:
                fragments.append(fragment_of(call, kind))
        if fragments:
            delta.tool_calls = fragments

    def _frame(
        self,
        choices: list[DeltaChoice],
        *,
        usage: Tokens | None = None,
        paceline: dict[str, object] | msgspec.UnsetType = msgspec.UNSET,
    ) -> Frame:
        if self._raw is not None:
            self._head, self._raw = _head_of(self._raw, self._head), None
        head = self._head
        shown = usage if self._wants_usage else msgspec.UNSET
        tier = msgspec.UNSET if head.service_tier is None else head.service_tier
        return Frame(head.id, head.created, head.model, choices, service_tier=tier, usage=shown, paceline=paceline)


def is_frame(raw: bytes) -> bool:
    """Whether a vendor's JSON is a frame of a stream in OpenAI's form.

    Names stand between plain quotes nowhere but where they are names: within a text, quotes are escaped. An event of
    Anthropic's begins with its type; what a tool is called with may have any name in it.
    """
    return b'"choices"' in raw and (b'"delta"' in raw or b'"message"' not in raw) and not raw.startswith(b'{"type"')


def _says_something(chunk: Chunk) -> bool:
    """Of the first answer."""
    return bool(
        chunk.text or chunk.reasoning or chunk.refusal or chunk.tool_calls or chunk.thinking_blocks or chunk.logprobs
    )


def _head_of(raw: bytes, otherwise: _Head) -> _Head:
    try:
        head = _decode_head(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return otherwise
    return _Head(
        head.id or otherwise.id,
        head.created or otherwise.created,
        head.model or otherwise.model,
        head.service_tier or otherwise.service_tier,
    )


def _framed(frame: Frame) -> bytes:
    return b"data: %b\n\n" % _encode(frame)


def in_lines(raw: bytes, pieces: int = 1) -> bytes:
    """Several frames, a line each, are as many events; JSON that came on several lines needs as many ``data`` lines."""
    return b"data: %b\n\n" % raw.replace(b"\n", b"\n\ndata: " if pieces > 1 else b"\ndata: ")
