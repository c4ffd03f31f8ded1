"""Parameters in OpenAI's form as Anthropic's: what each becomes, and what is refused by its name."""

from __future__ import annotations

from typing import Any

import pytest

from paceline.providers import AdaptiveThinking, ThinkingBudgets
from paceline.providers.anthropic_request import NEUTRAL, Encoder
from paceline.providers.anthropic_thinking import Thinking
from paceline.router import Request
from paceline.router.errors import ConfigurationError, InvalidRequest, Unsupported

from .anthropic_asked import CACHE, LOOK, REFUSED, TOOL, USER, body, called
from .anthropic_server import Json, Reply, complete, mistake_in


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
