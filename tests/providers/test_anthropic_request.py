"""Requests in OpenAI's form as Anthropic's: what each part becomes, and what is refused by its name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from paceline.providers import AdaptiveThinking, ThinkingBudgets
from paceline.providers.anthropic_request import NEUTRAL, Encoder
from paceline.providers.anthropic_thinking import Thinking
from paceline.router import Request
from paceline.router.errors import ConfigurationError, InvalidRequest, Unsupported

from .anthropic_server import Json, Reply, complete, mistake_in

PIXEL = "iVBORw0KGgo="
LOOK: Json = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
TOOL: Json = {"name": "look", "input_schema": {"type": "object", "properties": {}}}
CACHE = {"type": "ephemeral"}
REFUSED = (InvalidRequest, Unsupported)
USER = {"role": "user", "content": "hi"}


def body(
    messages: object = "hi",
    *,
    cap: int | None = None,
    stream: bool = True,
    thinks: Thinking | None = None,
    **params: Any,
) -> Json:
    given: Any = messages
    encoder = Encoder(max_tokens=500, thinking=thinks or AdaptiveThinking())
    return encoder.body(Request(messages=given, params=params, stream=stream), "m", cap)


def turns(*messages: Mapping[str, object]) -> list[tuple[str, Any]]:
    return [(turn["role"], turn["content"]) for turn in body(messages)["messages"]]


def parts(*content: Mapping[str, object]) -> list[Json]:
    """What the parts of a user's message become."""
    ((_, blocks),) = turns({"role": "user", "content": content})
    return blocks


def called(**fields: Any) -> Json:
    """An assistant's message with one call."""
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}, **fields}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def test_the_least_request_is_a_turn_and_a_cap() -> None:
    assert body(stream=False) == {
        "model": "m",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        "max_tokens": 500,
    }
    assert body()["stream"] is True


def test_it_goes_to_the_messages_api_with_its_version_and_key() -> None:
    answer, sent = complete(Reply(), max_tokens=50, user="u", metadata={"trace": "t"})
    assert answer.text == "Hello there"
    assert sent == {
        "model": "claude-of-the-tests",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "the secret of the prompt"}]}],
        "max_tokens": 50,
        "stream": True,
    }


def test_system_and_developer_messages_make_the_system_prompt_wherever_they_stand() -> None:
    said = body(
        [
            {"role": "system", "content": "one"},
            USER,
            {"role": "developer", "content": [{"type": "text", "text": "two", "cache_control": CACHE}]},
            {"role": "system", "content": ""},
        ]
    )
    assert said["system"] == [{"type": "text", "text": "one"}, {"type": "text", "text": "two", "cache_control": CACHE}]
    assert len(said["messages"]) == 1


def test_neighbours_of_one_role_are_one_turn() -> None:
    texts = [{"type": "text", "text": text} for text in "abcd"]
    assert turns(
        {"role": "user", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": "c"},
        {"role": "assistant", "content": ""},
        {"role": "user", "content": "d"},
    ) == [("user", texts[:2]), ("assistant", texts[2:3]), ("user", texts[3:])]


def test_a_last_message_of_the_assistant_is_what_the_answer_continues() -> None:
    assert turns(USER, {"role": "assistant", "content": "It is ("})[-1] == (
        "assistant",
        [{"type": "text", "text": "It is ("}],
    )


def test_calls_and_their_results_are_blocks_and_the_results_one_turn_with_what_follows() -> None:
    second = {
        "id": "call.2:0",
        "type": "function",
        "function": {"name": "now", "arguments": ""},
        "cache_control": CACHE,
    }
    calls = {"role": "assistant", "content": "Wait.", "tool_calls": [*called()["tool_calls"], second]}
    assert turns(
        USER,
        calls,
        {"role": "tool", "tool_call_id": "call_1", "content": "rain", "name": "look"},
        {"role": "tool", "tool_call_id": "call.2:0", "content": [{"type": "text", "text": "noon"}], "is_error": True},
        {"role": "tool", "tool_call_id": "call_3", "cache_control": CACHE},
        {"role": "user", "content": "so?"},
    )[1:] == [
        (
            "assistant",
            [
                {"type": "text", "text": "Wait."},
                {"type": "tool_use", "id": "call_1", "name": "look", "input": {"at": 1}},
                {"type": "tool_use", "id": "call_2_0", "name": "now", "input": {}, "cache_control": CACHE},
            ],
        ),
        (
            "user",
            [
                {"type": "tool_result", "tool_use_id": "call_1", "content": "rain"},
                {
                    "type": "tool_result",
                    "tool_use_id": "call_2_0",
                    "content": [{"type": "text", "text": "noon"}],
                    "is_error": True,
                },
                {"type": "tool_result", "tool_use_id": "call_3", "cache_control": CACHE},
                {"type": "text", "text": "so?"},
            ],
        ),
    ]


def test_sealed_thinking_stands_in_front_and_what_it_says_in_the_open_is_left_out() -> None:
    sealed = {"type": "thinking", "thinking": "hm", "signature": "s"}
    message: Json = {
        **called(),
        "thinking_blocks": (sealed,),
        "reasoning_content": "hm",
        "refusal": None,
        "annotations": [],
    }
    assert turns(USER, message)[1][1][0] == sealed


def test_what_an_assistant_refused_to_say_was_said() -> None:
    assert turns(USER, {"role": "assistant", "content": None, "refusal": "No."})[1][1] == [
        {"type": "text", "text": "No."}
    ]
    assert parts({"type": "refusal", "refusal": "No."}) == [{"type": "text", "text": "No."}]


def test_the_cache_control_of_a_message_is_on_its_last_block() -> None:
    ((_, blocks),) = turns(
        {
            "role": "user",
            "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
            "cache_control": CACHE,
        }
    )
    assert blocks == [{"type": "text", "text": "a"}, {"type": "text", "text": "b", "cache_control": CACHE}]


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("https://x/y.png", {"type": "url", "url": "https://x/y.png"}),
        ("HTTP://x/y.png", {"type": "url", "url": "HTTP://x/y.png"}),
        (f"data:image/png;base64,{PIXEL}", {"type": "base64", "media_type": "image/png", "data": PIXEL}),
        (f"data:image/JPG;name=a;base64,{PIXEL}", {"type": "base64", "media_type": "image/jpeg", "data": PIXEL}),
    ],
)
def test_images_are_sources(url: str, source: dict[str, str]) -> None:
    image = {"type": "image", "source": source}
    assert parts({"type": "image_url", "image_url": {"url": url, "detail": "high"}}) == [image]
    assert parts({"type": "image_url", "image_url": url, "cache_control": CACHE}) == [{**image, "cache_control": CACHE}]


def test_files_are_documents() -> None:
    file = {"file_data": f"data:application/pdf;base64,{PIXEL}", "filename": "a.pdf"}
    source = {"type": "base64", "media_type": "application/pdf", "data": PIXEL}
    assert parts({"type": "file", "file": file}, {"type": "file", "file": {"file_id": "file_1"}}) == [
        {"type": "document", "source": source, "title": "a.pdf"},
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
    ]


def test_blocks_of_anthropics_own_go_out_as_they_are() -> None:
    own = {"type": "search_result", "source": "x", "title": "t", "content": [{"type": "text", "text": "a"}]}
    assert parts(own, MappingProxyType({"type": "text", "text": "b"})) == [own, {"type": "text", "text": "b"}]


def test_tools_are_translated_and_those_of_anthropics_own_go_out_as_they_are() -> None:
    search = {"type": "web_search_20260318", "name": "web_search"}
    named: Json = {"name": "now", "description": "the time", "strict": True, "input_examples": [{}], "parameters": None}
    assert body(tools=[LOOK, {"type": "function", "function": named, "cache_control": CACHE}, search])["tools"] == [
        TOOL,
        {
            "name": "now",
            "description": "the time",
            "strict": True,
            "input_examples": [{}],
            "input_schema": {"type": "object", "properties": {}},
            "cache_control": CACHE,
        },
        search,
    ]
    assert "tools" not in body(tools=[])


@pytest.mark.parametrize(
    ("given", "parallel", "choice"),
    [
        ("auto", None, {"type": "auto"}),
        ("none", False, {"type": "none"}),
        ("required", True, {"type": "any"}),
        ("required", False, {"type": "any", "disable_parallel_tool_use": True}),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (None, True, None),
        ({"type": "function", "function": {"name": "look"}}, None, {"type": "tool", "name": "look"}),
        ({"type": "tool", "name": "look"}, None, {"type": "tool", "name": "look"}),
    ],
)
def test_the_choice_of_tools(given: object, parallel: object, choice: object) -> None:
    assert body(tools=[LOOK], tool_choice=given, parallel_tool_calls=parallel).get("tool_choice") == choice


def test_without_tools_there_is_nothing_to_call_in_parallel() -> None:
    assert "tool_choice" not in body(parallel_tool_calls=False)


@pytest.mark.parametrize(
    ("cap", "params", "sent"),
    [
        (None, {}, 500),
        (20, {}, 20),
        (20, {"max_tokens": 80}, 20),
        (20, {"max_completion_tokens": 8}, 8),
        (None, {"max_completion_tokens": 80}, 80),
        (None, {"max_tokens": 9, "max_completion_tokens": 80}, 9),
    ],
)
def test_the_cap_is_the_least_of_those_set_and_else_the_providers(cap: int | None, params: Json, sent: int) -> None:
    said = body(cap=cap, **params)
    assert said["max_tokens"] == sent
    assert "max_completion_tokens" not in said


def test_small_parameters_take_anthropics_names() -> None:
    said = body(stop="END", user="u1", service_tier="default", temperature=1.0, top_p=0.5, top_k=3)
    assert said["stop_sequences"] == ["END"]
    assert said["metadata"] == {"user_id": "u1"}
    assert said["service_tier"] == "standard_only"
    assert (said["temperature"], said["top_p"], said["top_k"]) == (1.0, 0.5, 3)
    assert not said.keys() & {"stop", "user"}
    assert body(stop=("a", "b"))["stop_sequences"] == ["a", "b"]
    assert body(safety_identifier="u", metadata={"user_id": "u"})["metadata"] == {"user_id": "u"}


def test_a_schema_for_the_answer_is_an_output_format() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    told = {"name": "answer", "strict": True, "schema": schema, "description": "what it is"}
    said = body(response_format={"type": "json_schema", "json_schema": told}, output_config={"effort": "low"})
    assert said["output_config"] == {
        "effort": "low",
        "format": {"type": "json_schema", "schema": {**schema, "description": "what it is"}},
    }
    assert "output_config" not in body(response_format={"type": "text"})


@pytest.mark.parametrize(
    ("effort", "sent"),
    [("minimal", "low"), ("low", "low"), ("medium", "medium"), ("high", "high"), ("xhigh", "xhigh"), ("max", "max")],
)
def test_reasoning_effort_is_the_effort_of_a_model_that_thinks_as_it_sees_fit(effort: str, sent: str) -> None:
    said = body(reasoning_effort=effort)
    assert said["thinking"] == {"type": "adaptive"}
    assert said["output_config"] == {"effort": sent}
    assert said["max_tokens"] == 500


def test_effort_goes_with_thinking_that_the_request_configures_itself() -> None:
    thinking = {"type": "adaptive", "display": "summarized"}
    said = body(reasoning_effort="high", thinking=thinking)
    assert said["thinking"] == thinking
    assert said["output_config"] == {"effort": "high"}


@pytest.mark.parametrize("thinking", [AdaptiveThinking(), ThinkingBudgets()])
def test_no_effort_is_no_thinking(thinking: Thinking) -> None:
    said = body(thinks=thinking, reasoning_effort="none")
    assert said["thinking"] == {"type": "disabled"}
    assert "output_config" not in said
    assert said["max_tokens"] == 500
    assert body(thinks=thinking, reasoning_effort="none", cap=20)["max_tokens"] == 20


@pytest.mark.parametrize(
    ("effort", "budget"),
    [("minimal", 1024), ("low", 2000), ("medium", 8192), ("high", 16384), ("xhigh", 32768), ("max", 32768)],
)
def test_reasoning_effort_is_a_budget_on_top_where_nobody_set_a_cap(effort: str, budget: int) -> None:
    said = body(thinks=ThinkingBudgets(low=2000), reasoning_effort=effort)
    assert said["thinking"] == {"type": "enabled", "budget_tokens": budget}
    assert said["max_tokens"] == 500 + budget
    assert mistake_in(said) is None


@pytest.mark.parametrize(("cap", "budget"), [(100_000, 16384), (10_000, 5000), (1500, 1024), (1025, 1024)])
def test_a_budget_gets_at_most_half_of_a_cap_that_was_set(cap: int, budget: int) -> None:
    said = body(thinks=ThinkingBudgets(), reasoning_effort="high", cap=cap)
    assert said["thinking"] == {"type": "enabled", "budget_tokens": budget}
    assert said["max_tokens"] == cap
    assert mistake_in(said) is None


def test_a_budget_that_cannot_work_is_refused_when_built() -> None:
    with pytest.raises(ConfigurationError, match="at least 1024"):
        ThinkingBudgets(low=1000)


@pytest.mark.parametrize("name", NEUTRAL)
def test_what_openai_has_and_anthropic_has_not_is_refused_by_its_name_unless_it_asks_for_nothing(name: str) -> None:
    values: tuple[Any, ...] = (None, *NEUTRAL[name])
    for nothing in values:
        assert body(**{name: nothing}) == body()
    something: Any = 7
    with pytest.raises(REFUSED, match=name):
        body(**{name: something})


def test_usage_comes_unasked() -> None:
    assert body(stream_options={"include_usage": True}) == body()


REFUSED_PARAMS: list[tuple[Json, str]] = [
    ({"model": "other", "stream": False}, "model, stream"),
    ({"messages": []}, "messages"),
    ({"temperature": 1.5}, "temperature"),
    ({"max_tokens": "9"}, "max_tokens"),
    ({"stop": 3}, "stop"),
    ({"stop": "a", "stop_sequences": ["b"]}, "stop_sequences"),
    ({"reasoning_effort": "huge"}, "reasoning_effort"),
    ({"reasoning_effort": "none", "thinking": {"type": "adaptive"}}, "thinking"),
    ({"reasoning_effort": "low", "output_config": {"effort": "low"}}, "reasoning_effort"),
    ({"response_format": {"type": "json_object"}}, "json_object"),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, r"json_schema\.schema"),
    ({"metadata": {"trace": "t"}}, "metadata"),
    ({"user": "a", "safety_identifier": "b"}, "safety_identifier"),
    ({"service_tier": "flex"}, "service_tier"),
    ({"tools": "look"}, "tools"),
    ({"tools": [LOOK, {"type": "custom", "custom": {"name": "x"}}]}, r"tools\[1\]"),
    ({"tools": [{"type": "function"}]}, r"tools\[0\]\.function"),
    ({"tools": [{"type": "function", "function": {}}]}, r"tools\[0\]\.function\.name"),
    ({"tool_choice": "any"}, "tool_choice"),
    ({"tool_choice": {"type": "allowed_tools"}}, "allowed_tools"),
]


@pytest.mark.parametrize(("params", "told"), REFUSED_PARAMS)
def test_a_parameter_that_cannot_be_sent_is_refused_by_its_name(params: Json, told: str) -> None:
    request = Request(messages="hi", params=params)
    with pytest.raises(REFUSED, match=told):
        Encoder(max_tokens=500, thinking=AdaptiveThinking()).body(request, "m", None)


def test_a_cap_without_room_for_thinking_is_refused() -> None:
    with pytest.raises(REFUSED, match="reasoning_effort"):
        body(thinks=ThinkingBudgets(), reasoning_effort="low", cap=1024)


REFUSED_MESSAGES: list[tuple[list[Json], str]] = [
    ([{"role": "system", "content": "only"}], "nothing to answer"),
    ([{"role": "function", "content": "x"}], r"messages\[0\]\.role"),
    ([{**USER, "name": "Ann"}], r"messages\[0\]\.name"),
    ([USER, {"role": "assistant", "content": "x", "audio": {"id": "a"}}], r"messages\[1\]\.audio"),
    ([USER, {"role": "assistant", "content": "x", "reasoning_content": "hm"}], "thinking_blocks, or not at all"),
    ([{"role": "system", "content": [{"type": "image", "source": {}}]}], "text alone"),
    ([{"role": "user", "content": 3}], r"messages\[0\]\.content"),
    ([{"role": "user", "content": ["hi"]}], r"content\[0\]"),
    ([{"role": "user", "content": [{"type": "input_audio"}]}], "input_audio"),
    ([{"role": "user", "content": [{"text": "hi"}]}], "type None"),
    ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "gs://x"}}]}], r"image_url\.url"),
    ([{"role": "user", "content": [{"type": "image_url", "image_url": "data:image/bmp;base64,x"}]}], "image/png"),
    (
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x", "detail": "low"}}]}],
        "detail",
    ),
    ([{"role": "user", "content": [{"type": "file", "file": {"file_data": "data:a/b;base64,x"}}]}], "file_data"),
    ([USER, called(type="custom")], r"tool_calls\[0\]\.type"),
    ([USER, called(id=None)], r"tool_calls\[0\]\.id"),
    ([USER, called(function={"name": "f", "arguments": "{half"})], r"function\.arguments"),
    ([USER, called(function={"name": "f", "arguments": "[1]"})], r"function\.arguments"),
    ([USER, called(function={"name": "f", "arguments": '"\ud800"'})], r"function\.arguments"),
    ([USER, {"role": "tool", "content": "x"}], "tool_call_id"),
]


@pytest.mark.parametrize(("messages", "told"), REFUSED_MESSAGES)
def test_a_message_that_cannot_be_sent_is_refused_by_its_place(messages: list[Json], told: str) -> None:
    with pytest.raises(REFUSED, match=told):
        body(messages)


@pytest.mark.parametrize(
    ("messages", "params", "kind"),
    [
        ([USER], {"seed": 1}, Unsupported),
        ([USER], {"response_format": {"type": "json_object"}}, Unsupported),
        ([{**USER, "name": "Ann"}], {}, Unsupported),
        ([USER], {"tools": "look"}, InvalidRequest),
        ([USER], {"stop": "a", "stop_sequences": ["b"]}, InvalidRequest),
        ([USER, called(id=None)], {}, InvalidRequest),
    ],
)
def test_what_another_vendor_may_take_is_told_from_a_mistake(
    messages: list[Json], params: Json, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        body(messages, **params)


def test_a_refusal_never_quotes_what_it_refuses() -> None:
    for content in ("data:text/html;base64,SECRET", "ftp://SECRET"):
        with pytest.raises(REFUSED) as refused:
            parts({"type": "image_url", "image_url": content})
        assert "SECRET" not in str(refused.value)
    with pytest.raises(REFUSED) as refused:
        turns(USER, called(function={"name": "f", "arguments": "SECRET"}))
    assert "SECRET" not in f"{refused.value!r}{refused.value.__cause__!r}{refused.value.__context__!r}"
