"""What is passed on as it came, what is made anew, and what both make together."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from paceline.gateway.dialects.openai import OpenAI
from paceline.gateway.dialects.openai_stream import OpenAIWriter, is_frame
from paceline.router import ChoiceDelta, Chunk, ToolCallDelta, Usage
from paceline.router.errors import StreamInterrupted

BODY: dict[str, Any] = {"model": "chat", "messages": [{"role": "user", "content": "x"}], "stream": True}
FRAME = b'{"id":"c1","created":7,"model":"m-1","choices":[{"index":0,"delta":{"content":"hi"}}],"extra":[1]}'


def writer(*, usage: bool = False) -> OpenAIWriter:
    body = {**BODY, "stream_options": {"include_usage": True}} if usage else BODY
    dialect = OpenAI(new_id=lambda: "ours", now=lambda: 42)
    return dialect.writer(dialect.read(msgspec.json.encode(body)))


def said(data: bytes) -> list[Any]:
    """The frames in *data*, decoded."""
    return [msgspec.json.decode(event.removeprefix(b"data: ")) for event in data.split(b"\n\n") if event]


def test_a_vendors_frame_is_passed_on_byte_for_byte() -> None:
    assert writer().chunk(Chunk("hi", raw=FRAME)) == b"data: " + FRAME + b"\n\n"


def test_json_on_several_lines_stays_one_event() -> None:
    lines = FRAME.replace(b",", b",\n")

    sent = writer().chunk(Chunk("hi", raw=lines))

    assert sent.count(b"\n\n") == 1
    told = b"\n".join(line.removeprefix(b"data: ") for line in sent.strip().split(b"\n"))
    assert msgspec.json.decode(told) == msgspec.json.decode(FRAME)


@pytest.mark.parametrize(
    ("raw", "is_one"),
    [
        (FRAME, True),
        (b'{"choices":[]}', True),
        (b'{"choices":[{"index":0,"content_filter_offsets":{}}]}', True),
        (b'{"choices":[{"message":{"content":"hi"}}]}', False),
        (b'{"choices":[{"delta":{"content":"\\"message\\""}}]}', True),
        (b'{"type":"content_block_delta"}', False),
        (b"", False),
    ],
)
def test_a_frame_of_openais_form_is_told_from_others(raw: bytes, is_one: bool) -> None:  # noqa: FBT001
    assert is_frame(raw) is is_one


def test_a_chunk_of_no_form_becomes_a_frame_after_one_that_names_the_role() -> None:
    first, second = said(writer().chunk(Chunk("hi")))

    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert second["choices"][0]["delta"] == {"content": "hi"}
    assert (second["id"], second["created"], second["model"]) == ("ours", 42, "chat")
    assert "usage" not in second


def test_a_frame_made_among_a_vendors_own_is_called_as_they_are() -> None:
    out = writer()
    out.chunk(Chunk("hi", raw=FRAME))

    (made,) = said(out.chunk(Chunk(" there")))

    assert (made["id"], made["created"], made["model"]) == ("c1", 7, "m-1")
    assert made["choices"][0]["delta"] == {"content": " there"}


def test_who_speaks_is_named_where_that_is_known() -> None:
    out = writer()
    out.introduce("m-2", "priority")

    frame = said(out.chunk(Chunk("hi")))[-1]

    assert (frame["model"], frame["service_tier"]) == ("m-2", "priority")


def test_usage_is_told_at_the_end_to_those_who_asked() -> None:
    out = writer(usage=True)
    frames = said(out.chunk(Chunk("hi", usage=Usage(input_tokens=9, output_tokens=1))))
    frames += said(
        out.chunk(Chunk(finish_reason="stop", usage=Usage(input_tokens=9, output_tokens=2, cached_tokens=4)))
    )
    last, done = out.end().strip().split(b"\n\n")

    assert [frame["usage"] for frame in frames] == [None] * 3
    told = msgspec.json.decode(last.removeprefix(b"data: "))
    assert told["choices"] == []
    assert told["usage"] == {
        "prompt_tokens": 9,
        "completion_tokens": 2,
        "total_tokens": 11,
        "prompt_tokens_details": {"cached_tokens": 4},
    }
    assert done == b"data: [DONE]"


def test_usage_that_nobody_told_is_null_and_not_zero() -> None:
    assert said(writer(usage=True).end().replace(b"data: [DONE]\n\n", b""))[0]["usage"] is None


def test_usage_that_the_vendor_told_is_told_once() -> None:
    out = writer(usage=True)
    raw = b'{"choices":[],"usage":{"prompt_tokens":1}}'

    assert out.chunk(Chunk(usage=Usage(input_tokens=1), raw=raw)) == b"data: " + raw + b"\n\n"
    assert out.end() == b"data: [DONE]\n\n"


def test_usage_is_taken_out_of_frames_for_those_who_did_not_ask() -> None:
    out, usage = writer(), Usage(input_tokens=1)
    raw = b'{"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop","usage":{"a":1}}],"usage":{"b":2},"x":3}'

    (frame,) = said(out.chunk(Chunk(finish_reason="stop", usage=usage, raw=raw)))

    assert frame == {"id": "c1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "x": 3}
    assert out.chunk(Chunk(usage=usage, raw=b'{"choices":[],"usage":{"prompt_tokens":1}}')) == b""


def test_a_frame_that_our_reader_cannot_open_is_the_vendors_to_answer_for() -> None:
    raw = b'{"choices":[{"index":0,"delta":{"content":"\xff"}}],"usage":{}}'

    assert writer().chunk(Chunk("x", usage=Usage(input_tokens=1), raw=raw)) == b"data: " + raw + b"\n\n"


def test_tool_calls_of_each_kind_keep_it_through_their_fragments() -> None:
    out = writer()
    calls = (
        ToolCallDelta(index=0, id="a", name="look", arguments="", type="function"),
        ToolCallDelta(index=1, id="b", name="write", arguments="S", type="custom"),
    )
    first = said(out.chunk(Chunk(tool_calls=calls)))[-1]["choices"][0]["delta"]["tool_calls"]
    more = (ToolCallDelta(index=0, arguments="{}"), ToolCallDelta(index=1, arguments="QL"))
    second = said(out.chunk(Chunk(tool_calls=more)))[0]["choices"][0]["delta"]["tool_calls"]

    assert first == [
        {"index": 0, "id": "a", "type": "function", "function": {"name": "look", "arguments": ""}},
        {"index": 1, "id": "b", "type": "custom", "custom": {"name": "write", "input": "S"}},
    ]
    assert second == [
        {"index": 0, "function": {"arguments": "{}"}},
        {"index": 1, "custom": {"input": "QL"}},
    ]


def test_the_old_function_call_keeps_its_form() -> None:
    out = writer()
    out.chunk(Chunk(tool_calls=(ToolCallDelta(index=0, name="look", arguments="{", type="function_call"),)))

    (frame,) = said(out.chunk(Chunk(tool_calls=(ToolCallDelta(index=0, arguments="}"),))))

    assert frame["choices"][0]["delta"] == {"function_call": {"arguments": "}"}}


def test_reasoning_goes_where_clients_look_for_it_and_sealed_as_it_must_go_back() -> None:
    block = {"type": "thinking", "thinking": "hm", "signature": "s"}

    frame = said(writer().chunk(Chunk(reasoning="hm", thinking_blocks=(block,))))[-1]

    assert frame["choices"][0]["delta"] == {"reasoning_content": "hm", "thinking_blocks": [block]}


def test_several_answers_are_told_apart() -> None:
    out = writer()
    other = ChoiceDelta(index=1, text="b", finish_reason="length")

    frame = said(out.chunk(Chunk("a", finish_reason="stop", others=(other,))))[-1]

    assert [(choice["index"], choice["delta"], choice["finish_reason"]) for choice in frame["choices"]] == [
        (0, {"content": "a"}, "stop"),
        (1, {"content": "b"}, "length"),
    ]


def test_a_chunk_that_says_nothing_is_not_sent() -> None:
    assert writer().chunk(Chunk()) == b""


def test_a_whole_answer_becomes_frames_where_a_stream_was_asked_for() -> None:
    raw = b'{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}'

    role, frame = said(writer().chunk(Chunk("hi", finish_reason="stop", raw=raw)))

    assert role["object"] == "chat.completion.chunk"
    assert frame["choices"][0]["delta"] == {"content": "hi"}
    assert frame["choices"][0]["finish_reason"] == "stop"


def test_what_broke_off_ends_in_an_error_and_no_marker() -> None:
    data = writer().broken(StreamInterrupted("it broke", delivered=5))

    assert said(data)[0]["error"]["code"] == "stream_interrupted"
