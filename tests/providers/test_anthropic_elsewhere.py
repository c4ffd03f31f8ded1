"""Anthropic beside other vendors: what it cannot do goes to one who can, and conversations go on across both."""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import Any

from paceline.policies import Fallback
from paceline.providers import Anthropic, AzureOpenAI, OpenAI, OpenAICompatible
from paceline.router import Answer, Endpoint, Route, Router

from .anthropic_server import Json, thinking
from .loopback import KEY, WHOLE, Vendor, asking, question, streams


def test_what_anthropic_cannot_express_is_answered_by_the_next_model() -> None:
    async def main() -> Answer:
        vendor = Vendor(streams(WHOLE))
        async with vendor.serving():
            base = vendor.url.removesuffix("/v1")
            claude = Endpoint(name="claude", provider=Anthropic(), model="claude", url=base, api_key=KEY)
            other = Endpoint(name="other", provider=OpenAICompatible(), model="other", url=vendor.url)
            routes = [Route(name="chat", models=["claude", "other"])]
            async with Router([claude, other], routes, policies=[Fallback()]) as router:
                return await router.complete(question(route="chat", model=None, params={"seed": 1}))

    answer = asyncio.run(main())
    assert (answer.text, answer.endpoint) == ("Hello there", "other")
    assert "seed cannot be sent to Anthropic" in answer.fallbacks[0].reason


def test_a_conversation_that_began_at_anthropics_goes_on_at_another_vendors() -> None:
    assistant: Json = {"role": "assistant", "content": "Yes.", "thinking_blocks": [thinking("hm")]}
    asks: Json = {"role": "user", "content": "so?"}

    async def main() -> Json:
        async with asking(streams(WHOLE)) as asked:
            await asked.complete(messages=[assistant, asks])
            return asked.vendor.bodies[0]

    assert asyncio.run(main())["messages"] == [{"role": "assistant", "content": "Yes."}, asks]


CACHE = {"type": "ephemeral"}
TOOL: Json = {"type": "function", "function": {"name": "look"}}
CALL: Json = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
SAID: list[Json] = [
    {"role": "user", "content": [{"type": "text", "text": "so?"}]},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c", "content": "rain"},
]
MARKED: list[Json] = [
    {"role": "user", "content": [{"type": "text", "text": "so?", "cache_control": CACHE}]},
    {"role": "assistant", "content": None, "tool_calls": [{**CALL, "cache_control": CACHE}]},
    {"role": "tool", "tool_call_id": "c", "content": "rain", "cache_control": CACHE, "is_error": True},
]
PARAMS: Json = {"tools": [TOOL]}
MARKED_PARAMS: Json = {"tools": [{**TOOL, "cache_control": CACHE}], "cache_control": CACHE}


def sent(provider: OpenAICompatible, messages: list[Any], **params: object) -> Json:
    """The body of a request."""

    async def main() -> Json:
        async with asking(streams(WHOLE), provider=provider) as asked:
            await asked.complete(messages=messages, params=params)
            return asked.vendor.bodies[0]

    return asyncio.run(main())


def test_marks_for_anthropics_cache_are_not_sent_to_openai() -> None:
    assert sent(OpenAI(), MARKED, **MARKED_PARAMS) == sent(OpenAI(), SAID, **PARAMS)
    assert AzureOpenAI.hints == OpenAI.hints


def test_others_get_the_marks_as_they_are() -> None:
    body = sent(OpenAICompatible(), MARKED, **MARKED_PARAMS)
    unfailed = {name: value for name, value in MARKED[2].items() if name != "is_error"}
    assert body["messages"] == [*MARKED[:2], unfailed]
    assert {name: body[name] for name in MARKED_PARAMS} == MARKED_PARAMS


def test_marks_are_found_in_any_mapping_and_what_is_none_is_left_as_it_is() -> None:
    parts = (MappingProxyType({"type": "text", "text": "so?", "cache_control": CACHE}), "odd")
    message = MappingProxyType({"role": "user", "content": parts})
    body = sent(OpenAI(), [message], tools=[MappingProxyType(MARKED_PARAMS["tools"][0]), "odd"])
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "so?"}, "odd"]}]
    assert body["tools"] == [TOOL, "odd"]


def test_tools_that_are_no_list_are_the_vendors_to_refuse() -> None:
    assert sent(OpenAI(), SAID, tools="odd")["tools"] == "odd"
