"""Completions of a text: what the vendor says is what its own client and we make of it, however it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from paceline.providers import Anthropic, AzureOpenAI, DeepInfra, OpenAI, OpenAICompatible, preset
from paceline.router import Answer, Endpoint, Operation, Request, Router
from paceline.router.errors import (
    BadRequest,
    ConfigurationError,
    InvalidRequest,
    NotFound,
    ProviderOverloaded,
    TruncatedAnswer,
    Unsupported,
)

from .loopback import DONE, asking, frame, streams, text
from .vendors.asking import routed, sdk
from .vendors.azure_server import DEPLOYMENT, VERSION, AzureServer
from .vendors.openai_server import OpenAIServer
from .vendors.scene import KEY, PLAIN
from .vendors.text_form import TEXT_MODEL, TEXT_SERVED, pieces_of, text_by_sdk

ASKED: dict[str, dict[str, Any]] = {
    "a text": {"prompt": "once"},
    "texts": {"prompt": ["once", "twice"]},
    "tokens": {"prompt": [1, 2, 3]},
    "lists of tokens": {"prompt": [[1], [2, 3]]},
    "several answers": {"prompt": "once", "n": 2},
    "several answers to several": {"prompt": ["a", "b"], "n": 2},
    "cut at the cap": {"prompt": "once", "max_tokens": 2},
    "the text before it": {"prompt": "once", "echo": True},
    "how likely it is": {"prompt": "once", "logprobs": 2},
    "how likely, and nothing else": {"prompt": "once", "logprobs": 0},
    "judged alone": {"prompt": "once", "echo": True, "logprobs": 1, "max_tokens": 0},
    "between two texts": {"prompt": "once", "suffix": "the end", "stop": ["x"], "temperature": 0.5},
}
"""What may be asked, as parameters of the vendor's own client."""


def request_of(asked: Mapping[str, Any], **fields: Any) -> Request:
    """The same for us: what the router has a field for is in it."""
    params = {name: value for name, value in asked.items() if name not in {"prompt", "max_tokens"}}
    cap = asked.get("max_tokens")
    if cap == 0:
        params["max_tokens"], cap = 0, None
    given: dict[str, Any] = {"model": TEXT_MODEL, "budget_s": 5.0, "max_tokens": cap, "params": params, **fields}
    return Request(operation=Operation.COMPLETION, prompt=asked["prompt"], **given)


def texts_of(answer: Answer) -> dict[int, tuple[str, str | None]]:
    others = {other.index: (other.text, other.finish_reason) for other in answer.others}
    return {0: (answer.text, answer.finish_reason), **others}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_we_and_the_vendors_own_client_hear_the_same(asked: dict[str, Any], stream: bool) -> None:  # noqa: FBT001
    async def main() -> None:
        vendor = OpenAIServer(PLAIN)
        async with vendor.serving(), routed(OpenAI(), f"{vendor.url}/v1", model=TEXT_MODEL) as router:
            async with sdk(f"{vendor.url}/v1") as client:
                theirs = await text_by_sdk(client, model=TEXT_MODEL, **asked)
            answer = await router.complete(request_of(asked, stream=stream))
            assert texts_of(answer) == {one.index: (one.text, one.finish_reason) for one in theirs.choices}
            assert theirs.usage is not None
            assert answer.usage.output_tokens == theirs.usage.completion_tokens
            assert answer.attempts[-1].served_model == theirs.model == TEXT_SERVED
            told, lists = answer.logprobs, theirs.choices[0].logprobs
            assert (told is None) == (lists is None)
            if told is not None and lists is not None:
                content = told.content or ()
                assert [one.token for one in content] == lists.tokens
                assert [one.logprob for one in content] == lists.token_logprobs
            sent = vendor.asked[-1]
            assert {name: sent[name] for name in asked} == asked
            assert vendor.requests[-1].path == "/v1/completions"

    asyncio.run(main())


def test_a_stream_comes_in_the_vendors_own_frames() -> None:
    async def main() -> None:
        vendor = OpenAIServer(PLAIN)
        async with vendor.serving(), routed(OpenAI(), f"{vendor.url}/v1", model=TEXT_MODEL) as router:
            async with router.stream(request_of({"prompt": "once"})) as chunks:
                heard = [chunk async for chunk in chunks]
            assert "".join(chunk.text for chunk in heard) == "".join(pieces_of({"prompt": "once"})[0])
            assert sum(chunk.pieces for chunk in heard if chunk.text) == 5
            assert all(b'"text_completion"' in chunk.raw for chunk in heard)
            assert heard[-1].usage is not None

    asyncio.run(main())


def test_the_best_of_several_is_asked_for_in_one_piece() -> None:
    async def main() -> None:
        vendor = OpenAIServer(PLAIN)
        async with vendor.serving(), routed(OpenAI(), f"{vendor.url}/v1", model=TEXT_MODEL) as router:
            answer = await router.complete(request_of({"prompt": "once", "best_of": 3}))
            assert answer.text
            assert "stream" not in vendor.asked[-1]

    asyncio.run(main())


@pytest.mark.parametrize("version", [None, VERSION], ids=["v1", "by deployment"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_azure_is_asked_at_either_of_its_surfaces(version: str | None, stream: bool) -> None:  # noqa: FBT001
    async def main() -> None:
        vendor = AzureServer(PLAIN)
        async with vendor.serving():
            provider = AzureOpenAI(api_version=version)
            async with routed(provider, vendor.url, model=TEXT_MODEL, deployment=DEPLOYMENT) as router:
                answer = await router.complete(request_of({"prompt": "once", "max_tokens": 5}, stream=stream))
            assert answer.text == "".join(pieces_of({"prompt": "once"})[0])
            middle = "v1" if version is None else f"deployments/{DEPLOYMENT}"
            assert vendor.requests[-1].path == f"/openai/{middle}/completions"
            assert vendor.requests[-1].query.get("api-version") == version

    asyncio.run(main())


@pytest.mark.parametrize("provider", [OpenAICompatible(), DeepInfra(), preset("vllm"), preset("ollama")])
def test_compatible_servers_are_asked_beside_their_chat(provider: OpenAICompatible) -> None:
    async def main() -> None:
        vendor = OpenAIServer(PLAIN)
        async with vendor.serving(), routed(provider, f"{vendor.url}/v1", model=TEXT_MODEL) as router:
            assert (await router.complete(request_of({"prompt": "once"}))).text

    asyncio.run(main())


def test_a_model_that_cannot_is_no_fault_of_its_endpoint() -> None:
    async def main() -> None:
        vendor = OpenAIServer(PLAIN)
        async with vendor.serving(), routed(OpenAI(), f"{vendor.url}/v1", model="gpt") as router:
            with pytest.raises(Unsupported, match="cannot do completion, it seems") as failed:
                await router.complete(request_of({"prompt": "once"}, model="gpt"))
            assert not failed.value.blames_endpoint
            assert failed.value.elsewhere
            assert failed.value.request_id is None or failed.value.request_id.startswith("req")
            assert router.fleet["vendor"].outlook(0.0).failing == 0.0

    asyncio.run(main())


def test_one_that_is_said_to_do_nothing_else_is_to_blame() -> None:
    async def main() -> None:
        vendor = OpenAIServer(PLAIN)
        fields: dict[str, Any] = {"model": "gpt", "operations": [Operation.COMPLETION]}
        async with vendor.serving(), routed(OpenAI(), f"{vendor.url}/v1", **fields) as router:
            with pytest.raises(NotFound) as failed:
                await router.complete(request_of({"prompt": "once"}, model="gpt"))
            assert failed.value.blames_endpoint

    asyncio.run(main())


def test_no_error_tells_the_prompt_or_what_is_to_follow() -> None:
    async def main() -> None:
        vendor = OpenAIServer(PLAIN)
        async with vendor.serving(), routed(OpenAI(), f"{vendor.url}/v1", model=TEXT_MODEL) as router:
            for prompt in ("poison of mine", ["nothing", "poison of mine"]):
                with pytest.raises(BadRequest) as failed:
                    await router.complete(request_of({"prompt": prompt, "suffix": "secret end"}))
                told = f"{failed.value!r} {failed.value} {failed.value.ledger}"
                assert "of mine" not in told
                assert "secret" not in told

    asyncio.run(main())


@pytest.mark.parametrize("name", ["model", "prompt", "stream", "messages"])
def test_what_the_router_sets_is_not_for_params(name: str) -> None:
    async def main() -> None:
        vendor = OpenAIServer(PLAIN)
        async with vendor.serving(), routed(OpenAI(), f"{vendor.url}/v1", model=TEXT_MODEL) as router:
            with pytest.raises(InvalidRequest, match=f"params may not set {name}"):
                await router.complete(
                    request_of({"prompt": "once", name: "x"} | {"prompt": "once"}, params={name: "x"})
                )
            assert not vendor.asked

    asyncio.run(main())


def test_a_parameter_that_the_server_passes_over_is_refused_unless_it_asks_for_nothing() -> None:
    async def main() -> None:
        vendor = OpenAIServer(PLAIN)
        provider = OpenAICompatible(ignores={"n", "seed"})
        async with vendor.serving(), routed(provider, f"{vendor.url}/v1", model=TEXT_MODEL) as router:
            with pytest.raises(Unsupported, match="passes over n, seed"):
                await router.complete(request_of({"prompt": "once", "n": 2, "seed": 1}))
            assert (await router.complete(request_of({"prompt": ["once", "twice"], "n": 1, "seed": None}))).others

    asyncio.run(main())


def test_a_cap_holds_under_the_name_it_has_here() -> None:
    async def main() -> None:
        vendor = OpenAIServer(PLAIN)
        async with vendor.serving(), routed(OpenAI(), f"{vendor.url}/v1", model=TEXT_MODEL) as router:
            await router.complete(request_of({"prompt": "once", "max_tokens": 3}))
            await router.complete(request_of({"prompt": "once"}, max_tokens=4, params={"max_tokens": 9}))
            assert [sent["max_tokens"] for sent in vendor.asked] == [3, 4]
            await router.complete(request_of({"prompt": "once"}, stream=False, params={"stream_options": {}}))
            assert "stream_options" not in vendor.asked[-1]

    asyncio.run(main())


def test_a_vendor_that_answers_in_the_form_of_a_chat_has_said_no_text() -> None:
    async def main() -> None:
        async with asking(streams(frame(text("hi")))) as asked:
            with pytest.raises(TruncatedAnswer, match="neither a finish reason"):
                await asked.router.complete(request_of({"prompt": "once"}, model="m"))

    asyncio.run(main())


def test_a_stream_that_breaks_off_is_no_short_answer() -> None:
    async def main() -> None:
        piece = frame({"choices": [{"index": 0, "text": "hi", "finish_reason": None}]})
        async with asking(streams(piece)) as asked:
            with pytest.raises(TruncatedAnswer):
                await asked.router.complete(request_of({"prompt": "once"}, model="m"))
        ended = frame({"choices": [{"index": 0, "text": "hi", "finish_reason": "stop"}]})
        async with asking(streams(ended, DONE)) as asked:
            with pytest.raises(TruncatedAnswer, match="1 of the 2 answers"):
                await asked.router.complete(request_of({"prompt": ["once", "twice"]}, model="m"))

    asyncio.run(main())


def test_an_error_in_the_middle_is_a_failure() -> None:
    async def main() -> None:
        broken = frame({"error": {"message": "no room for the secret of mine", "code": "overloaded"}})
        async with asking(streams(broken)) as asked:
            with pytest.raises(ProviderOverloaded, match="no room for") as failed:
                await asked.router.complete(request_of({"prompt": "secret of mine"}, model="m"))
            assert "secret" not in str(failed.value)

    asyncio.run(main())


def test_servers_without_it_say_so_before_they_are_asked() -> None:
    assert preset("groq").operations == preset("deepseek").operations == {Operation.CHAT}
    with pytest.raises(ConfigurationError, match="cannot do; it can do chat"):
        Endpoint(name="a", provider=Anthropic(), model="m", api_key=KEY, operations=[Operation.COMPLETION])


@pytest.mark.parametrize("path", ["completions", "embeddings", "chat/completions"])
def test_a_url_is_the_base_of_all_of_them(path: str) -> None:
    with pytest.raises(ConfigurationError, match=f"url is to end before /{path}"):
        Router([Endpoint(name="a", provider=OpenAI(), model="m", url=f"http://127.0.0.1:1/v1/{path}")])
