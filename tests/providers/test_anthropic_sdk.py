"""Anthropic's own client and our adapter ask one server, and must come to the same answer from the same bytes."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import anthropic
import msgspec
import pytest
from anthropic.types import Message, TextBlock, ThinkingBlock, ToolUseBlock

from paceline.providers.anthropic_wire import FINISH_REASONS
from paceline.router import Answer
from paceline.router.errors import BadRequest, ProviderOverloaded, Unsupported

from .anthropic_server import (
    MODEL,
    Claude,
    Json,
    Reply,
    asking_claude,
    complete,
    sdk_of,
    text,
    thinking,
    tool_use,
)
from .loopback import PROMPT

CITED = {
    "type": "char_location",
    "cited_text": "so",
    "document_index": 0,
    "document_title": None,
    "file_id": None,
    "start_char_index": 0,
    "end_char_index": 2,
}
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "weather"}}
FOUND: Json = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}

CACHED = {
    "input_tokens": 9,
    "cache_read_input_tokens": 70,
    "cache_creation_input_tokens": 11,
    "output_tokens": 40,
    "service_tier": "priority",
    "output_tokens_details": {"thinking_tokens": 12},
}

REPLIES = {
    "text": Reply(),
    "text of many scripts": Reply(content=(text("Grüße, 世界 🌍 " * 5),), piece=1),
    "two texts": Reply(content=(text("Hello"), text(" there"))),
    "cited": Reply(content=(text("so it is", citations=[CITED]),)),
    "cut at the cap": Reply(stop_reason="max_tokens"),
    "cut at the window": Reply(stop_reason="model_context_window_exceeded"),
    "stopped": Reply(stop_reason="stop_sequence"),
    "paused": Reply(content=(text("wait"), SEARCH), stop_reason="pause_turn"),
    "refused": Reply(
        content=(), stop_reason="refusal", stop_details={"type": "refusal", "category": "bio", "explanation": "no"}
    ),
    "a tool": Reply(content=(text("Look: "), tool_use("toolu_1", "look", city="Köln")), stop_reason="tool_use"),
    "tools": Reply(
        content=(
            tool_use("toolu_1", "look", city="Köln", days=[1, 2]),
            tool_use("toolu_2", "now"),
            tool_use("toolu_3", "look", nested={"deep": {"list": [None, True, 1.5]}}),
        ),
        stop_reason="tool_use",
        piece=3,
    ),
    "thinking": Reply(content=(thinking("hm, so it is"), text("Yes")), usage=CACHED),
    "thinking not shown": Reply(content=(thinking("", "abc"), text("Yes"))),
    "thinking redacted": Reply(
        content=({"type": "redacted_thinking", "data": "xyz"}, thinking("ah"), tool_use("toolu_1", "now")),
        stop_reason="tool_use",
    ),
    "a tool of the vendor's": Reply(content=(SEARCH, FOUND, text("It rains"), tool_use("toolu_9", "now"))),
}

ASKED: dict[str, Any] = {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": PROMPT}]}


async def their_answer(vendor: Claude, *, stream: bool) -> Message:
    async with sdk_of(vendor) as client:
        if not stream:
            return cast(Message, await client.messages.create(**ASKED))
        async with client.messages.stream(**ASKED) as streamed:
            return cast(Message, await streamed.get_final_message())


async def both(reply: Reply, *, stream: bool) -> tuple[Message, Answer]:
    """The client's message and our answer."""
    vendor = Claude(reply)
    async with asking_claude(vendor) as asked:
        theirs = await their_answer(vendor, stream=stream)
        ours = await asked.complete(model=MODEL, max_tokens=100, stream=stream)
    return theirs, ours


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("name", REPLIES)
def test_the_answer_is_the_one_that_the_vendors_own_client_gives(name: str, *, stream: bool) -> None:
    theirs, ours = asyncio.run(both(REPLIES[name], stream=stream))

    assert ours.text == "".join(block.text for block in theirs.content if isinstance(block, TextBlock))
    assert ours.reasoning == "".join(block.thinking for block in theirs.content if isinstance(block, ThinkingBlock))
    assert [(call.id, call.name, msgspec.json.decode(call.arguments)) for call in ours.tool_calls] == [
        (block.id, block.name, block.input) for block in theirs.content if isinstance(block, ToolUseBlock)
    ]
    assert ours.attempts[0].served_model == theirs.model
    assert theirs.stop_reason is not None
    assert ours.finish_reason == FINISH_REASONS.get(theirs.stop_reason, theirs.stop_reason)
    usage = theirs.usage
    read, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    assert ours.usage.input_tokens == usage.input_tokens + read + written
    assert ours.usage.output_tokens == usage.output_tokens
    assert ours.usage.cache_write_tokens == usage.cache_creation_input_tokens
    assert ours.service_tier == usage.service_tier
    assert ours.usage.cached_tokens == usage.cache_read_input_tokens
    details = usage.output_tokens_details
    assert ours.usage.reasoning_tokens == (details and details.thinking_tokens)
    assert ours.refusal == ((theirs.stop_details and theirs.stop_details.explanation) or "")


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("name", ["thinking", "thinking not shown", "thinking redacted", "text"])
def test_sealed_thinking_is_what_the_vendors_own_client_would_send_back(name: str, *, stream: bool) -> None:
    theirs, ours = asyncio.run(both(REPLIES[name], stream=stream))

    sealed = [block for block in theirs.content if block.type in {"thinking", "redacted_thinking"}]
    assert list(ours.thinking_blocks) == [block.to_dict() for block in sealed]


def test_whole_and_streamed_answers_are_one() -> None:
    for reply in REPLIES.values():
        whole, _ = complete(reply, stream=False)
        streamed, _ = complete(reply)
        for name in ("text", "reasoning", "refusal", "finish_reason", "usage", "thinking_blocks"):
            assert getattr(whole, name) == getattr(streamed, name)
        assert [call.id for call in whole.tool_calls] == [call.id for call in streamed.tool_calls]
        assert [call.arguments for call in whole.tool_calls] == [call.arguments for call in streamed.tool_calls]


def test_a_tool_is_called_and_its_result_sent_back_with_the_sealed_thinking() -> None:
    async def main() -> None:
        vendor = Claude(REPLIES["thinking redacted"])
        async with asking_claude(vendor) as asked:
            first = await asked.complete(model=MODEL)
            call = first.tool_calls[0]
            vendor.reply = Reply(content=(text("Noon"),))
            asks = {"role": "user", "content": "when?"}
            result = {"role": "tool", "tool_call_id": call.id, "content": "12:00"}
            second = await asked.complete(model=MODEL, messages=[asks, first.message(), result])
        assert second.text == "Noon"
        assert [block["type"] for block in vendor.bodies[-1]["messages"][1]["content"]] == [
            "redacted_thinking",
            "thinking",
            "tool_use",
        ]

    asyncio.run(main())


@pytest.mark.parametrize("stream", [True, False])
def test_what_the_server_refuses_it_refuses_to_both(*, stream: bool) -> None:
    async def main() -> None:
        vendor = Claude(Reply())
        choice = {"type": "auto"}
        refused: Any = {**ASKED, "stream": stream, "tool_choice": choice}
        async with asking_claude(vendor) as asked:
            async with sdk_of(vendor) as client:
                with pytest.raises(anthropic.BadRequestError, match="while providing tools"):
                    await client.messages.create(**refused)
            with pytest.raises(BadRequest, match="while providing tools"):
                await asked.complete(model=MODEL, stream=stream, params={"tool_choice": choice})

    asyncio.run(main())


def test_an_overload_within_the_stream_is_one_to_both() -> None:
    async def main() -> None:
        vendor = Claude(Reply(content=(), fails="overloaded_error"))
        async with asking_claude(vendor) as asked:
            async with sdk_of(vendor) as client:
                with pytest.raises(anthropic.APIStatusError) as theirs:
                    async with client.messages.stream(**ASKED) as streamed:
                        await streamed.get_final_message()
            assert theirs.value.type == "overloaded_error"
            with pytest.raises(ProviderOverloaded, match="Overloaded"):
                await asked.complete(model=MODEL)

    asyncio.run(main())


def test_sampling_parameters_go_out_with_the_version_that_takes_them() -> None:
    sampling = {"temperature": 0.5, "top_p": 0.9, "top_k": 40}
    _, body = complete(Reply(), params=sampling)
    assert {name: body[name] for name in sampling} == sampling

    async def newer() -> None:
        async with asking_claude(Reply(), headers={"anthropic-version": "2026-10-21"}) as asked:
            with pytest.raises(BadRequest, match="temperature: Extra inputs"):
                await asked.complete(model=MODEL, params=sampling)
            assert (await asked.complete(model=MODEL)).text == "Hello there"

    asyncio.run(newer())


def test_what_cannot_be_expressed_never_reaches_the_server() -> None:
    async def main() -> None:
        async with asking_claude(Reply()) as asked:
            with pytest.raises(Unsupported, match="vendor: seed cannot be sent to Anthropic") as raised:
                await asked.complete(model=MODEL, params={"seed": 1})
            assert raised.value.elsewhere
            assert asked.vendor.bodies == []

    asyncio.run(main())
