"""The events and answers of Anthropic's Messages API, decoded as far as routing needs them.

One struct holds every kind of event: which fields are there follows from its ``type``. So an event is decoded once, in
one step, and what is not named here is stepped over. A field that is there must have its type, or the answer is
malformed; a field that is missing or null never is.

Source: Anthropic's documentation of the Messages API and of its streaming, API version 2023-06-01.
"""

from __future__ import annotations

import msgspec

from ..router.chunk import Usage

NOTHING = msgspec.Raw(b"")

FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
"""Anthropic's reasons in OpenAI's words. One that has no equal there, such as ``pause_turn`` (a tool of Anthropic's own
took long; send the answer back to go on), stays as it is."""


class ThinkingTokens(msgspec.Struct, frozen=True, gc=False):
    """Of the answer's tokens."""

    thinking_tokens: int | None = None


class Tokens(msgspec.Struct, frozen=True, gc=False):
    """Usage so far. ``input_tokens`` leaves out what was read from the cache or written to it."""

    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens: int | None = None
    output_tokens_details: ThinkingTokens | None = None
    service_tier: str | None = None


class Block(msgspec.Struct, frozen=True, gc=False):
    """A piece of the answer's content as a whole, or its beginning. ``type`` tells what it is."""

    type: str = ""
    id: str | None = None
    name: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    input: msgspec.Raw = NOTHING


class StopDetails(msgspec.Struct, frozen=True, gc=False):
    """Of a refusal."""

    explanation: str | None = None


class Delta(msgspec.Struct, frozen=True, gc=False):
    """What an event adds to its block, or to the answer."""

    type: str = ""
    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None
    signature: str | None = None
    stop_reason: str | None = None
    stop_details: StopDetails | None = None


class Message(msgspec.Struct, frozen=True, gc=False):
    """An answer in one piece, or the beginning of one; or, of type ``error``, what came in its place."""

    type: str = ""
    model: str | None = None
    content: list[Block] | None = None
    stop_reason: str | None = None
    stop_details: StopDetails | None = None
    usage: Tokens | None = None


class StreamEvent(msgspec.Struct, frozen=True, gc=False):
    """One event of a stream."""

    type: str = ""
    index: int = 0
    message: Message | None = None
    content_block: Block | None = None
    delta: Delta | None = None
    usage: Tokens | None = None


decode_event = msgspec.json.Decoder(StreamEvent).decode
decode_message = msgspec.json.Decoder(Message).decode
"""JSON bytes to an event, or to an answer. Both raise `msgspec.DecodeError` for what is none."""


def finish_reason_of(stop_reason: str | None) -> str | None:
    """*stop_reason* in OpenAI's words; None if there is none."""
    return FINISH_REASONS.get(stop_reason, stop_reason) if stop_reason else None


def later(known: Tokens, told: Tokens) -> Tokens:
    """*known*, with what *told* says anew: counts are cumulative, and what is not repeated still holds."""
    return Tokens(
        known.input_tokens if told.input_tokens is None else told.input_tokens,
        known.cache_creation_input_tokens
        if told.cache_creation_input_tokens is None
        else told.cache_creation_input_tokens,
        known.cache_read_input_tokens if told.cache_read_input_tokens is None else told.cache_read_input_tokens,
        known.output_tokens if told.output_tokens is None else told.output_tokens,
        told.output_tokens_details or known.output_tokens_details,
    )


def usage_of(tokens: Tokens) -> Usage | None:
    """As `Usage` counts, the cached part within the input. None for tokens that say nothing."""
    if tokens.input_tokens is None and tokens.output_tokens is None:
        return None
    read, written = tokens.cache_read_input_tokens, tokens.cache_creation_input_tokens
    details = tokens.output_tokens_details
    return Usage(
        input_tokens=None if tokens.input_tokens is None else tokens.input_tokens + (read or 0) + (written or 0),
        output_tokens=tokens.output_tokens,
        cached_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=None if details is None else details.thinking_tokens,
    )
