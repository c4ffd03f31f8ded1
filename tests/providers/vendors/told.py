"""What came of an answer, in one form for the vendor's SDK and for us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
from openai.types.chat import ChatCompletionTokenLogprob

from paceline.router import Answer, Choice, Logprobs, TokenLogprob

if TYPE_CHECKING:
    from collections.abc import Sequence

    from openai.types.chat import ChatCompletion, ChatCompletionChunk
    from openai.types.chat.chat_completion_chunk import ChoiceDeltaToolCall
    from openai.types.chat.chat_completion_token_logprob import TopLogprob
    from openai.types.completion_usage import CompletionUsage

Tokens: TypeAlias = "tuple[tuple[object, ...], ...] | None"


@attrs.define(kw_only=True)
class One:
    """One answer. calls: id, type, name, arguments. content, refused: log-probabilities of text and of refusal."""

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls: tuple[tuple[str, str, str, str], ...] = ()
    finish: str | None = None
    content: Tokens = None
    refused: Tokens = None


@attrs.define(kw_only=True)
class Told:
    """All of them. usage: prompt, completion, cached, reasoning."""

    answers: dict[int, One] = attrs.field(factory=dict[int, One])
    usage: tuple[int | None, ...] = (None, None, None, None)
    model: str | None = None
    tier: str | None = None


# -- by us


def by_us(answer: Answer) -> Told:
    usage = answer.usage
    return Told(
        answers={0: _one(answer), **{choice.index: _one(choice) for choice in answer.others}},
        usage=(usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.reasoning_tokens),
        model=answer.attempts[-1].served_model,
        tier=answer.service_tier,
    )


def _one(said: Answer | Choice) -> One:
    told = said.logprobs or Logprobs()
    return One(
        text=said.text,
        reasoning=said.reasoning,
        refusal=said.refusal,
        calls=tuple((call.id, call.type, call.name, call.arguments) for call in said.tool_calls),
        finish=said.finish_reason,
        content=_ours(told.content),
        refused=_ours(told.refusal),
    )


def _ours(tokens: tuple[TokenLogprob, ...] | None) -> Tokens:
    if tokens is None:
        return None
    return tuple((one.token, one.logprob, one.bytes, _ours(one.top_logprobs)) for one in tokens)


# -- by the SDK


def _theirs(tokens: Sequence[ChatCompletionTokenLogprob | TopLogprob] | None) -> Tokens:
    if tokens is None:
        return None
    return tuple(
        (
            one.token,
            one.logprob,
            None if one.bytes is None else tuple(one.bytes),
            _theirs(one.top_logprobs) if isinstance(one, ChatCompletionTokenLogprob) else None,
        )
        for one in tokens
    )


def _usage(usage: CompletionUsage | None) -> tuple[int | None, ...]:
    if usage is None:
        return (None, None, None, None)
    prompt, completion = usage.prompt_tokens_details, usage.completion_tokens_details
    return (
        usage.prompt_tokens,
        usage.completion_tokens,
        prompt and prompt.cached_tokens,
        completion and completion.reasoning_tokens,
    )


def by_sdk_whole(completion: ChatCompletion) -> Told:
    told = Told(usage=_usage(completion.usage), model=completion.model, tier=completion.service_tier)
    for choice in completion.choices:
        message = choice.message
        calls = [
            (call.id, "custom", call.custom.name, call.custom.input)
            if call.type == "custom"
            else (call.id, call.type, call.function.name, call.function.arguments)
            for call in message.tool_calls or ()
        ]
        if message.function_call is not None:
            calls = [("", "function_call", message.function_call.name, message.function_call.arguments)]
        told.answers[choice.index] = One(
            text=message.content or "",
            reasoning=(message.model_extra or {}).get("reasoning_content", ""),
            refusal=message.refusal or "",
            calls=tuple(calls),
            finish=choice.finish_reason,
            content=choice.logprobs and _theirs(choice.logprobs.content),
            refused=choice.logprobs and _theirs(choice.logprobs.refusal),
        )
    return told


def by_sdk_stream(chunks: list[ChatCompletionChunk]) -> Told:
    told = Told()
    calls: dict[tuple[int, int], list[str]] = {}
    for chunk in chunks:
        told.model = chunk.model or told.model
        told.tier = chunk.service_tier or told.tier
        if chunk.usage is not None:
            told.usage = _usage(chunk.usage)
        for choice in chunk.choices:
            one = told.answers.setdefault(choice.index, One())
            one.finish = choice.finish_reason or one.finish
            if choice.logprobs is not None and choice.logprobs.content:
                one.content = (one.content or ()) + (_theirs(choice.logprobs.content) or ())
            if choice.logprobs is not None and choice.logprobs.refusal:
                one.refused = (one.refused or ()) + (_theirs(choice.logprobs.refusal) or ())
            delta = choice.delta
            if delta is None:  # pyright: ignore[reportUnnecessaryComparison]  Azure's annotations, whatever the types say
                continue  # type: ignore[unreachable]
            extra = delta.model_extra or {}
            one.text += delta.content or ""
            one.reasoning += extra.get("reasoning_content") or extra.get("reasoning") or ""
            one.refusal += delta.refusal or ""
            for fragment in delta.tool_calls or ():
                call = calls.setdefault((choice.index, fragment.index), ["", "function", "", ""])
                call[0] = fragment.id or call[0]
                call[1] = fragment.type or call[1]
                name, arguments = _fragment(fragment)
                call[2] = name or call[2]
                call[3] += arguments
            if delta.function_call is not None:
                call = calls.setdefault((choice.index, 0), ["", "function_call", "", ""])
                call[2] = delta.function_call.name or call[2]
                call[3] += delta.function_call.arguments or ""
    for (choice_index, _), (id_, type_, name, arguments) in sorted(calls.items()):
        told.answers[choice_index].calls += ((id_, type_, name, arguments),)
    return told


def _fragment(fragment: ChoiceDeltaToolCall) -> tuple[str, str]:
    """Name and arguments. Of a custom tool their types know nothing in a stream, though the API sends it."""
    if fragment.function is not None:
        return fragment.function.name or "", fragment.function.arguments or ""
    custom: dict[str, Any] = (fragment.model_extra or {}).get("custom") or {}
    return custom.get("name", ""), custom.get("input", "")
