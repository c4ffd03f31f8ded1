"""The answers of OpenAI's chat completions, decoded as far as routing needs them.

A chunk of a stream and a whole answer have one form: what a chunk calls ``delta``, a whole answer calls ``message``.
So one decoder reads both. It makes only the fields below and steps over the rest, which the raw frame still holds.

Vendors who speak this format differ in what they leave out and where they put the rest. Any field may be missing or
null: Azure's first chunk has no choices and its filter annotations have no delta, some servers number no tool calls,
some put usage on every chunk, or into the choice. What is there must have its type, or the answer is malformed.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ..router.chunk import TokenLogprob

NOTHING = msgspec.Raw(b"null")


class Function(msgspec.Struct, frozen=True, gc=False):
    """The function of a tool call; ``arguments`` are fragments of JSON text."""

    name: str | None = None
    arguments: str | None = None


class Custom(msgspec.Struct, frozen=True, gc=False):
    """The custom tool of a call; ``input`` are fragments of whatever text it takes."""

    name: str | None = None
    input: str | None = None


class ToolCallFragment(msgspec.Struct, frozen=True, gc=False):
    """A piece of one tool call."""

    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: Function | None = None
    custom: Custom | None = None


class ReasoningDetail(msgspec.Struct, frozen=True, gc=False):
    """OpenRouter's: a piece of reasoning as text or as a summary of it; what is encrypted has neither."""

    text: str | None = None
    summary: str | None = None


class Delta(msgspec.Struct, frozen=True, gc=False):
    """What a chunk adds, or all that a whole answer says."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[ReasoningDetail] | None = None
    refusal: str | None = None
    tool_calls: list[ToolCallFragment] | None = None
    function_call: Function | None = None


class PromptDetails(msgspec.Struct, frozen=True, gc=False):
    """Of the prompt's tokens."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class CompletionDetails(msgspec.Struct, frozen=True, gc=False):
    """Of the answer's tokens."""

    reasoning_tokens: int | None = None


class Tokens(msgspec.Struct, frozen=True, gc=False):
    """Usage so far: cumulative where it comes with every chunk, so the last one counts and nothing is summed.

    prompt_cache_hit_tokens: DeepSeek's name of the cached part. cached_tokens: Moonshot's.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    prompt_cache_hit_tokens: int | None = None
    cached_tokens: int | None = None


class VendorLogprobs(msgspec.Struct, frozen=True, gc=False):
    """Log-probabilities of a piece: OpenAI's ``content`` and ``refusal``, or the older lists of equal length.

    The older form is that of completions without chat; Fireworks and Together have it still.
    """

    content: tuple[TokenLogprob, ...] | None = None
    refusal: tuple[TokenLogprob, ...] | None = None
    tokens: list[str] | None = None
    token_logprobs: list[float | None] | None = None
    top_logprobs: list[dict[str, float | None] | None] | dict[str, float | None] | None = None


class Choice(msgspec.Struct, frozen=True, gc=False):
    """One of the answers.

    logprobs: a bare number is that of the one token of this piece. usage, error: where vendors put them here.
    """

    index: int | None = None
    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None
    logprobs: VendorLogprobs | float | None = None
    usage: Tokens | None = None
    error: msgspec.Raw = NOTHING


class Frame(msgspec.Struct, frozen=True, gc=False):
    """A ``chat.completion.chunk`` or a ``chat.completion``, or the error that came in its place."""

    choices: list[Choice] | None = None
    usage: Tokens | None = None
    error: msgspec.Raw = NOTHING


class ServedFrame(Frame, frozen=True, gc=False):
    """A frame, and by what it was served. That stands in every one and is read from one or two: it costs a tenth more.

    Both are left as they came: a name that is no text is nothing an answer should fail for.
    """

    model: msgspec.Raw = NOTHING
    service_tier: msgspec.Raw = NOTHING


decode_frame = msgspec.json.Decoder(Frame).decode
"""A frame of JSON bytes. Raises `msgspec.DecodeError` for what is none."""

decode_served_frame = msgspec.json.Decoder(ServedFrame).decode
"""As `decode_frame`."""

decode_name: Callable[[msgspec.Raw], str | None] = msgspec.json.Decoder(str | None).decode
"""A field of a `ServedFrame`. As `decode_frame`."""
