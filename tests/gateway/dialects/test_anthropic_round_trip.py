"""What a client asks of Anthropic reaches Anthropic: through OpenAI's form and back, nothing is lost or changed."""

from __future__ import annotations

import json
from typing import Any, TypeAlias, cast

from hypothesis import given
from hypothesis import strategies as st

from paceline.gateway.dialects import Anthropic
from paceline.providers import AdaptiveThinking
from paceline.providers.anthropic_request import Encoder
from tests.providers.anthropic_server import Json, mistake_in

Jsons: TypeAlias = list[Json]

CACHE = {"type": "ephemeral"}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
SOURCES = (
    {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
    {"type": "url", "url": "https://example.com/a.png"},
    {"type": "file", "file_id": "file_1"},
)
DOCUMENTS = (
    PDF,
    {"type": "text", "media_type": "text/plain", "data": "so"},
    {"type": "url", "url": "https://example.com/a.pdf"},
)

said = st.text(min_size=1, max_size=12)
names = st.text("abcdefghij_", min_size=1, max_size=8)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | said,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2),
    max_leaves=4,
)
arguments: st.SearchStrategy[Json] = st.dictionaries(names, values, max_size=3)


def block(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """A block, cached to here or not."""
    cached = {"cache_control": st.just(CACHE)}
    return st.fixed_dictionaries({"type": st.just(kind), **fields}, optional=cached)


texts = block("text", text=said)
images = block("image", source=st.sampled_from(SOURCES))
documents = block("document", source=st.sampled_from(DOCUMENTS), title=said) | block(
    "document", source=st.sampled_from(DOCUMENTS), citations=st.just({"enabled": True})
)
thoughts: st.SearchStrategy[Json] = st.fixed_dictionaries(
    {"type": st.just("thinking"), "thinking": said, "signature": said}
) | st.fixed_dictionaries({"type": st.just("redacted_thinking"), "data": said})

user_content: st.SearchStrategy[Any] = said | st.lists(texts | images | documents, min_size=1, max_size=3)
assistant_content: st.SearchStrategy[Any] = said | st.lists(texts | thoughts, min_size=1, max_size=4)
results: st.SearchStrategy[Json] = st.fixed_dictionaries(
    {}, optional={"content": said | st.lists(texts | images, min_size=1, max_size=2), "is_error": st.booleans()}
)


def turn(role: str, content: object) -> Jsons:
    return [{"role": role, "content": content}]


@st.composite
def calls(draw: st.DrawFn) -> Jsons:
    """A turn of the assistant with calls of tools among what it thinks and says, and the results."""
    made = draw(st.lists(st.tuples(names, arguments), min_size=1, max_size=3))
    ids = [f"toolu_{draw(st.integers(0, 10**9))}_{place}" for place in range(len(made))]
    blocks: Jsons = [
        {"type": "tool_use", "id": call, "name": name, "input": given}
        for call, (name, given) in zip(ids, made, strict=True)
    ]
    for other in draw(st.lists(texts | thoughts, max_size=3)):
        blocks.insert(draw(st.integers(0, len(blocks))), other)
    answers: Jsons = [{"type": "tool_result", "tool_use_id": call, **draw(results)} for call in ids]
    return [*turn("assistant", blocks), *turn("user", [*answers, *draw(st.lists(texts, max_size=2))])]


conversations = st.lists(
    user_content.map(lambda content: turn("user", content))
    | assistant_content.map(lambda content: turn("assistant", content))
    | calls(),
    max_size=5,
).map(lambda turns: [message for several in turns for message in several])


def tool(name: str, **fields: Any) -> Json:
    return {"name": name, "input_schema": {"type": "object", "properties": {"at": {"type": "string"}}}, **fields}


tools = st.builds(
    tool,
    names,
    description=said,
    cache_control=st.just(CACHE),
    strict=st.booleans(),
    input_examples=st.just([{"at": "noon"}]),
) | st.just({"type": "bash_20250124", "name": "bash"})

SCHEMA = {"type": "json_schema", "schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}

OPTIONS: dict[str, st.SearchStrategy[Any]] = {
    "system": said | st.lists(texts, min_size=1, max_size=2),
    "temperature": st.floats(0, 1),
    "top_p": st.floats(0, 1),
    "top_k": st.integers(0, 500),
    "stop_sequences": st.lists(said, min_size=1, max_size=2),
    "metadata": names.map(lambda user: {"user_id": user}),
    "service_tier": st.sampled_from(["auto", "standard_only"]),
    "thinking": st.sampled_from(
        [
            {"type": "disabled"},
            {"type": "adaptive"},
            {"type": "adaptive", "display": "summarized"},
            {"type": "enabled", "budget_tokens": 1024},
        ]
    ),
    "output_config": st.fixed_dictionaries(
        {}, optional={"effort": st.sampled_from(["low", "medium", "high", "xhigh", "max"]), "format": st.just(SCHEMA)}
    ),
    "cache_control": st.just(CACHE),
    "inference_geo": st.just("eu"),
    "stream": st.booleans(),
}
choices = st.sampled_from(
    [
        {"type": "auto"},
        {"type": "auto", "disable_parallel_tool_use": True},
        {"type": "any", "disable_parallel_tool_use": False},
        {"type": "any"},
        {"type": "none"},
        {"type": "tool", "name": "look"},
    ]
)
NONE: Json = {}
toolboxes: st.SearchStrategy[Json] = st.just(NONE) | st.fixed_dictionaries(
    {"tools": st.lists(tools, min_size=1, max_size=2)}, optional={"tool_choice": choices}
)


@st.composite
def bodies(draw: st.DrawFn) -> Json:
    """A body that the API takes."""
    body: Json = {
        "model": "claude",
        "max_tokens": draw(st.integers(1025, 9999)),
        "messages": [*draw(conversations), *turn("user", "so?")],
        **draw(st.fixed_dictionaries({}, optional=OPTIONS)),
        **draw(toolboxes),
    }
    assert mistake_in(body) is None
    return body


def sent_on(body: Json) -> Json:
    """What Anthropic is asked when the gateway was asked *body*."""
    request = Anthropic().read(json.dumps(body).encode()).request
    return Encoder(max_tokens=7, thinking=AdaptiveThinking()).body(request, "claude", request.max_tokens)


@given(bodies())
def test_whatever_is_asked_arrives(body: Json) -> None:
    arrived = sent_on(body)
    assert mistake_in(arrived) is None
    assert plain(arrived) == plain(body)


def plain(body: Json) -> Json:
    """*body*, with what can be said in two ways said in one."""
    said = {name: value for name, value in body.items() if value not in ({}, [], False)}
    if "system" in said:
        said["system"] = plain_blocks(said["system"])
    said["messages"] = plain_turns(said["messages"])
    choice = said.get("tool_choice")
    if choice is not None and choice.get("disable_parallel_tool_use") is False:
        said["tool_choice"] = {"type": choice["type"]}
    return said


def plain_turns(messages: Jsons) -> Jsons:
    turns: Jsons = []
    for message in messages:
        blocks = plain_blocks(message["content"])
        if turns and turns[-1]["role"] == message["role"]:
            cast("Jsons", turns[-1]["content"]).extend(blocks)
        else:
            turns.append({"role": message["role"], "content": blocks})
    return turns


def plain_blocks(content: Any) -> Jsons:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    found: Jsons = [dict(one) for one in content]
    for one in found:
        if one["type"] == "tool_result":
            one["content"] = plain_blocks(one.get("content") or [])
            one["is_error"] = one.get("is_error", False)
    return found
