"""Bodies of Anthropic's form: what other vendors are asked with them, and what is refused, by its path."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from paceline.gateway.dialects import Anthropic
from paceline.router import Request
from paceline.router.errors import InvalidRequest

Json: TypeAlias = dict[str, Any]

HI = {"role": "user", "content": "hi"}
GIVEN: dict[str, Any] = {"model": "chat", "max_tokens": 50, "messages": [HI]}
PIXEL = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}


def read(**fields: Any) -> Request:
    return Anthropic().read(json.dumps({**GIVEN, **fields}).encode()).request


def messages(*turns: Any, **fields: Any) -> list[Any]:
    return [dict(message) for message in read(messages=turns or [HI], **fields).messages]


def says(*blocks: Any) -> Any:
    return {"role": "user", "content": list(blocks)}


def answers(*blocks: Any) -> Any:
    return {"role": "assistant", "content": list(blocks)}


def test_a_plain_body_asks_for_a_model_with_a_cap() -> None:
    asked = Anthropic().read(json.dumps(GIVEN).encode())
    assert not asked.streamed
    request = asked.request
    assert (request.model, request.max_tokens, request.stream, request.params) == ("chat", 50, False, {})
    assert messages() == [HI]


def test_a_stream_is_asked_of_the_vendor_too() -> None:
    asked = Anthropic().read(json.dumps({**GIVEN, "stream": True}).encode())
    assert asked.streamed
    assert asked.request.stream


@pytest.mark.parametrize("system", ["be brief", [{"type": "text", "text": "be brief"}]])
def test_a_system_prompt_is_the_first_message(system: object) -> None:
    assert messages(system=system) == [{"role": "system", "content": "be brief"}, HI]


@pytest.mark.parametrize("system", [None, "", []])
def test_an_empty_system_prompt_is_none(system: object) -> None:
    assert messages(system=system) == [HI]


def test_images_and_documents_are_parts_of_openais() -> None:
    blocks = (
        {"type": "text", "text": "see"},
        {"type": "image", "source": PIXEL},
        {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
        {"type": "document", "source": {**PIXEL, "media_type": "application/pdf"}, "title": "a.pdf"},
    )
    ((message),) = messages(says(*blocks))
    assert message["content"] == [
        {"type": "text", "text": "see"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
        {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,iVBORw0KGgo=", "filename": "a.pdf"}},
    ]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        {"type": "image", "source": {**PIXEL, "media_type": "image/bmp"}},
        {"type": "image", "source": {"type": "url", "url": "ftp://x/y.png"}},
        {"type": "image", "source": {**PIXEL, "data": 1}},
        {"type": "image", "source": {"type": "url", "url": 1}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "so"}},
        {"type": "document", "source": {**PIXEL, "media_type": "application/pdf", "data": 1}},
        {"type": "document", "source": {**PIXEL, "media_type": "application/pdf"}, "context": "mine"},
        {"type": "search_result", "source": "https://x", "title": "t", "content": []},
    ],
)
def test_a_block_that_openai_has_no_part_for_stays_as_it_is(block: object) -> None:
    assert messages(says(block)) == [{"role": "user", "content": [block]}]


def test_calls_and_results_are_messages_of_openais() -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": None}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "rain", "is_error": True}
    assert messages(
        HI, answers({"type": "text", "text": "Look:"}, use), says(result, {"type": "text", "text": "?"})
    ) == [
        HI,
        {
            "role": "assistant",
            "content": "Look:",
            "tool_calls": [
                {"id": "toolu_1", "type": "function", "function": {"name": "look", "arguments": '{"at":null}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "toolu_1", "content": "rain", "is_error": True},
        {"role": "user", "content": "?"},
    ]


def test_a_result_with_an_image_keeps_it() -> None:
    result = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "image", "source": PIXEL}]}
    (message,) = messages(says(result))
    assert message["content"][0]["type"] == "image_url"


def test_what_the_user_says_before_results_keeps_its_place() -> None:
    result = {"type": "tool_result", "tool_use_id": "t"}
    found = messages(says({"type": "text", "text": "first"}, result))
    assert [(message["role"], message["content"]) for message in found] == [("user", "first"), ("tool", "")]


def test_a_turn_in_an_unusual_order_is_several_messages() -> None:
    use: Json = {"type": "tool_use", "id": "t", "name": "look", "input": {}}
    found = messages(HI, answers(use, {"type": "text", "text": "done"}))
    assert [sorted(message) for message in found[1:]] == [["content", "role", "tool_calls"], ["content", "role"]]


def test_a_call_by_another_caller_than_the_model_stays_as_it_is() -> None:
    use = {"type": "tool_use", "id": "t", "name": "look", "input": {}, "caller": {"type": "code_execution_20250825"}}
    assert messages(HI, answers(use))[1]["content"] == [use]


def test_a_call_that_the_model_made_itself_is_a_plain_call() -> None:
    use = {"type": "tool_use", "id": "t", "name": "look", "input": {}, "caller": {"type": "direct"}}
    assert "tool_calls" in messages(HI, answers(use))[1]


def test_sealed_thinking_goes_along_and_unsealed_does_not() -> None:
    sealed = {"type": "thinking", "thinking": "hm", "signature": "s"}
    shown = {"type": "thinking", "thinking": "hm", "signature": ""}
    words = {"type": "text", "text": "Yes"}
    assert messages(HI, answers(sealed, words))[1]["thinking_blocks"] == [sealed]
    assert messages(HI, answers(shown, words))[1] == {"role": "assistant", "content": "Yes"}
    assert messages(HI, answers(shown)) == [HI]


def test_null_says_nothing() -> None:
    assert messages(says({"type": "text", "text": "hi", "citations": None}), temperature=None) == [HI]
    assert read(temperature=None, tools=None, stream=None).params == {}


def test_tools_are_functions() -> None:
    schema: Json = {"type": "object", "properties": {}}
    tool: Json = {"type": "custom", "name": "look", "description": "looks", "input_schema": schema}
    assert read(tools=[tool]).params["tools"] == [
        {"type": "function", "function": {"name": "look", "description": "looks", "parameters": schema}}
    ]


@pytest.mark.parametrize(
    ("choice", "params"),
    [
        ({"type": "auto"}, {"tool_choice": "auto"}),
        ({"type": "any"}, {"tool_choice": "required"}),
        ({"type": "none"}, {"tool_choice": "none"}),
        ({"type": "tool", "name": "f"}, {"tool_choice": {"type": "function", "function": {"name": "f"}}}),
        (
            {"type": "auto", "disable_parallel_tool_use": True},
            {"tool_choice": "auto", "parallel_tool_calls": False},
        ),
    ],
)
def test_a_choice_among_tools_is_openais(choice: object, params: object) -> None:
    assert read(tool_choice=choice).params == params


SCHEMA = {"type": "object"}
FORM = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}}


@pytest.mark.parametrize(
    ("fields", "params"),
    [
        ({"stop_sequences": ["a"]}, {"stop": ["a"]}),
        ({"stop_sequences": []}, {}),
        ({"tools": []}, {}),
        ({"service_tier": "standard_only"}, {"service_tier": "default"}),
        ({"metadata": {"user_id": "u"}}, {"user": "u"}),
        ({"metadata": {"user_id": None}}, {}),
        ({"thinking": {"type": "disabled"}}, {"reasoning_effort": "none"}),
        ({"thinking": {"type": "adaptive"}}, {"thinking": {"type": "adaptive"}}),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}, {"reasoning_effort": "low"}),
        ({"output_config": {"effort": "low"}}, {"output_config": {"effort": "low"}}),
        (
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low", "of": "theirs"}},
            {"reasoning_effort": "low", "output_config": {"of": "theirs"}},
        ),
        ({"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}, {"response_format": FORM}),
        ({"top_k": 5, "temperature": 1, "top_p": 0.5}, {"top_k": 5, "temperature": 1, "top_p": 0.5}),
    ],
)
def test_parameters_are_openais_where_it_has_them(fields: Any, params: object) -> None:
    assert read(**fields).params == params


def test_the_user_is_known_to_the_router() -> None:
    assert read(metadata={"user_id": "u"}).user == "u"


def with_block(block: object) -> Any:
    return {"messages": [{"role": "user", "content": [block]}]}


def with_use(**fields: object) -> Any:
    return {"messages": [HI, answers({"type": "tool_use", "id": "t", "name": "f", "input": {}, **fields})]}


WRONG: list[tuple[Any, str]] = [
    ({"model": None}, "model: Field required"),
    ({"model": 5}, "model: Input should be a string"),
    ({"model": ""}, "model: String should have at least 1"),
    ({"max_tokens": None}, "max_tokens: Field required"),
    ({"max_tokens": 0}, "max_tokens: Input"),
    ({"max_tokens": True}, "max_tokens: Input"),
    ({"max_tokens": "9"}, "max_tokens: Input"),
    ({"stream": 1}, "stream: Input should be a boolean"),
    ({"messages": None}, "messages: Field required"),
    ({"messages": []}, "messages: at least one message"),
    ({"messages": "hi"}, "messages: Input should be a list"),
    ({"messages": ["hi"]}, "messages.0: Input should be an object"),
    ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
    ({"messages": [{"content": "hi"}]}, "messages.0.role: Field required"),
    ({"messages": [{"role": "system", "content": "hi"}]}, "messages.0.role: Input should be"),
    ({"messages": [{"role": "user", "content": []}]}, "messages.0.content: content must not be empty"),
    ({"messages": [{"role": "user", "content": ""}]}, "messages.0.content.0.text: String should have"),
    ({"messages": [{"role": "user", "content": "hi", "name": "me"}]}, "messages.0.name: Extra inputs"),
    ({"messages": [answers({"type": "thinking", "thinking": "hm"})]}, "messages is empty"),
    (with_block("hi"), "messages.0.content.0: Input should be an object"),
    (with_block({"text": "hi"}), "messages.0.content.0.type: Field required"),
    (with_block({"type": "image_url", "image_url": {"url": "https://x"}}), "messages.0.content.0.type: .*'image_url'"),
    (with_block({"type": "tool_result"}), "messages.0.content.0.tool_use_id: Field required"),
    (with_use(id=None), "messages.1.content.0.id: Field required"),
    (with_use(name=7), "messages.1.content.0.name: Input should be a string"),
    (with_use(input=[]), "messages.1.content.0.input: Input should be an object"),
    ({"system": 5}, "system: Input should be a list"),
    ({"system": [{"type": "image", "source": PIXEL}]}, "system.0.type: a system prompt is text"),
    ({"n": 2}, "n: Extra inputs"),
    ({"stop": "a"}, "stop: Extra inputs"),
    ({"mcp_servers": []}, "mcp_servers: it is not to be had here"),
    ({"temperature": 1.5}, "temperature: Input should be a number from 0 to 1"),
    ({"top_p": "1"}, "top_p: Input"),
    ({"stop_sequences": "a"}, "stop_sequences: Input should be a list"),
    ({"stop_sequences": [1]}, "stop_sequences.0: Input should be a string"),
    ({"metadata": {"team": "a"}}, "metadata.team: Extra inputs"),
    ({"metadata": {"user_id": 1}}, "metadata.user_id: Input should be a string"),
    ({"service_tier": "priority"}, "service_tier: Input should be one of auto"),
    ({"service_tier": []}, "service_tier: Input should be one of auto"),
    ({"thinking": "yes"}, "thinking: Input should be an object"),
    ({"thinking": {}}, "thinking.type: Field required"),
    ({"output_config": {"format": {"type": "text"}}}, "output_config.format.type: Input should be"),
    ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema: Input should be"),
    ({"output_config": {"format": {"name": "a"}}}, "output_config.format.name: Extra inputs"),
    ({"tools": [{"name": "f"}]}, "tools.0.input_schema: Field required"),
    ({"tools": [{"name": "f", "input_schema": []}]}, "tools.0.input_schema: Input should be an object"),
    ({"tools": [{"input_schema": {}}]}, "tools.0.name: Field required"),
    ({"tools": [{"name": "f", "input_schema": {}, "parameters": {}}]}, "tools.0.parameters: Extra inputs"),
    ({"tools": [{"type": 5}]}, "tools.0.type: Input should be a string"),
    ({"tools": [{"type": "web_search_20250305", "name": "w"}]}, "tools.0.type: .*web_search_20250305"),
    ({"tool_choice": "auto"}, "tool_choice: Input should be an object"),
    ({"tool_choice": {"type": "all"}}, "tool_choice.type: Input should be one of auto, any, none, tool"),
    ({"tool_choice": {"type": "tool"}}, "tool_choice.name: Field required"),
    ({"tool_choice": {"type": "auto", "of": 1}}, "tool_choice.of: Extra inputs"),
    ({"tool_choice": {"type": "auto", "disable_parallel_tool_use": 1}}, "tool_choice.disable_parallel_tool_use: Input"),
]


@pytest.mark.parametrize(("fields", "told"), WRONG, ids=[told for _, told in WRONG])
def test_what_is_wrong_is_told_by_its_path(fields: Any, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        read(**fields)


def test_nothing_that_was_asked_is_quoted() -> None:
    with pytest.raises(InvalidRequest) as raised:
        read(messages=[{"role": "user", "content": [{"type": "text", "text": ["the secret"]}]}])
    assert "secret" not in str(raised.value)


anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
KINDS = st.sampled_from(["text", "image", "document", "tool_use", "tool_result", "thinking", "redacted_thinking"])
IN_BLOCKS = ("text", "source", "title", "id", "name", "input", "tool_use_id", "content", "signature", "is_error")
blocks = st.fixed_dictionaries({"type": KINDS | anything}, optional=dict.fromkeys(IN_BLOCKS, anything))
turns = st.fixed_dictionaries(
    {}, optional={"role": st.sampled_from(["user", "assistant"]) | anything, "content": st.lists(blocks) | anything}
)
FIELDS = (
    "system", "max_tokens", "stream", "tools", "tool_choice", "stop_sequences", "temperature", "thinking", "metadata",
    "service_tier", "output_config", "n", "user",
)  # fmt: skip
nearly = st.fixed_dictionaries(
    {"model": st.text(max_size=3) | anything},
    optional={"messages": st.lists(turns, max_size=3) | anything, **dict.fromkeys(FIELDS, anything)},
)


def is_read_or_refused(body: bytes) -> None:
    try:
        asked = Anthropic().read(body)
    except InvalidRequest:
        return
    assert asked.request.messages


@given(st.binary(max_size=60))
@example(b'{"model": "m", "messages": [{"role": "\xff"}]}')
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    is_read_or_refused(body)


@given(nearly)
def test_anything_that_is_nearly_a_request_is_read_or_refused(body: Any) -> None:
    is_read_or_refused(json.dumps({"max_tokens": 5, **body}).encode())
