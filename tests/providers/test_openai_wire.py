"""The wire format, with all that vendors leave out of it or add to it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.providers.openai_chunk import CallNumbers, chunk_of
from paceline.providers.openai_wire import decode_frame
from paceline.router import Chunk, ToolCallDelta, Usage


def read(said: object) -> Chunk:
    return chunk_of(decode_frame(msgspec.json.encode(said)))


def choice(**fields: object) -> dict[str, object]:
    return {"choices": [{"index": 0, **fields}]}


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"choices": None, "usage": None, "model": None, "error": None},
        {"choices": [], "prompt_filter_results": [{"prompt_index": 0}], "id": "", "model": ""},
        {"choices": [{"index": 0, "content_filter_offsets": {"start_offset": 1}, "finish_reason": None}]},
        choice(delta=None, finish_reason=None),
        choice(delta={}),
        choice(delta={"role": "assistant", "content": "", "tool_calls": None, "function_call": None}),
        choice(delta={"content": None, "reasoning": None, "refusal": None, "tool_calls": []}),
        choice(delta={"content": ""}, finish_reason=""),
        {"choices": [{"index": 1, "delta": {"content": "another answer"}}]},
        {"usage": {}},
    ],
)
def test_frames_that_say_nothing(said: object) -> None:
    assert read(said) == Chunk()


@pytest.mark.parametrize(
    ("delta", "chunk"),
    [
        ({"content": "Hi"}, Chunk("Hi")),
        ({"reasoning_content": "hm"}, Chunk(reasoning="hm")),
        ({"reasoning": "hm"}, Chunk(reasoning="hm")),
        ({"refusal": "no"}, Chunk(refusal="no")),
        ({"content": "Hi", "obfuscation": "xx", "audio": {"id": 1}}, Chunk("Hi")),
        (
            {"tool_calls": [{"index": 2, "id": "t", "type": "function", "function": {"name": "f", "arguments": "{"}}]},
            Chunk(tool_calls=(ToolCallDelta(index=2, id="t", name="f", arguments="{", type="function"),)),
        ),
        (
            {"tool_calls": [{"id": "", "function": {"name": None}}, {"function": {"arguments": "}"}}, {}]},
            Chunk(
                tool_calls=(ToolCallDelta(index=0), ToolCallDelta(index=1, arguments="}"), ToolCallDelta(index=2)),
            ),
        ),
        (
            {"tool_calls": [{"index": 0, "id": "t", "type": "custom", "custom": {"name": "f", "input": "SELECT"}}]},
            Chunk(tool_calls=(ToolCallDelta(index=0, id="t", name="f", arguments="SELECT", type="custom"),)),
        ),
        (
            {"reasoning_details": [{"type": "reasoning.summary", "summary": "hm"}, {"text": ", so"}, {"data": "x"}]},
            Chunk(reasoning="hm, so"),
        ),
        (
            {"function_call": {"name": "f", "arguments": "{}"}},
            Chunk(tool_calls=(ToolCallDelta(index=0, name="f", arguments="{}", type="function_call"),)),
        ),
    ],
)
@pytest.mark.parametrize("form", ["delta", "message"])
def test_what_a_frame_says(form: str, delta: dict[str, object], chunk: Chunk) -> None:
    assert read(choice(**{form: delta})) == chunk


NAMELESS: dict[str, object] = {}


@pytest.mark.parametrize(
    ("frames", "indexes"),
    [
        ([[{"id": "a"}], [{"id": "b"}]], [[0], [1]]),
        ([[{"id": "a"}], [NAMELESS], [{"id": "b"}], [NAMELESS]], [[0], [0], [1], [1]]),
        ([[{"id": "a"}], [{"id": "b"}], [{"id": "a"}], [NAMELESS]], [[0], [1], [0], [1]]),
        ([[{"function": {"name": "f"}}], [{"function": {"arguments": "{}"}}]], [[0], [0]]),
        ([[{"function": {"name": "f"}}], [{"function": {"name": "g"}}]], [[0], [1]]),
        ([[{"custom": {"name": "f"}}], [{"custom": {"input": "x"}}]], [[0], [0]]),
        ([[{"id": "a"}, {"id": "b"}], [NAMELESS, NAMELESS]], [[0, 1], [0, 1]]),
        ([[{"index": 3, "id": "a"}], [{"id": "a"}], [{"id": "b"}]], [[3], [3], [4]]),
        ([[NAMELESS]], [[0]]),
    ],
)
def test_calls_without_an_index_are_numbered(frames: list[list[dict[str, object]]], indexes: list[list[int]]) -> None:
    numbers = CallNumbers()
    chunks = [
        chunk_of(decode_frame(msgspec.json.encode(choice(delta={"tool_calls": calls}))), b"", numbers)
        for calls in frames
    ]
    assert [[delta.index for delta in chunk.tool_calls] for chunk in chunks] == indexes


def test_a_finish_reason_counts_without_a_delta() -> None:
    assert read(choice(finish_reason="content_filter")) == Chunk(finish_reason="content_filter")


def test_the_first_answer_is_the_one_of_index_0_wherever_it_stands() -> None:
    said = {"choices": [{"index": 1, "delta": {"content": "b"}}, {"index": 0, "delta": {"content": "a"}}]}
    assert read(said).text == "a"


def test_usage_with_and_without_its_details() -> None:
    assert read({"usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}}).usage == Usage(
        input_tokens=9, output_tokens=2
    )
    details = {"prompt_tokens_details": {"cached_tokens": 8}, "completion_tokens_details": {"reasoning_tokens": 1}}
    assert read({"usage": {"prompt_tokens": 9, "completion_tokens": 2, **details}}).usage == Usage(
        input_tokens=9, output_tokens=2, cached_tokens=8, reasoning_tokens=1
    )


json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["choices", "usage", "error", "model", "id"]), json))
def test_any_json_is_a_chunk_or_a_decoding_error(said: dict[str, object]) -> None:
    try:
        frame = decode_frame(msgspec.json.encode(said))
    except msgspec.DecodeError:
        return
    assert isinstance(chunk_of(frame), Chunk)
