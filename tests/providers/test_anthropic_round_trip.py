"""Any conversation in OpenAI's form is one that Anthropic takes, and nothing that was said in it is lost on the way."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any, TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from paceline.providers import AdaptiveThinking
from paceline.providers.anthropic_request import Encoder
from paceline.router import Request

from .anthropic_server import Json, mistake_in

Messages: TypeAlias = list[Json]


def text_part(text: str) -> Json:
    return {"type": "text", "text": text}


def image_part(url: str) -> Json:
    return {"type": "image_url", "image_url": {"url": url}}


def sealed(text: str) -> Json:
    return {"type": "thinking", "thinking": text, "signature": "s"}


def function(name: str) -> Json:
    return {"type": "function", "function": {"name": name}}


def message(role: str, content: object) -> Messages:
    return [{"role": role, "content": content}]


def joined(turns: list[Messages]) -> Messages:
    return [said for turn in turns for said in turn]


said = st.text(min_size=1, max_size=12)
names = st.text("abcdefghij_", min_size=1, max_size=8)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | said,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2),
    max_leaves=4,
)
arguments: st.SearchStrategy[Json] = st.dictionaries(names, values, max_size=3)
texts = said.map(text_part)
images = st.sampled_from(["https://x/y.png", "data:image/png;base64,iVBORw0KGgo="]).map(image_part)
content: st.SearchStrategy[Any] = said | st.lists(texts, min_size=1, max_size=3)
seen: st.SearchStrategy[Any] = said | st.lists(texts | images, min_size=1, max_size=3)

system = st.builds(message, st.sampled_from(["system", "developer"]), content)
user = st.builds(message, st.just("user"), seen)
assistant = st.builds(message, st.just("assistant"), content)


@st.composite
def calls(draw: st.DrawFn) -> Messages:
    """An assistant's message with calls of tools, and their results."""
    made = draw(st.lists(st.tuples(names, arguments), min_size=1, max_size=3))
    ids = [f"call_{draw(st.integers(0, 10**9))}_{place}" for place in range(len(made))]
    tool_calls = [
        {"id": call, "type": "function", "function": {"name": name, "arguments": json.dumps(given)}}
        for call, (name, given) in zip(ids, made, strict=True)
    ]
    asked: Json = {"role": "assistant", "content": draw(st.none() | content), "tool_calls": tool_calls}
    if draw(st.booleans()):
        asked["thinking_blocks"] = [sealed(draw(said))]
    return [asked, *({"role": "tool", "tool_call_id": call, "content": draw(content)} for call in ids)]


conversations = st.lists(system | user | assistant | calls(), max_size=6).map(joined)

OPTIONS: dict[str, st.SearchStrategy[Any]] = {
    "temperature": st.floats(0, 1),
    "stop": said | st.lists(said, max_size=2),
    "user": names,
    "reasoning_effort": st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh"]),
    "parallel_tool_calls": st.booleans(),
    "max_completion_tokens": st.integers(1, 9999),
    "tools": st.lists(names.map(function), min_size=1, max_size=2),
    "response_format": st.just({"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}),
    "seed": st.none(),
    "n": st.just(1),
}
parameters: st.SearchStrategy[Json] = st.fixed_dictionaries({}, optional=OPTIONS)


def body_of(messages: Messages, params: Json) -> Json:
    asks: Json = {"role": "user", "content": "so?"}
    request = Request(messages=[*messages, asks], params=params)
    return Encoder(max_tokens=500, thinking=AdaptiveThinking()).body(request, "m", None)


@given(conversations, parameters)
def test_whatever_is_asked_in_openais_form_is_taken_in_anthropics(messages: Messages, params: Json) -> None:
    assert mistake_in(body_of(messages, params)) is None


@given(conversations)
def test_nothing_that_was_said_is_lost_or_out_of_order(messages: Messages) -> None:
    body = body_of(messages, {})
    blocks = [block for turn in body["messages"] for block in turn["content"]]
    texts = [block["text"] for block in blocks if block["type"] == "text"]
    assert texts == [*_texts(messages, {"user", "assistant"}), "so?"]
    assert [block["text"] for block in body.get("system", ())] == _texts(messages, {"system", "developer"})
    functions = [call["function"] for message in messages for call in message.get("tool_calls", ())]
    assert [(block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"] == [
        (function["name"], json.loads(function["arguments"])) for function in functions
    ]
    thoughts = [block for message in messages for block in message.get("thinking_blocks", ())]
    assert [block for block in blocks if block["type"] == "thinking"] == thoughts


@given(conversations)
def test_turns_alternate(messages: Messages) -> None:
    roles = [turn["role"] for turn in body_of(messages, {})["messages"]]
    assert all(one != other for one, other in pairwise(roles))


def _texts(messages: Messages, roles: set[str]) -> list[str]:
    found: list[str] = []
    for message in messages:
        content: Any = message.get("content")
        if message["role"] in roles and content is not None:
            found += [content] if isinstance(content, str) else [part["text"] for part in content if "text" in part]
    return found
