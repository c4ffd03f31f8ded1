"""The shapes of OpenAI's answers, for those that are made here: whole ones and frames of streams.

Fields that clients rely on are always there, if only as null; those of vendors' extensions (``reasoning_content``,
``thinking_blocks``) only where they say something.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from ...router import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ...router import Logprobs, ToolCall, ToolCallDelta

Json: TypeAlias = dict[str, object]


class CachedDetails(msgspec.Struct, frozen=True):
    """Of the prompt's tokens."""

    cached_tokens: int


class ReasoningDetails(msgspec.Struct, frozen=True):
    """Of the answer's tokens."""

    reasoning_tokens: int


class Tokens(msgspec.Struct, frozen=True):
    """What the vendor told of them; what it did not tell is left out rather than called none."""

    prompt_tokens: int | UnsetType = UNSET
    completion_tokens: int | UnsetType = UNSET
    total_tokens: int | UnsetType = UNSET
    prompt_tokens_details: CachedDetails | UnsetType = UNSET
    completion_tokens_details: ReasoningDetails | UnsetType = UNSET


class Said(msgspec.Struct):
    """A whole answer's message."""

    role: str
    content: str | None
    refusal: str | None
    reasoning_content: str | UnsetType = UNSET
    tool_calls: list[Json] | UnsetType = UNSET
    function_call: Json | UnsetType = UNSET
    thinking_blocks: list[Mapping[str, object]] | UnsetType = UNSET


class SaidChoice(msgspec.Struct):
    """One of the answers, whole."""

    index: int
    message: Said
    logprobs: Logprobs | None
    finish_reason: str | None


class Completion(msgspec.Struct):
    """A whole answer."""

    id: str
    created: int
    model: str
    choices: list[SaidChoice]
    usage: Tokens | None
    object: str = "chat.completion"
    service_tier: str | UnsetType = UNSET


class Delta(msgspec.Struct):
    """What a frame adds."""

    role: str | UnsetType = UNSET
    content: str | UnsetType = UNSET
    refusal: str | UnsetType = UNSET
    reasoning_content: str | UnsetType = UNSET
    tool_calls: list[Json] | UnsetType = UNSET
    function_call: Json | UnsetType = UNSET
    thinking_blocks: list[Mapping[str, object]] | UnsetType = UNSET


class DeltaChoice(msgspec.Struct):
    """One of the answers, a piece of it."""

    index: int
    delta: Delta
    logprobs: Logprobs | None = None
    finish_reason: str | None = None


class Frame(msgspec.Struct):
    """A piece of a stream.

    usage: null on all but the last where the client asked for it; left out where it did not.
    paceline: what OpenAI's form has no word for.
    """

    id: str
    created: int
    model: str
    choices: list[DeltaChoice]
    object: str = "chat.completion.chunk"
    service_tier: str | UnsetType = UNSET
    usage: Tokens | UnsetType | None = UNSET
    paceline: Json | UnsetType = UNSET


def tokens_of(usage: Usage | None) -> Tokens | None:
    """Usage in OpenAI's words; None where nothing is known."""
    if usage is None or usage == Usage():
        return None
    both = usage.input_tokens is not None and usage.output_tokens is not None
    return Tokens(
        prompt_tokens=_told(usage.input_tokens),
        completion_tokens=_told(usage.output_tokens),
        total_tokens=(usage.input_tokens or 0) + (usage.output_tokens or 0) if both else UNSET,
        prompt_tokens_details=UNSET if usage.cached_tokens is None else CachedDetails(usage.cached_tokens),
        completion_tokens_details=(
            UNSET if usage.reasoning_tokens is None else ReasoningDetails(usage.reasoning_tokens)
        ),
    )


def _told(count: int | None) -> int | UnsetType:
    return UNSET if count is None else count


def message_of(
    text: str,
    reasoning: str,
    refusal: str,
    calls: tuple[ToolCall, ...],
    thinking_blocks: Iterable[Mapping[str, object]] = (),
) -> Said:
    """The message that says all this."""
    said = Said("assistant", text or None, refusal or None)
    if reasoning:
        said.reasoning_content = reasoning
    if calls and calls[0].type == "function_call":
        said.function_call = {"name": calls[0].name, "arguments": calls[0].arguments}
    elif calls:
        said.tool_calls = [call.form() for call in calls]
    blocks = list(thinking_blocks)
    if blocks:
        said.thinking_blocks = blocks
    return said


def fragment_of(delta: ToolCallDelta, kind: str) -> Json:
    """A piece of a tool call. *kind*: of the whole call, which most pieces do not repeat."""
    told: Json = {"index": delta.index}
    if delta.id is not None:
        told["id"] = delta.id
    if delta.id is not None or delta.name is not None:
        told["type"] = kind
    named: Json = {} if delta.name is None else {"name": delta.name}
    if kind == "custom":
        told["custom"] = {**named, "input": delta.arguments}
    else:
        told["function"] = {**named, "arguments": delta.arguments}
    return told
