"""``/v1/completions`` by OpenAI's own client: it hears what it would hear of the vendor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import openai
import pytest

from paceline.policies import Restart, Resume, Slots, Splice
from paceline.providers import OpenAI, Simulated
from paceline.router import Endpoint, Operation, Policy, Provider, Route
from paceline.router.simulation import Behaviour

from ...providers.loopback import DONE, begun, frame
from ...providers.test_completions import ASKED
from ...providers.vendors.asking import sdk
from ...providers.vendors.openai_server import OpenAIServer
from ...providers.vendors.scene import KEY, PLAIN
from ...providers.vendors.text_form import TEXT_MODEL, TEXT_SERVED, text_by_sdk
from .gateways import Scene, loopback, serving
from .unwired import Unwired

if TYPE_CHECKING:
    from aiohttp import web

PATH = "/v1/completions"
SEVERAL = (Route(name="text", models=(TEXT_MODEL, "other")),)
QUICK = Simulated(behaviour=Behaviour(ttft_s=0.001, sigma=0.0, tail=0.0, tokens_per_s=10_000))


@asynccontextmanager
async def before(
    policies: Sequence[Policy] = (), routes: Sequence[Route] = (), **settings: Any
) -> AsyncGenerator[tuple[OpenAIServer, Scene]]:
    """A gateway before OpenAI."""
    vendor = OpenAIServer(PLAIN)
    async with vendor.serving():
        url = f"{vendor.url}/v1"
        names = [TEXT_MODEL, "other"] if routes else [TEXT_MODEL]
        made = [Endpoint(name=name, provider=OpenAI(), url=url, model=name, api_key=KEY) for name in names]
        async with serving(endpoints=made, policies=policies, routes=routes, settings=loopback(**settings)) as served:
            yield vendor, served


def simulated(provider: Provider = QUICK, **fields: Any) -> list[Endpoint]:
    return [Endpoint(name="sim", provider=provider, model="m", **fields)]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_what_the_vendor_says_passes_through_byte_for_byte(asked: dict[str, Any], stream: bool) -> None:  # noqa: FBT001
    async def main() -> None:
        body = {"model": TEXT_MODEL, "stream": stream, **asked}
        if stream:
            body["stream_options"] = {"include_usage": True}
        async with before() as (vendor, served):
            heard = await served.ask(body, PATH)
            key = {"Authorization": f"Bearer {KEY}"}
            async with served.session.post(f"{vendor.url}{PATH}", json=body, headers=key) as direct:
                assert heard.body == await direct.read()
            assert heard.status == 200

    asyncio.run(main())


async def by_sdk(client: openai.AsyncOpenAI, asked: dict[str, Any], *, stream: bool, model: str) -> Any:
    if not stream:
        whole = await text_by_sdk(client, model=model, **asked)
        return whole.choices, whole.usage, whole.model
    texts: dict[int, Any] = {}
    last: Any = None
    chunks = await client.completions.create(model=model, stream=True, stream_options={"include_usage": True}, **asked)
    async for chunk in chunks:
        last = chunk
        for one in chunk.choices:
            text, told, ends = texts.get(one.index, ("", [], None))
            lists = one.logprobs.model_dump() if one.logprobs is not None else None
            texts[one.index] = (text + one.text, [*told, lists] if lists else told, one.finish_reason or ends)
    return texts, last.usage, last.model


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_what_came_in_no_form_is_put_into_openais(asked: dict[str, Any], stream: bool) -> None:  # noqa: FBT001
    async def main() -> None:
        async with before([Unwired()]) as (vendor, served), sdk(f"{vendor.url}/v1") as direct:
            theirs = await by_sdk(direct, asked, stream=stream, model=TEXT_MODEL)
            ours = await by_sdk(served.sdk(), asked, stream=stream, model=TEXT_MODEL)
            assert ours == theirs

    asyncio.run(main())


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_a_whole_answer_is_put_together_from_a_stream_where_there_is_a_model_to_fall_back_to(
    asked: dict[str, Any],
) -> None:
    async def main() -> None:
        async with before(routes=SEVERAL) as (vendor, served), sdk(f"{vendor.url}/v1") as direct:
            theirs = await by_sdk(direct, asked, stream=False, model=TEXT_MODEL)
            assert await by_sdk(served.sdk(), asked, stream=False, model="text") == theirs
            assert vendor.asked[-1]["stream"] is True

    asyncio.run(main())


def test_the_best_of_several_is_never_asked_for_as_a_stream() -> None:
    async def main() -> None:
        async with before(routes=SEVERAL) as (vendor, served):
            whole = await served.sdk().completions.create(model="text", prompt="once", best_of=3)
            assert whole.choices[0].text
            assert "stream" not in vendor.asked[-1]

    asyncio.run(main())


def test_usage_is_asked_of_the_vendor_and_kept_from_a_client_who_did_not_ask() -> None:
    async def main() -> None:
        async with before() as (vendor, served):
            chunks = [
                chunk
                async for chunk in await served.sdk().completions.create(model=TEXT_MODEL, prompt="x", stream=True)
            ]
            assert all(chunk.choices for chunk in chunks)
            assert {chunk.model for chunk in chunks} == {TEXT_SERVED}
            assert vendor.asked[-1]["stream_options"] == {"include_usage": True}
            line = await served.logged()
            assert (line["output_tokens"], line["input_tokens"], line["api"]) == (5, 7, PATH)
            assert line["ttft_ms"] <= line["total_ms"]

    asyncio.run(main())


def test_the_headers_tell_who_answered_and_wishes_are_heeded() -> None:
    async def main() -> None:
        async with before(routes=SEVERAL) as (_, served):
            body = {"model": TEXT_MODEL, "prompt": "x"}
            heard = await served.ask(body, PATH, x_paceline_route="text", x_paceline_budget_ms="4000")
            assert heard.headers["x-paceline-endpoint"] == TEXT_MODEL
            assert heard.headers["x-paceline-route"] == "text"
            refused = await served.ask(body, PATH, x_paceline_budget_ms="soon")
            assert (refused.status, refused.error["param"]) == (400, "x-paceline-budget-ms")

    asyncio.run(main())


def test_a_gateway_with_keys_asks_for_them() -> None:
    async def main() -> None:
        from paceline.router import Secret  # noqa: PLC0415

        async with before(keys=(Secret("gateway-key"),)) as (vendor, served):
            with pytest.raises(openai.AuthenticationError):
                await served.sdk(api_key="wrong").completions.create(model=TEXT_MODEL, prompt="x")
            assert not vendor.asked
            assert (await served.sdk(api_key="gateway-key").completions.create(model=TEXT_MODEL, prompt="x")).choices

    asyncio.run(main())


BAD: dict[str, tuple[object, str | None]] = {
    "no prompt": ({"model": "m"}, "prompt"),
    "an empty list": ({"model": "m", "prompt": []}, "prompt"),
    "an object": ({"model": "m", "prompt": {"a": 1}}, "prompt"),
    "mixed": ({"model": "m", "prompt": ["secret", 1]}, "prompt"),
    "no model name": ({"model": 7, "prompt": "x"}, "model"),
    "a cap below nothing": ({"model": "m", "prompt": "x", "max_tokens": -1}, "max_tokens"),
    "a cap in words": ({"model": "m", "prompt": "x", "max_tokens": "9"}, "max_tokens"),
    "too many": ({"model": "m", "prompt": "x", "n": 129}, "n"),
    "a stream in words": ({"model": "m", "prompt": "x", "stream": "yes"}, "stream"),
    "options of no stream": ({"model": "m", "prompt": "x", "stream_options": {}}, "stream_options"),
    "no object": ([1], None),
    "no JSON": (b"{", None),
    "no text": (b'{"prompt": "\xff"}', None),
    "nested": (b'{"prompt": ' + b"[" * 100_000, None),
}


@pytest.mark.parametrize(("body", "param"), BAD.values(), ids=BAD)
def test_what_is_wrong_with_a_body_is_told_by_its_field(body: object, param: str | None) -> None:
    async def main() -> None:
        async with serving(endpoints=simulated()) as served:
            heard = await served.ask(body, PATH)
            assert (heard.status, heard.error["param"]) == (400, param)
            assert "secret" not in heard.error["message"]
            assert heard.error["type"] == "invalid_request_error"

    asyncio.run(main())


def test_a_model_that_cannot_is_told_of_by_what_it_can() -> None:
    async def main() -> None:
        async with serving(endpoints=simulated(operations=[Operation.CHAT])) as served:
            with pytest.raises(openai.BadRequestError, match="what they can do: sim: chat") as refused:
                await served.sdk().completions.create(model="m", prompt="x")
            assert refused.value.code == "operation_unsupported"
            with pytest.raises(openai.NotFoundError):
                await served.sdk().completions.create(model="nobody", prompt="x")
            listed = (await served.get("/v1/models/m")).json
            assert listed["paceline"]["operations"] == ["chat"]

    asyncio.run(main())


def test_the_vendors_refusal_does_not_quote_the_prompt() -> None:
    async def main() -> None:
        async with before() as (_, served):
            with pytest.raises(openai.BadRequestError) as refused:
                await served.sdk().completions.create(model=TEXT_MODEL, prompt="poison of mine", suffix="the secret")
            assert "of mine" not in str(refused.value)
            assert "secret" not in str(refused.value)
            assert b"of mine" not in bytes(served.raw_log)

    asyncio.run(main())


def test_simulated_endpoints_go_on_with_a_text() -> None:
    async def main() -> None:
        async with serving(endpoints=simulated()) as served:
            whole = await served.sdk().completions.create(model="m", prompt="x", max_tokens=3)
            assert (whole.choices[0].text, whole.choices[0].finish_reason) == ("the first word", "length")
            assert whole.usage is not None
            assert whole.usage.completion_tokens == 3
            chunks = await served.sdk().completions.create(model="m", prompt="x", max_tokens=3, stream=True)
            heard = [chunk async for chunk in chunks]
            assert "".join(choice.text for chunk in heard for choice in chunk.choices) == "the first word"
            assert {chunk.object for chunk in heard} == {"text_completion"}

    asyncio.run(main())


def piece(text: str, ends: str | None = None) -> bytes:
    return frame(
        {"id": "c", "object": "text_completion", "choices": [{"index": 0, "text": text, "finish_reason": ends}]}
    )


async def breaks_off(request: web.Request) -> web.StreamResponse:
    response = await begun(request)
    await response.write(piece("Hel"))
    return response


async def goes_on(request: web.Request) -> web.StreamResponse:
    response = await begun(request)
    await response.write(piece("lo") + piece("", "stop") + DONE)
    return response


async def one_word(request: web.Request) -> web.StreamResponse:
    response = await begun(request)
    await response.write(piece("Hel"))
    await asyncio.Event().wait()
    return response


STREAMED: dict[str, Any] = {"model": "m", "prompt": "x", "stream": True}


async def heard_to_the_end(client: Any) -> list[Any]:
    return [chunk async for chunk in await client.completions.create(**STREAMED)]


def test_what_breaks_off_after_it_began_ends_in_an_error_within_the_stream() -> None:
    async def main() -> None:
        async with serving(breaks_off) as served:
            heard = await served.ask(STREAMED, PATH)
            assert heard.status == 200
            assert b'"error"' in heard.events[-1]
            assert DONE.strip() not in heard.events
            with pytest.raises(openai.APIError, match="broke off"):
                await heard_to_the_end(served.sdk())
            line = await served.logged()
            assert (line["outcome"], line["reason"]) == ("failed", "interrupted")

    asyncio.run(main())


def test_what_breaks_off_may_be_gone_on_with_or_begun_anew() -> None:
    async def main() -> None:
        async with serving(breaks_off, goes_on, policies=[Resume(otherwise=Splice())]) as served:
            heard = await served.ask(STREAMED, PATH)
            assert [b"Hel" in event for event in heard.events] == [True, False, False, False]
            assert served.vendors["e1"].bodies[0]["prompt"] == "xHel"
        async with serving(breaks_off, goes_on, policies=[Resume(otherwise=Restart())]) as served:
            heard = await served.ask({**STREAMED, "stream_options": {"include_usage": True}}, PATH)
            assert heard.events[1].startswith(b"event: paceline.discard\ndata: ")
            assert heard.events[-1] == DONE.strip()

    asyncio.run(main())


def test_a_client_who_leaves_lets_the_vendor_go() -> None:
    async def main() -> None:
        async with serving(one_word, policies=[Slots()], slots=1) as served:
            call = asyncio.ensure_future(served.ask(STREAMED, PATH))
            await served.vendor.asked.wait()
            call.cancel()
            async with asyncio.timeout(2.0):
                await served.vendor.left.wait()
            await served.idle()
            assert served.gateway.running.router.fleet["e0"].in_flight == 0
            assert (await served.logged())["outcome"] == "left"

    asyncio.run(main())


def test_frames_on_several_lines_and_usage_that_stands_with_the_text_come_through() -> None:
    async def main() -> None:
        async def say(request: web.Request) -> web.StreamResponse:
            response = await begun(request)
            last = piece("lo", "stop").replace(
                b'"choices"', b'"usage": {"prompt_tokens": 1, "completion_tokens": 2}, "choices"'
            )
            await response.write(b'data: {"choices": [\ndata: {"text": "Hel", "index": 0}]}\n\n' + last + DONE)
            return response

        async with serving(say) as served:
            chunks = await heard_to_the_end(served.sdk())
            assert [chunk.choices[0].text for chunk in chunks] == ["Hel", "lo"]
            assert all(chunk.usage is None for chunk in chunks)

    asyncio.run(main())
