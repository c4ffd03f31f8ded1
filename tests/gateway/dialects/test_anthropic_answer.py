"""Answers in Anthropic's form: whole ones, and streams, which must come to the same."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.gateway.dialects import Anthropic
from paceline.gateway.dialects.anthropic_stream import AnthropicWriter
from paceline.router import DISCARD, Answer, Chunk, Request, Router, ToolCallDelta, Usage
from paceline.router.errors import StreamInterrupted
from paceline.router.testing import Say, Scripted, endpoint, run

from .messages_read import Json, events_in, message_in

DIALECT = Anthropic(new_id=lambda: "msg_1")
ASKED = DIALECT.read(b'{"model": "chat", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}')
STOP = Chunk(finish_reason="stop")


def writer() -> AnthropicWriter:
    return DIALECT.writer(ASKED)


def streamed(*chunks: Chunk) -> bytes:
    out = writer()
    return b"".join([*(out.chunk(chunk) for chunk in chunks), out.end()])


def answered(*chunks: Chunk) -> Answer:
    """The answer that a router makes of *chunks*."""

    async def main() -> Answer:
        script = tuple(Say(0.0, chunk) for chunk in chunks)
        async with Router([endpoint("a", Scripted(script))]) as router:
            return await router.complete(Request(messages="hi", model="m"))

    return run(main)


def whole(*chunks: Chunk) -> Json:
    reply = DIALECT.whole(ASKED, answered(*chunks))
    assert reply.status == 200
    said: Json = json.loads(reply.body)
    return said


def call(index: int, arguments: str = "", **named: str) -> Chunk:
    return Chunk(tool_calls=(ToolCallDelta(index=index, arguments=arguments, **named),))


def sealed(thinking: str, signature: str = "s") -> Chunk:
    return Chunk(thinking_blocks=({"type": "thinking", "thinking": thinking, "signature": signature},))


def content_of(*chunks: Chunk) -> list[Json]:
    """What a stream's blocks are, which those of the whole answer must be too."""
    said = message_in(streamed(*chunks))["content"]
    assert said == whole(*chunks)["content"]
    return said


TEXT = {"type": "text", "text": "Hello there"}


def test_a_whole_answer_is_a_message() -> None:
    assert whole(Chunk("Hello "), Chunk("there"), STOP) == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [TEXT],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "stop_details": None,
        "usage": {"input_tokens": 0, "output_tokens": 0},
    }


def test_a_stream_says_the_same_event_by_event() -> None:
    events = events_in(streamed(Chunk("Hello "), Chunk("there"), STOP))
    assert [event["type"] for event in events] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    message = message_in(streamed(Chunk("Hello "), Chunk("there"), STOP))
    assert message == {**whole(Chunk("Hello there"), STOP), "model": "chat"}


def test_thinking_comes_back_sealed_as_it_was() -> None:
    thinking = {"type": "thinking", "thinking": "hm, so", "signature": "s"}
    found = content_of(Chunk(reasoning="hm, "), Chunk(reasoning="so"), sealed("hm, so"), Chunk("Yes"), STOP)
    assert found == [thinking, {"type": "text", "text": "Yes"}]


def test_thinking_that_is_not_shown_is_a_seal() -> None:
    found = content_of(sealed("", "abc"), Chunk("Yes"), STOP)
    assert found[0] == {"type": "thinking", "thinking": "", "signature": "abc"}


def test_redacted_thinking_stands_where_it_stood() -> None:
    redacted = {"type": "redacted_thinking", "data": "xyz"}
    chunks = (Chunk(thinking_blocks=(redacted,)), Chunk(reasoning="ah"), sealed("ah"), Chunk("Yes"), STOP)
    assert [block["type"] for block in content_of(*chunks)] == ["redacted_thinking", "thinking", "text"]


def test_thinking_of_another_vendor_has_no_seal() -> None:
    found = content_of(Chunk(reasoning="hm"), Chunk("Yes"), STOP)
    assert found[0] == {"type": "thinking", "thinking": "hm", "signature": ""}


def test_sealed_thinking_that_comes_in_one_piece_is_told_once() -> None:
    blocks = (
        {"type": "thinking", "thinking": "one", "signature": "1"},
        {"type": "thinking", "thinking": "two", "signature": "2"},
    )
    chunk = Chunk(text="Yes", reasoning="onetwo", thinking_blocks=blocks, finish_reason="stop")
    assert content_of(chunk) == [*blocks, {"type": "text", "text": "Yes"}]


def test_tool_calls_are_blocks_of_their_own() -> None:
    found = content_of(
        Chunk("Look: "),
        call(0, id="toolu_1", name="look"),
        call(0, '{"city": '),
        call(0, '"Köln"}'),
        call(1, id="toolu_2", name="now"),
        Chunk(finish_reason="tool_calls"),
    )
    assert found == [
        {"type": "text", "text": "Look: "},
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"city": "Köln"}},
        {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}},
    ]


def test_a_call_ends_as_soon_as_another_begins() -> None:
    chunks = (call(0, "{}", id="a", name="f"), call(1, "{}", id="b", name="f"), Chunk(finish_reason="tool_calls"))
    kinds = [(event["type"], event.get("index")) for event in events_in(streamed(*chunks))]
    assert kinds.index(("content_block_stop", 0)) < kinds.index(("content_block_start", 1))


def test_calls_that_take_turns_are_put_together() -> None:
    found = content_of(
        call(0, '{"a":', id="a", name="f"),
        call(1, '{"b":', id="b", name="f"),
        call(0, "1}"),
        call(1, "2}"),
        Chunk(finish_reason="tool_calls"),
    )
    assert [block["input"] for block in found] == [{"a": 1}, {"b": 2}]


def test_words_after_a_call_are_a_block_of_their_own() -> None:
    stream = streamed(Chunk("a"), call(0, "{}", id="a", name="f"), Chunk("b"), Chunk(finish_reason="tool_calls"))
    assert [block["type"] for block in message_in(stream)["content"]] == ["text", "tool_use", "text"]


def test_a_call_without_an_id_is_given_one() -> None:
    chunks = (call(0, "{}", name="f"), Chunk(finish_reason="tool_calls"))
    (said,) = message_in(streamed(*chunks))["content"]
    assert said["id"].startswith("toolu_")
    assert whole(*chunks)["content"][0]["id"].startswith("toolu_")


@pytest.mark.parametrize("arguments", ["no json", "[1]", '{"a": '])
def test_arguments_that_are_no_object_are_told_as_they_are(arguments: str) -> None:
    (said,) = whole(call(0, arguments, id="a", name="f"), Chunk(finish_reason="tool_calls"))["content"]
    assert said["input"] == {"INVALID_JSON": arguments}


@pytest.mark.parametrize(
    ("finish_reason", "stop_reason"),
    [
        ("stop", "end_turn"),
        ("length", "max_tokens"),
        ("content_filter", "refusal"),
        ("pause_turn", "pause_turn"),
        ("eos", "end_turn"),
    ],
)
def test_the_end_is_told_in_anthropics_words(finish_reason: str, stop_reason: str) -> None:
    chunks = (Chunk("a"), Chunk(finish_reason=finish_reason))
    assert whole(*chunks)["stop_reason"] == stop_reason
    assert message_in(streamed(*chunks))["stop_reason"] == stop_reason


@pytest.mark.parametrize("finish_reason", ["tool_calls", "function_call", "stop"])
def test_an_answer_with_calls_stops_for_tools(finish_reason: str) -> None:
    chunks = (call(0, "{}", id="a", name="f"), Chunk(finish_reason=finish_reason))
    assert whole(*chunks)["stop_reason"] == message_in(streamed(*chunks))["stop_reason"] == "tool_use"


def test_a_refusal_says_why() -> None:
    chunks = (Chunk(refusal="I will "), Chunk(refusal="not"), STOP)
    for said in (whole(*chunks), message_in(streamed(*chunks))):
        assert (said["stop_reason"], said["content"]) == ("refusal", [])
        assert said["stop_details"] == {"type": "refusal", "category": None, "explanation": "I will not"}


def test_tokens_are_counted_as_anthropic_counts() -> None:
    usage = Usage(input_tokens=90, cached_tokens=70, cache_write_tokens=11, output_tokens=40, reasoning_tokens=12)
    expected = {
        "input_tokens": 9,
        "cache_read_input_tokens": 70,
        "cache_creation_input_tokens": 11,
        "output_tokens": 40,
        "output_tokens_details": {"thinking_tokens": 12},
    }
    chunks = (Chunk("a"), STOP, Chunk(usage=usage))
    assert whole(*chunks)["usage"] == message_in(streamed(*chunks))["usage"] == expected


def test_the_prompts_tokens_are_told_at_the_beginning_if_they_are_known() -> None:
    stream = streamed(Chunk(usage=Usage(input_tokens=9, output_tokens=1)), Chunk("a"), STOP)
    assert events_in(stream)[0]["message"]["usage"] == {"input_tokens": 9, "output_tokens": 1}


def test_the_tier_is_told_in_anthropics_words() -> None:
    def of(tier: str) -> Any:
        answer = msgspec.structs.replace(answered(Chunk("a"), STOP), service_tier=tier)
        return json.loads(DIALECT.whole(ASKED, answer).body)["usage"].get("service_tier")

    assert [of("default"), of("priority"), of("flex")] == ["standard", "priority", None]


def test_who_speaks_is_told_at_the_beginning_if_it_is_known() -> None:
    out = writer()
    out.introduce("claude-of-today", "priority")
    message = events_in(out.chunk(Chunk("a")))[0]["message"]
    assert (message["model"], message["usage"]["service_tier"]) == ("claude-of-today", "priority")


END = b'{"type":"message_delta","delta":{"stop_reason":"stop_sequence","stop_sequence":"END"},"usage":{}}'


def test_the_vendors_own_words_for_the_end_are_kept() -> None:
    said = message_in(streamed(Chunk("a"), Chunk(raw=END), STOP))
    assert (said["stop_reason"], said["stop_sequence"]) == ("stop_sequence", "END")


def test_those_of_an_answer_that_was_restarted_are_not() -> None:
    out = writer()
    said = b"".join(out.chunk(chunk) for chunk in (Chunk("a"), Chunk(raw=END), DISCARD, Chunk("b"), STOP))
    assert events_in(said + out.end())[-2]["delta"]["stop_reason"] == "end_turn"


@pytest.mark.parametrize(
    "raw",
    [
        b'{"choices":[],"usage":{"prompt_tokens":1}}',
        b'{"type":"message_delta","delta":{"stop_reason":"of_tomorrow"}}',
        b'{"type":"message_delta","delta":{"stop_reason":null}}',
        b'{"type":"content_block_start","content_block":{"type":"server_tool_use"}}',
        b'{"type":"content_block_delta","delta":{"type":"of_tomorrow"}}',
        b'{"type":"ping"}',
        b"\xff",
    ],
)
def test_bytes_that_say_nothing_more_are_passed_over(raw: bytes) -> None:
    chunks = (Chunk("a"), Chunk(raw=raw, usage=Usage(output_tokens=1)), Chunk("b"), STOP)
    said = message_in(streamed(*chunks))
    assert (said["content"], said["stop_reason"]) == ([{"type": "text", "text": "ab"}], "end_turn")


def test_a_citation_before_its_words_begins_their_block() -> None:
    delta = {"type": "citations_delta", "citation": {"type": "char_location", "cited_text": "so"}}
    raw = json.dumps({"type": "content_block_delta", "index": 7, "delta": delta}).encode()
    events = events_in(streamed(Chunk(raw=raw), Chunk("so"), STOP))
    assert [event["type"] for event in events[:4]] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
    ]
    assert (events[2]["index"], events[2]["delta"]) == (0, delta)


def test_an_answer_that_says_nothing_is_complete() -> None:
    assert message_in(streamed(STOP))["content"] == []
    assert message_in(writer().end())["content"] == []


def test_what_breaks_off_ends_in_an_error_and_no_end() -> None:
    out = writer()
    begun = out.chunk(Chunk("Hel"))
    kinds = [event["type"] for event in events_in(begun + out.broken(StreamInterrupted("cut", delivered=3)))]
    assert kinds == ["message_start", "content_block_start", "content_block_delta", "error"]


def test_a_restart_voids_what_came_before() -> None:
    out = writer()
    said = b"".join([out.chunk(Chunk("Hel")), out.chunk(DISCARD), out.chunk(Chunk("Good day")), out.chunk(STOP)])
    events = events_in(said + out.end())
    kinds = [event["type"] for event in events]
    after = events[kinds.index("paceline.discard") :]
    assert kinds[3] == "content_block_stop"
    assert [event.get("index") for event in after[1:4]] == [1, 1, 1]
    assert after[2]["delta"]["text"] == "Good day"


def test_a_restart_before_anything_was_said_is_no_event() -> None:
    assert writer().chunk(DISCARD) == b""


def test_a_vendors_own_message_passes_as_it_is() -> None:
    assert DIALECT.passes(b'{"type": "message", "content": [{"type": "text"}], "stop_reason": "end_turn"}')


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b'{"type": "message"}', b'{"choices": []}', b'{"type": "error", "error": {}}', b"\xff", b"[" * 9999],
)
def test_anything_else_does_not(body: bytes) -> None:
    assert not DIALECT.passes(body)


pieces = st.text(min_size=1, max_size=4)
names = st.text("abc", min_size=1, max_size=4)


@st.composite
def segments(draw: st.DrawFn) -> list[Chunk]:
    """Pieces of an answer as a vendor may send them: thinking, words and calls in any order, calls in turns or not."""
    chunks: list[Chunk] = []
    calls = 0
    for kind in draw(st.lists(st.sampled_from(["text", "thinking", "sealed", "redacted", "calls"]), max_size=6)):
        said = draw(st.lists(pieces, min_size=1, max_size=3))
        if kind == "text":
            chunks += [Chunk(piece) for piece in said]
        elif kind == "thinking":
            chunks += [Chunk(reasoning=piece) for piece in said]
        elif kind == "sealed":
            chunks += [*(Chunk(reasoning=piece) for piece in said), sealed("".join(said), draw(names))]
        elif kind == "redacted":
            chunks.append(Chunk(thinking_blocks=({"type": "redacted_thinking", "data": said[0]},)))
        else:
            fragments: list[Chunk] = []
            for _ in said:
                arguments = json.dumps({"a": draw(pieces)})
                cut = draw(st.integers(0, len(arguments)))
                chunks.append(call(calls, id=f"c{calls}", name=draw(names)))
                fragments += [call(calls, arguments[:cut]), call(calls, arguments[cut:])]
                calls += 1
            first, second = fragments[::2], fragments[1::2]
            chunks += [*first, *second] if draw(st.booleans()) else fragments
    return [*chunks, Chunk(finish_reason="stop", usage=Usage(input_tokens=3, output_tokens=2))]


@given(segments())
def test_whatever_is_said_in_whatever_order_arrives_in_order_and_whole(chunks: list[Chunk]) -> None:
    blocks = message_in(streamed(*chunks))["content"]

    assert "".join(block["text"] for block in blocks if block["type"] == "text") == "".join(c.text for c in chunks)
    thinking = "".join(block["thinking"] for block in blocks if block["type"] == "thinking")
    assert thinking == "".join(chunk.reasoning for chunk in chunks)
    asked: dict[int, str] = {}
    for delta in (delta for chunk in chunks for delta in chunk.tool_calls):
        asked[delta.index] = asked.get(delta.index, "") + delta.arguments
    uses = [block for block in blocks if block["type"] == "tool_use"]
    assert [(block["id"], block["input"]) for block in uses] == [
        (f"c{index}", msgspec.json.decode(arguments)) for index, arguments in asked.items()
    ]
    redacted = [block["data"] for block in blocks if block["type"] == "redacted_thinking"]
    assert redacted == [block["data"] for chunk in chunks for block in chunk.thinking_blocks if "data" in block]


@given(segments(), segments())
def test_of_a_restarted_answer_what_follows_is_whole(first: list[Chunk], second: list[Chunk]) -> None:
    out = writer()
    before = b"".join(out.chunk(chunk) for chunk in first[:-1])
    after = b"".join([out.chunk(DISCARD), *(out.chunk(chunk) for chunk in second), out.end()])
    said = [event["delta"]["text"] for event in events_in(after) if event.get("delta", {}).get("type") == "text_delta"]
    assert "".join(said) == "".join(chunk.text for chunk in second)
    opened = [event["index"] for event in events_in(before + after) if event["type"] == "content_block_start"]
    closed = [event["index"] for event in events_in(before + after) if event["type"] == "content_block_stop"]
    assert opened == sorted(closed) == list(range(len(opened)))
