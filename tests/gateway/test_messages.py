"""Anthropic's own client, unchanged, against the gateway: whoever answers behind it, the client sees Anthropic."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import aiohttp
import anthropic
import pytest
from anthropic.types import Message, TextBlock, ThinkingBlock, ToolUseBlock

from paceline.gateway.serve.server import Gateway
from paceline.providers import Anthropic, Behaviour, OpenAI, Simulated
from paceline.router import Endpoint, Route
from paceline.router.errors import AttemptFailed
from paceline.router.testing import Scripted, fails
from tests.providers.anthropic_server import MODEL, Claude, Reply, sdk_of, text, thinking, tool_use
from tests.providers.loopback import KEY
from tests.providers.test_anthropic_sdk import CITED, REPLIES
from tests.providers.vendors.openai_server import OpenAIServer
from tests.providers.vendors.scene import KEY as OPENAI_KEY
from tests.providers.vendors.scene import MODEL as OPENAI_MODEL
from tests.providers.vendors.scene import ONE_CALL, PARALLEL, PLAIN, REFUSED, Scene, one
from tests.providers.vendors.serving import no
from tests.providers.vendors.told import Told, by_sdk_stream, by_sdk_whole

from .served import GATEWAY_KEY, anthropic_client, openai_client, served

if TYPE_CHECKING:
    from anthropic import APIResponse
    from openai import AsyncStream
    from openai.types.chat import ChatCompletionChunk

ASKED: dict[str, Any] = {"model": "chat", "max_tokens": 100, "messages": [{"role": "user", "content": "so?"}]}
LOOK = {"name": "look", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}
CALLED_FOR = {"type": "function", "function": {"name": "look", "parameters": LOOK["input_schema"]}}


@asynccontextmanager
async def before_claude(vendor: Claude, **fields: Any) -> AsyncGenerator[Gateway]:
    async with vendor.serving():
        url = vendor.url.removesuffix("/v1")
        endpoint = Endpoint(name="claude", provider=Anthropic(), url=url, model=MODEL, api_key=KEY)
        async with served(endpoint, routes=(Route(name="chat", models=[MODEL]),), **fields) as gateway:
            yield gateway


@asynccontextmanager
async def before_openai(vendor: OpenAIServer, **fields: Any) -> AsyncGenerator[Gateway]:
    async with vendor.serving():
        url = f"{vendor.url}/v1"
        endpoint = Endpoint(name="gpt", provider=OpenAI(), url=url, model=OPENAI_MODEL, api_key=OPENAI_KEY)
        async with served(endpoint, routes=(Route(name="chat", models=[OPENAI_MODEL]),), **fields) as gateway:
            yield gateway


async def asked(client: anthropic.AsyncAnthropic, *, stream: bool, **fields: Any) -> Message:
    given: Any = {**ASKED, **fields}
    if not stream:
        return cast("Message", await client.messages.create(**given))
    async with client.messages.stream(**given) as streamed:
        return cast("Message", await streamed.get_final_message())


async def through_gateway(scene: Scene, *, stream: bool, **fields: Any) -> Message:
    """What Anthropic's client gets of *scene*, which a server of OpenAI's form plays."""
    async with before_openai(OpenAIServer(scene)) as gateway, anthropic_client(gateway) as client:
        return await asked(client, stream=stream, **fields)


# -- before Anthropic itself


@pytest.mark.parametrize("name", REPLIES)
def test_a_whole_answer_of_anthropics_is_the_one_that_its_client_gets_there(name: str) -> None:
    async def main() -> None:
        vendor = Claude(REPLIES[name])
        async with before_claude(vendor) as gateway, anthropic_client(gateway) as client, sdk_of(vendor) as direct:
            there = await asked(direct, stream=False, model=MODEL)
            here = await asked(client, stream=False)
        assert here.to_dict() == there.to_dict()

    asyncio.run(main())


@pytest.mark.parametrize("name", REPLIES)
def test_a_streamed_answer_of_anthropics_goes_out_in_the_bytes_it_came_in(name: str) -> None:
    async def main() -> None:
        async with before_claude(Claude(REPLIES[name])) as gateway, aiohttp.ClientSession() as http:
            url = f"{gateway.url}/v1/messages"
            async with http.post(url, json={**ASKED, "stream": True}) as answer:
                assert await answer.read() == b"".join(REPLIES[name].events())

    asyncio.run(main())


def test_the_tokens_of_a_stream_that_passes_are_counted() -> None:
    async def main() -> list[str]:
        async with before_claude(Claude(Reply())) as gateway, aiohttp.ClientSession() as http:
            async with http.post(f"{gateway.url}/v1/messages", json={**ASKED, "stream": True}) as answer:
                await answer.read()
            async with http.get(f"{gateway.url}/metrics") as metrics:
                return (await metrics.text()).splitlines()

    counted = [line for line in asyncio.run(main()) if line.startswith("gen_ai_client_token_usage_sum")]
    assert sorted(line.rpartition(" ")[2] for line in counted) == ["5.0", "9.0"]


@pytest.mark.parametrize("name", sorted(REPLIES.keys() - {"paused", "a tool of the vendor's"}))
def test_a_streamed_answer_of_anthropics_is_the_one_that_its_client_gets_there(name: str) -> None:
    async def main() -> None:
        vendor = Claude(REPLIES[name])
        async with before_claude(vendor) as gateway, anthropic_client(gateway) as client, sdk_of(vendor) as direct:
            there = await asked(direct, stream=True, model=MODEL)
            here = await asked(client, stream=True)
        assert here.to_dict() == there.to_dict()

    asyncio.run(main())


def test_a_citation_stays_with_the_words_that_cite() -> None:
    cited = text("so it is", citations=[CITED])

    async def main() -> Message:
        vendor = Claude(Reply(content=(text("I say "), cited, text(", I say"))))
        async with before_claude(vendor) as gateway, anthropic_client(gateway) as client:
            return await asked(client, stream=True)

    blocks = cast("list[TextBlock]", asyncio.run(main()).content)
    assert [(block.text, block.citations is not None) for block in blocks] == [
        ("I say ", False),
        ("so it is", True),
        (", I say", False),
    ]


def test_what_is_asked_of_the_gateway_is_what_anthropic_is_asked() -> None:
    async def main() -> dict[str, Any]:
        vendor = Claude(Reply())
        async with before_claude(vendor) as gateway, anthropic_client(gateway) as client:
            await asked(client, stream=False, extra_body=given)
        return vendor.bodies[-1]

    given: dict[str, Any] = {
        "system": [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}],
        "temperature": 0.5,
        "top_k": 40,
        "stop_sequences": ["END"],
        "tools": [LOOK],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
        "metadata": {"user_id": "u-1"},
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "max_tokens": 2000,
    }
    body = asyncio.run(main())
    content = [{"type": "text", "text": "so?"}]
    assert body == {"model": MODEL, "messages": [{"role": "user", "content": content}], **given}


def test_a_tool_is_called_and_its_result_goes_back_with_the_sealed_thinking() -> None:
    async def main() -> list[Any]:
        vendor = Claude(
            Reply(content=(thinking("hm"), tool_use("toolu_1", "look", city="Köln")), stop_reason="tool_use")
        )
        async with before_claude(vendor) as gateway, anthropic_client(gateway) as client:
            first = await asked(client, stream=True, tools=[LOOK])
            vendor.reply = Reply(content=(text("rain"),))
            result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "it rains"}
            turns = [*ASKED["messages"], first.to_param(), {"role": "user", "content": [result]}]
            second = await asked(client, stream=True, tools=[LOOK], messages=turns)
        assert second.stop_reason == "end_turn"
        sent: list[Any] = vendor.bodies[-1]["messages"]
        return sent

    sent = asyncio.run(main())
    assert sent[1]["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "sealed"},
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"city": "Köln"}},
    ]
    assert sent[2]["content"] == [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "it rains"}]


# -- before OpenAI


@pytest.mark.parametrize("stream", [True, False])
def test_openais_text_is_a_message(*, stream: bool) -> None:
    message = asyncio.run(through_gateway(PLAIN, stream=stream))
    (block,) = message.content
    assert isinstance(block, TextBlock)
    assert block.text == "".join(PLAIN.says[0].text)
    assert message.stop_reason == "end_turn"
    usage = message.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (5, 16, 13)
    assert usage.output_tokens_details is not None
    assert usage.output_tokens_details.thinking_tokens == 5


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("scene", [ONE_CALL, PARALLEL], ids=["one", "side by side"])
def test_openais_tool_calls_are_tool_uses(scene: Scene, *, stream: bool) -> None:
    message = asyncio.run(through_gateway(scene, stream=stream, tools=[LOOK]))
    assert [(block.id, block.name, block.input) for block in message.content if isinstance(block, ToolUseBlock)] == [
        (call.id, call.name, json.loads("".join(call.arguments))) for call in scene.says[0].calls
    ]
    assert message.stop_reason == "tool_use"


@pytest.mark.parametrize("stream", [True, False])
def test_reasoning_is_thinking_without_a_seal(*, stream: bool) -> None:
    scene = one(reasoning=("hm, ", "so"), text=("Yes",))
    message = asyncio.run(through_gateway(scene, stream=stream))
    block = message.content[0]
    assert isinstance(block, ThinkingBlock)
    assert (block.thinking, block.signature) == ("hm, so", "")


@pytest.mark.parametrize("stream", [True, False])
def test_openais_refusal_is_one(*, stream: bool) -> None:
    message = asyncio.run(through_gateway(REFUSED, stream=stream))
    assert message.stop_reason == "refusal"
    assert message.stop_details is not None
    assert message.stop_details.explanation == "I cannot."


def test_arguments_arrive_as_they_are_written() -> None:
    async def main() -> list[str]:
        async with before_openai(OpenAIServer(ONE_CALL)) as gateway, anthropic_client(gateway) as client:
            stream = await client.messages.create(**ASKED, stream=True, tools=[cast("Any", LOOK)])
            return [
                event.delta.partial_json
                async for event in stream
                if event.type == "content_block_delta" and event.delta.type == "input_json_delta"
            ]

    assert asyncio.run(main()) == [piece for piece in ONE_CALL.says[0].calls[0].arguments if piece]


def test_what_is_asked_in_anthropics_form_is_asked_of_openai_in_its_own() -> None:
    async def main() -> Any:
        vendor = OpenAIServer(PLAIN)
        async with before_openai(vendor) as gateway, anthropic_client(gateway) as client:
            await asked(client, stream=False, system="be brief", tools=[LOOK], tool_choice={"type": "any"})
        return vendor.asked[-1]

    assert asyncio.run(main()) == {
        "model": OPENAI_MODEL,
        "max_completion_tokens": 100,
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "so?"}],
        "tools": [CALLED_FOR],
        "tool_choice": "required",
    }


def test_a_conversation_that_is_marked_for_anthropics_cache_goes_to_openai_without_the_marks() -> None:
    cached = {"cache_control": {"type": "ephemeral"}}

    async def main() -> Any:
        vendor = OpenAIServer(PLAIN)
        use = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}, **cached}
        failed = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "no", "is_error": True, **cached}
        turns = [
            {"role": "user", "content": [{"type": "text", "text": "so?", **cached}]},
            {"role": "assistant", "content": [thinking("hm"), use]},
            {"role": "user", "content": [failed]},
        ]
        async with before_openai(vendor) as gateway, anthropic_client(gateway) as client:
            await asked(client, stream=False, messages=turns, tools=[{**LOOK, **cached}])
        return vendor.asked[-1]

    body = asyncio.run(main())
    call = {"id": "toolu_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "so?"}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "toolu_1", "content": "no"},
    ]
    assert body["tools"] == [CALLED_FOR]


# -- before nobody


@pytest.mark.parametrize("stream", [True, False])
def test_a_simulated_model_answers_like_any_other(*, stream: bool) -> None:
    fast = Simulated(behaviour=Behaviour(ttft_s=0.001, sigma=0.0, tail=0.0, tokens_per_s=10_000.0))

    async def main() -> Message:
        endpoint = Endpoint(name="simulated", provider=fast, model=MODEL)
        async with served(endpoint) as gateway, anthropic_client(gateway) as client:
            return await asked(client, stream=stream, model=MODEL, max_tokens=5)

    message = asyncio.run(main())
    (block,) = message.content
    assert isinstance(block, TextBlock)
    assert block.text
    assert (message.model, message.usage.output_tokens) == (MODEL, 5)


# -- the other client, before Anthropic


@pytest.mark.parametrize("stream", [True, False])
def test_openais_client_gets_the_same_of_anthropic(*, stream: bool) -> None:
    reply = Reply(content=(text("Look: "), tool_use("toolu_1", "look", city="Köln")), stop_reason="tool_use")

    async def main() -> tuple[Message, Told]:
        async with before_claude(Claude(reply)) as gateway:
            async with anthropic_client(gateway) as client:
                message = await asked(client, stream=stream, tools=[LOOK])
            given: Any = {"model": "chat", "messages": ASKED["messages"], "tools": [CALLED_FOR]}
            async with openai_client(gateway) as client:
                if not stream:
                    return message, by_sdk_whole(cast("Any", await client.chat.completions.create(**given)))
                given |= {"stream": True, "stream_options": {"include_usage": True}}
                chunks = cast("AsyncStream[ChatCompletionChunk]", await client.chat.completions.create(**given))
                return message, by_sdk_stream([chunk async for chunk in chunks])

    message, completion = asyncio.run(main())
    words, use = message.content
    assert isinstance(words, TextBlock)
    assert isinstance(use, ToolUseBlock)
    said = completion.answers[0]
    assert (said.text, said.finish) == (words.text, "tool_calls")
    ((id_, _, name, arguments),) = said.calls
    assert (id_, name, json.loads(arguments)) == (use.id, use.name, use.input)
    assert completion.usage[:2] == (message.usage.input_tokens, message.usage.output_tokens)


# -- errors

REFUSALS = [
    (400, anthropic.BadRequestError, "invalid_request_error"),
    (401, anthropic.InternalServerError, "api_error"),
    (404, anthropic.InternalServerError, "api_error"),
    (413, anthropic.APIStatusError, "request_too_large"),
    (429, anthropic.RateLimitError, "rate_limit_error"),
    (500, anthropic.InternalServerError, "api_error"),
    (503, anthropic.InternalServerError, "overloaded_error"),
]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("status", "raised", "kind"), REFUSALS, ids=[str(status) for status, _, _ in REFUSALS])
def test_a_vendors_refusal_is_the_clients_own_exception(
    status: int, raised: type[anthropic.APIStatusError], kind: str, *, stream: bool
) -> None:
    async def main() -> anthropic.APIStatusError:
        vendor = OpenAIServer(PLAIN)
        vendor.refusal = no(status, "because", "not now")
        async with before_openai(vendor) as gateway, anthropic_client(gateway) as client:
            with pytest.raises(raised) as told:
                await asked(client, stream=stream)
        return told.value

    error = asyncio.run(main())
    assert error.type == kind
    assert error.request_id
    assert error.error_code


def test_an_overload_of_anthropics_is_told_as_one() -> None:
    async def main() -> anthropic.APIStatusError:
        vendor = Claude(Reply(content=(), fails="overloaded_error"))
        async with before_claude(vendor) as gateway, anthropic_client(gateway) as client:
            with pytest.raises(anthropic.APIStatusError) as told:
                await asked(client, stream=True)
        return told.value

    error = asyncio.run(main())
    assert (error.status_code, error.type) == (529, "overloaded_error")


def test_an_answer_that_breaks_off_raises_after_what_was_said() -> None:
    async def main() -> tuple[str, anthropic.APIStatusError]:
        said = ""
        async with before_claude(Claude(Reply(fails="api_error"))) as gateway, anthropic_client(gateway) as client:
            try:
                async with client.messages.stream(**ASKED) as stream:
                    async for words in stream.text_stream:
                        said += words
            except anthropic.APIStatusError as error:
                return said, error
        pytest.fail("a stream that broke off passed for a whole one")

    said, error = asyncio.run(main())
    assert said == "Hello there"
    assert error.error_code == "stream_interrupted"


@pytest.mark.parametrize(
    ("fields", "raised", "message"),
    [
        ({"model": "nobody"}, anthropic.NotFoundError, "nobody"),
        ({"max_tokens": 0}, anthropic.BadRequestError, "max_tokens: "),
        ({"messages": []}, anthropic.BadRequestError, "messages: at least one message is required"),
        ({"extra_body": {"seed": 1}}, anthropic.BadRequestError, "seed: Extra inputs"),
    ],
)
def test_a_mistake_is_told_before_anything_is_sent(fields: Any, raised: type[Exception], message: str) -> None:
    async def main() -> int:
        vendor = Claude(Reply())
        async with before_claude(vendor) as gateway, anthropic_client(gateway) as client:
            with pytest.raises(raised, match=message):
                await asked(client, stream=False, **fields)
        return len(vendor.bodies)

    assert asyncio.run(main()) == 0


def test_what_anthropic_alone_can_do_is_refused_by_openai() -> None:
    search: Any = {
        "type": "search_result",
        "source": "https://x",
        "title": "t",
        "content": [{"type": "text", "text": "a"}],
    }

    async def main() -> None:
        vendor = OpenAIServer(PLAIN)
        vendor.refusal = no(400, "invalid_value", "Invalid value: 'search_result'")
        async with before_openai(vendor) as gateway, anthropic_client(gateway) as client:
            with pytest.raises(anthropic.BadRequestError, match="search_result"):
                await asked(client, stream=False, messages=[{"role": "user", "content": [search]}])
        (message,) = cast("Any", vendor.asked[-1]["messages"])
        assert message["content"] == [search]

    asyncio.run(main())


def test_what_is_not_served_of_anthropics_api_is_not_found_in_its_own_form() -> None:
    async def main() -> tuple[anthropic.NotFoundError, Any]:
        async with before_claude(Claude(Reply())) as gateway, anthropic_client(gateway) as client:
            with pytest.raises(anthropic.NotFoundError) as told:
                await client.messages.count_tokens(model="chat", messages=ASKED["messages"])
            async with aiohttp.ClientSession() as http, http.get(f"{gateway.url}/v1/messages") as response:
                return told.value, (response.status, response.headers["Allow"], await response.json())

    missing, (status, allow, body) = asyncio.run(main())
    assert missing.type == "not_found_error"
    assert "/v1/messages alone" in str(missing)
    assert (status, allow, body["type"]) == (405, "POST", "error")


def test_the_gateways_keys_are_anthropics_header() -> None:
    async def main() -> None:
        async with before_claude(Claude(Reply()), keys=(GATEWAY_KEY,)) as gateway:
            async with anthropic_client(gateway) as client:
                assert (await asked(client, stream=False)).stop_reason == "end_turn"
            async with anthropic_client(gateway, key="another") as client:
                with pytest.raises(anthropic.AuthenticationError) as told:
                    await asked(client, stream=False)
        assert told.value.type == "authentication_error"

    asyncio.run(main())


def test_how_long_the_client_waits_bounds_a_whole_answer() -> None:
    async def main() -> float:
        provider = Scripted()
        endpoint = Endpoint(name="scripted", provider=provider, model=MODEL)
        async with served(endpoint) as gateway, anthropic_client(gateway, timeout=5.0) as client:
            await asked(client, stream=False, model=MODEL)
        (call,) = provider.seen
        return call.deadline_s - call.ledger.began_s

    assert 4.0 < asyncio.run(main()) < 5.0


@pytest.mark.parametrize("stream", [True, False])
def test_time_that_is_up_is_a_timeout(*, stream: bool) -> None:
    async def main() -> anthropic.APIStatusError:
        silent = Scripted(fails(3600.0, AttemptFailed))
        endpoint = Endpoint(name="silent", provider=silent, model=MODEL)
        async with served(endpoint) as gateway, anthropic_client(gateway) as client:
            with pytest.raises(anthropic.APIStatusError) as told:
                await asked(client, stream=stream, model=MODEL, extra_headers={"x-paceline-budget-ms": "50"})
        return told.value

    error = asyncio.run(main())
    assert (error.status_code, error.type) == (504, "timeout_error")


def test_a_client_that_leaves_ends_the_call() -> None:
    async def main() -> None:
        silent = Scripted(fails(3600.0, AttemptFailed))
        endpoint = Endpoint(name="silent", provider=silent, model=MODEL)
        async with served(endpoint) as gateway, anthropic_client(gateway) as client:
            asking = asyncio.create_task(asked(client, stream=True, model=MODEL))
            async with asyncio.timeout(2.0):
                while silent.live == 0:  # noqa: ASYNC110  a scripted provider tells nobody
                    await asyncio.sleep(0)
                asking.cancel()
                while silent.live or gateway.front.tally.in_flight:  # noqa: ASYNC110  likewise
                    await asyncio.sleep(0)

    asyncio.run(main())


def test_what_the_gateway_tells_of_a_call_is_in_the_headers() -> None:
    async def main() -> Any:
        async with before_claude(Claude(Reply())) as gateway, anthropic_client(gateway) as client:
            raw = cast("APIResponse[Message]", await client.messages.with_raw_response.create(**ASKED))
            return raw.headers

    headers = asyncio.run(main())
    assert headers["x-paceline-endpoint"] == "claude"
    assert headers["request-id"] == headers["x-request-id"]
