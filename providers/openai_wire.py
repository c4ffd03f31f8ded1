"""The answers of OpenAI's chat completions, decoded as far as routing needs them.

A chunk of a stream and a whole answer have one form: what a chunk calls ``delta``, a whole answer calls ``message``.
So one decoder reads both. It makes only the fields below and steps over the rest, which the raw frame still holds.

Vendors who speak this format differ in what they leave out. Any field may be missing or null: Azure's first chunk has
no choices and its filter annotations have no delta, some servers number no tool calls, some put usage on every chunk.
What is there must have its type, or the answer is malformed.
"""

from __future__ import annotations

import msgspec

from ..router.chunk import Chunk, ToolCallDelta, Usage

NOTHING = msgspec.Raw(b"null")


class Function(msgspec.Struct, frozen=True, gc=False):
    """The function of a tool call; ``arguments`` are fragments of JSON text."""

    name: str | None = None
    arguments: str | None = None


class ToolCallFragment(msgspec.Struct, frozen=True, gc=False):
    """A piece of one tool call."""

    index: int | None = None
    id: str | None = None
    function: Function | None = None


class Delta(msgspec.Struct, frozen=True, gc=False):
    """What a chunk adds, or all that a whole answer says."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCallFragment] | None = None
    function_call: Function | None = None


class Choice(msgspec.Struct, frozen=True, gc=False):
    """One of the answers; only the first is ever asked for."""

    index: int | None = None
    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None


class PromptDetails(msgspec.Struct, frozen=True, gc=False):
    """Of the prompt's tokens."""

    cached_tokens: int | None = None


class CompletionDetails(msgspec.Struct, frozen=True, gc=False):
    """Of the answer's tokens."""

    reasoning_tokens: int | None = None


class Tokens(msgspec.Struct, frozen=True, gc=False):
    """Usage so far: cumulative where it comes with every chunk, so the last one counts and nothing is summed."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None


class Frame(msgspec.Struct, frozen=True, gc=False):
    """A ``chat.completion.chunk`` or a ``chat.completion``, or the error that came in its place."""

    model: str | None = None
    choices: list[Choice] | None = None
    usage: Tokens | None = None
    error: msgspec.Raw = NOTHING


decode_frame = msgspec.json.Decoder(Frame).decode
"""A frame of JSON bytes. Raises `msgspec.DecodeError` for what is none."""


def chunk_of(frame: Frame, raw: bytes = b"") -> Chunk:
    """What *frame* says. *raw*: its bytes as they came."""
    usage = None if frame.usage is None else _usage(frame.usage)
    choice = _first(frame.choices)
    if choice is None:
        return Chunk("", "", "", (), None, usage, raw)
    delta = choice.delta or choice.message
    finish_reason = choice.finish_reason or None
    if delta is None:
        return Chunk("", "", "", (), finish_reason, usage, raw)
    return Chunk(
        delta.content or "",
        delta.reasoning_content or delta.reasoning or "",
        delta.refusal or "",
        _tool_calls(delta) if delta.tool_calls or delta.function_call else (),
        finish_reason,
        usage,
        raw,
    )


def _first(choices: list[Choice] | None) -> Choice | None:
    """The choice of index 0. Most frames have one choice, and it is this one."""
    for choice in choices or ():
        if not choice.index:
            return choice
    return None


def _tool_calls(delta: Delta) -> tuple[ToolCallDelta, ...]:
    """Fragments in order; one without an index has its position, the old ``function_call`` is a call of index 0."""
    fragments = delta.tool_calls or [ToolCallFragment(function=delta.function_call)]
    return tuple(
        ToolCallDelta(
            index=position if fragment.index is None else fragment.index,
            id=fragment.id or None,
            name=(fragment.function and fragment.function.name) or None,
            arguments=(fragment.function and fragment.function.arguments) or "",
        )
        for position, fragment in enumerate(fragments)
    )


def _usage(tokens: Tokens) -> Usage | None:
    """None for a usage that says nothing: it must not take the place of one that did."""
    if tokens.prompt_tokens is None and tokens.completion_tokens is None:
        return None
    prompt, completion = tokens.prompt_tokens_details, tokens.completion_tokens_details
    return Usage(
        input_tokens=tokens.prompt_tokens,
        output_tokens=tokens.completion_tokens,
        cached_tokens=None if prompt is None else prompt.cached_tokens,
        reasoning_tokens=None if completion is None else completion.reasoning_tokens,
    )
