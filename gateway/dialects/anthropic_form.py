"""The shapes of Anthropic's answers, and what OpenAI's words for their end and their tokens are there."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, TypeAlias, cast

import msgspec
from msgspec import UNSET, UnsetType

from ...router import Usage

if TYPE_CHECKING:
    from ...router import Answer, ToolCall

Json: TypeAlias = dict[str, object]

STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
OWN = frozenset(
    ("end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal", "model_context_window_exceeded")
)
"""Anthropic's reasons, which its adapter hands on as they are where OpenAI has no word for them."""

TIERS = {"default": "standard", "standard": "standard", "priority": "priority", "batch": "batch"}

NO_JSON = "INVALID_JSON"
"""Where the model wrote arguments that are no JSON object, its words under the name that Anthropic advises for them."""


class ThinkingTokens(msgspec.Struct, frozen=True):
    """Of the answer's tokens."""

    thinking_tokens: int


class Tokens(msgspec.Struct, frozen=True):
    """Of an answer. ``input_tokens`` leaves out what was read from the cache or written to it.

    The first two must be there in this form, so they are 0 where the vendor told nothing.
    """

    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int | UnsetType = UNSET
    cache_read_input_tokens: int | UnsetType = UNSET
    output_tokens_details: ThinkingTokens | UnsetType = UNSET
    service_tier: str | UnsetType = UNSET


class Refusal(msgspec.Struct, frozen=True):
    """Why there is no answer."""

    explanation: str
    category: str | None = None
    type: str = "refusal"


class Message(msgspec.Struct, frozen=True):
    """A whole answer, or the beginning of one."""

    id: str
    model: str
    content: list[Json]
    usage: Tokens
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: Refusal | None = None
    type: str = "message"
    role: str = "assistant"


def message_of(answer: Answer, id: str) -> Message:
    """The message that says *answer*. *id*: what it is called."""
    sealed = [dict(block) for block in answer.thinking_blocks]
    thinking: list[Json] = sealed or ([thinking_block(answer.reasoning)] if answer.reasoning else [])
    words: list[Json] = [{"type": "text", "text": answer.text}] if answer.text else []
    return Message(
        id=id,
        model=answer.model,
        content=[*thinking, *words, *(_use(call) for call in answer.tool_calls)],
        usage=tokens_of(answer.usage, answer.service_tier),
        stop_reason=stop_reason_of(answer.finish_reason, refused=bool(answer.refusal), called=bool(answer.tool_calls)),
        stop_details=refusal_of(answer.refusal),
    )


def thinking_block(thinking: str) -> Json:
    """A block of thinking, without the seal that other vendors have none of."""
    return {"type": "thinking", "thinking": thinking, "signature": ""}


def use_block(id: str | None, name: str | None, input: object) -> Json:
    """A block of a tool call. One without an id is given one: its result has to name it."""
    return {"type": "tool_use", "id": id or f"toolu_{secrets.token_hex(12)}", "name": name or "", "input": input}


def stop_reason_of(finish_reason: str | None, *, refused: bool, called: bool) -> str:
    """Why the answer ended. Some vendors call it a plain stop where tools are to be called."""
    if refused:
        return "refusal"
    told = finish_reason or "stop"
    if called and told == "stop":
        return "tool_use"
    return STOP_REASONS.get(told, told if told in OWN else "end_turn")


def refusal_of(explanation: str) -> Refusal | None:
    """The model's own words for why it gives no answer; None without any."""
    return Refusal(explanation) if explanation else None


def tokens_of(usage: Usage | None, service_tier: str | None = None) -> Tokens:
    """Usage in Anthropic's words."""
    told = usage or Usage()
    read, written = told.cached_tokens, told.cache_write_tokens
    tier = TIERS.get(service_tier) if service_tier is not None else None
    return Tokens(
        input_tokens=max(0, (told.input_tokens or 0) - (read or 0) - (written or 0)),
        output_tokens=told.output_tokens or 0,
        cache_creation_input_tokens=UNSET if written is None else written,
        cache_read_input_tokens=UNSET if read is None else read,
        output_tokens_details=UNSET if told.reasoning_tokens is None else ThinkingTokens(told.reasoning_tokens),
        service_tier=UNSET if tier is None else tier,
    )


def _use(call: ToolCall) -> Json:
    return use_block(call.id, call.name, _input(call.arguments))


def _input(arguments: str) -> Json:
    if not arguments.strip():
        return {}
    try:
        found: object = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {NO_JSON: arguments}
    return cast("Json", found) if isinstance(found, dict) else {NO_JSON: arguments}
