"""`OpenAI` against OpenAI's own SDK: the same server, the same bytes, the same answer."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest

from paceline.providers import OpenAI
from paceline.router import Endpoint
from paceline.router.errors import AuthenticationFailed, NotFound

from .vendors.asking import MESSAGES, answer_of, asked_by_sdk, asked_by_us, routed, sdk
from .vendors.openai_server import OpenAIServer
from .vendors.scene import FIND, LOOK, MODEL, PARALLEL, PLAIN, SCENES, WRITE, Scene
from .vendors.told import by_sdk_whole

WRONG_KEY = "sk-live-wrong-0123456789"

streamed_or_not = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])


@streamed_or_not
@pytest.mark.parametrize("logprobs", [False, True], ids=["", "with logprobs"])
@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_an_answer_is_what_the_sdk_makes_of_it(scene: Scene, *, logprobs: bool, stream: bool) -> None:
    params: dict[str, Any] = {"n": len(scene.says)} if len(scene.says) > 1 else {}
    if logprobs:
        params |= {"logprobs": True, "top_logprobs": 2}

    async def main() -> None:
        server = OpenAIServer(scene)
        async with server.serving():
            theirs = await asked_by_sdk(sdk(f"{server.url}/v1"), stream=stream, **params)
            ours = await asked_by_us(OpenAI(), f"{server.url}/v1", stream=stream, **params)
        assert ours == theirs
        assert server.asked[0] == server.asked[1]
        for told, said in zip(ours.answers.values(), scene.says, strict=True):
            assert told.text == "".join(said.text)
            assert told.finish == said.finish
            assert len(told.calls) == len(said.calls) + bool(said.function_call)
            assert (told.content is not None) == (logprobs and bool(said.text))

    asyncio.run(main())


@pytest.mark.parametrize("scene", [PLAIN, PARALLEL, Scene(says=(*PARALLEL.says, *PLAIN.says))])
def test_an_answer_is_what_the_sdks_own_collector_makes_of_it(scene: Scene) -> None:
    n = len(scene.says)

    async def main() -> None:
        server = OpenAIServer(scene)
        async with server.serving(), sdk(f"{server.url}/v1") as client:
            stream = client.chat.completions.stream(model=MODEL, messages=MESSAGES, n=n, logprobs=True)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
            async with stream as events:
                async for _ in events:
                    pass
                theirs = by_sdk_whole(await events.get_final_completion())
            ours = await asked_by_us(OpenAI(), f"{server.url}/v1", stream=True, n=n, logprobs=True)
        assert ours.answers == theirs.answers

    asyncio.run(main())


LOOK_UP: dict[str, object] = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}
PARAMS: dict[str, dict[str, Any]] = {
    "sampling": {"temperature": 0, "top_p": 0.5, "seed": 7, "stop": ["\n", "END"], "presence_penalty": -1.5},
    "tools": {"tools": [LOOK_UP], "tool_choice": {"type": "function", "function": {"name": "look"}}},
    "no tools at the same time": {"tools": [LOOK_UP], "parallel_tool_calls": False, "tool_choice": "required"},
    "JSON mode": {"response_format": {"type": "json_object"}},
    "a schema": {
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": {}}}
    },
    "reasoning": {"reasoning_effort": "low", "max_completion_tokens": 50, "verbosity": "low"},
    "service": {"service_tier": "flex", "store": False, "metadata": {"team": "blue"}, "user": "u-1"},
    "bias": {"logit_bias": {"50256": -100}, "logprobs": True, "top_logprobs": 3},
}
IMAGE: list[dict[str, object]] = [
    {"role": "developer", "content": "be brief"},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "What is it?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}},
            {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
            {"type": "file", "file": {"file_id": "file-1"}},
        ],
    },
    {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f"}}]},
    {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "42"}]},
]


@streamed_or_not
@pytest.mark.parametrize("params", PARAMS.values(), ids=PARAMS)
def test_a_request_is_what_the_sdk_makes_of_it(params: dict[str, Any], *, stream: bool) -> None:
    async def main() -> None:
        server = OpenAIServer(PLAIN)
        async with server.serving():
            await asked_by_sdk(sdk(f"{server.url}/v1"), stream=stream, **params)
            await asked_by_us(OpenAI(), f"{server.url}/v1", stream=stream, **params)
        assert server.asked[0] == server.asked[1]

    asyncio.run(main())


def test_content_in_parts_and_messages_of_every_role_go_as_they_are() -> None:
    async def main() -> None:
        server = OpenAIServer(PLAIN)
        async with server.serving(), routed(OpenAI(), f"{server.url}/v1") as router:
            await answer_of(router, stream=True, messages=IMAGE)
        assert server.asked[0]["messages"] == IMAGE

    asyncio.run(main())


def test_parameters_of_tomorrow_go_as_they_are() -> None:
    params = {"top_k": 40, "chat_template_kwargs": {"enable_thinking": False}, "provider": {"order": ["a"]}}

    async def main() -> None:
        server = OpenAIServer(PLAIN)
        async with server.serving():
            await asked_by_sdk(sdk(f"{server.url}/v1"), stream=True, extra_body=params)
            await asked_by_us(OpenAI(), f"{server.url}/v1", stream=True, **params)
        assert server.asked[0] == server.asked[1]

    asyncio.run(main())


def test_the_cap_has_the_name_that_reasoning_models_insist_on() -> None:
    async def main() -> None:
        server = OpenAIServer(PLAIN)
        async with server.serving(), routed(OpenAI(), f"{server.url}/v1") as router:
            await answer_of(router, stream=True, max_tokens=9)
        assert server.asked[0]["max_completion_tokens"] == 9
        assert "max_tokens" not in server.asked[0]

    asyncio.run(main())


def test_an_answer_goes_back_as_a_message_of_the_conversation() -> None:
    async def main() -> list[dict[str, object]]:
        server = OpenAIServer(SCENES["three answers"])
        async with server.serving(), routed(OpenAI(), f"{server.url}/v1") as router:
            answer = await answer_of(router, stream=True, params={"n": 3})
            return [answer.message(), *(other.message() for other in answer.others)]

    heads, tails, calls = asyncio.run(main())
    assert heads == {"role": "assistant", "content": "Heads"}
    assert tails == {"role": "assistant", "content": "Tails!"}
    assert calls == {"role": "assistant", "content": None, "tool_calls": [LOOK.whole(), FIND.whole()]}


@pytest.mark.parametrize(
    ("scene", "message"),
    [
        ("a custom tool", {"content": None, "tool_calls": [WRITE.whole(), FIND.whole()]}),
        ("a refusal", {"content": None, "refusal": "I cannot."}),
        (
            "the old function call",
            {"content": None, "function_call": {"name": "look", "arguments": '{"city": "Kiel"}'}},
        ),
    ],
)
def test_every_kind_of_answer_goes_back_as_a_message(scene: str, message: dict[str, object]) -> None:
    async def main() -> dict[str, object]:
        server = OpenAIServer(SCENES[scene])
        async with server.serving(), routed(OpenAI(), f"{server.url}/v1") as router:
            return (await answer_of(router, stream=True)).message()

    assert asyncio.run(main()) == {"role": "assistant", **message}


def test_openais_url_is_the_default() -> None:
    endpoint = Endpoint(name="e", provider=OpenAI(), model="m")
    assert str(OpenAI()._address(endpoint, None).url) == "https://api.openai.com/v1/chat/completions"
    assert OpenAI(url="https://us.api.openai.com/v1") != OpenAI()


def test_a_wrong_key_and_a_wrong_model_are_told_in_the_vendors_words_without_the_key() -> None:
    async def main() -> None:
        server = OpenAIServer(PLAIN)
        async with server.serving():
            async with routed(OpenAI(), f"{server.url}/v1", api_key=WRONG_KEY) as router:
                with pytest.raises(AuthenticationFailed, match=r"Incorrect API key provided: \*\*\*") as wrong:
                    await answer_of(router, stream=True)
            async with routed(OpenAI(), f"{server.url}/v1", deployment="gpt-none") as router:
                with pytest.raises(NotFound, match="`gpt-none` does not exist"):
                    await answer_of(router, stream=True)
            with pytest.raises(openai.AuthenticationError):
                await asked_by_sdk(sdk(f"{server.url}/v1", WRONG_KEY), stream=True)
            with pytest.raises(openai.NotFoundError):
                await asked_by_sdk(sdk(f"{server.url}/v1"), stream=True, model="gpt-none")
        assert WRONG_KEY not in str(wrong.value)

    asyncio.run(main())
