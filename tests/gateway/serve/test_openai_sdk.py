"""OpenAI's own client, unchanged, with another base URL: it sees what it would see of the vendor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import openai
import pytest

from paceline.providers import OpenAI
from paceline.router import Endpoint, Policy, Route
from paceline.router.errors import (
    AttemptFailed,
    BadRequest,
    ContentBlocked,
    ContextTooLong,
    Overloaded,
    ProviderError,
    QuotaExhausted,
    RateLimited,
)
from paceline.router.testing import Scripted, answers, endpoint, fails

from ...providers.loopback import DONE, STOP, USAGE, frame, streams, text
from ...providers.vendors.asking import MESSAGES, asked_by_sdk, sdk
from ...providers.vendors.openai_server import OpenAIServer
from ...providers.vendors.scene import KEY, MODEL, PLAIN, SCENES, Scene
from .gateways import Scene as Served
from .gateways import serving
from .unwired import Unwired

SEVERAL = (Route(name="chat", models=(MODEL, "other")),)


@asynccontextmanager
async def before(
    scene: Scene, policies: Sequence[Policy] = (), routes: Sequence[Route] = ()
) -> AsyncGenerator[tuple[OpenAIServer, Served]]:
    """A gateway before OpenAI, who plays *scene*."""
    vendor = OpenAIServer(scene)
    async with vendor.serving():
        url = f"{vendor.url}/v1"
        made = [Endpoint(name="openai", provider=OpenAI(), url=url, model=MODEL, api_key=KEY)]
        if routes:
            made.append(Endpoint(name="other", provider=OpenAI(), url=url, model="other", api_key=KEY))
        async with serving(endpoints=made, policies=policies, routes=routes) as served:
            yield vendor, served


def params_of(scene: Scene) -> dict[str, Any]:
    return {"n": len(scene.says)} if len(scene.says) > 1 else {}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_what_the_vendor_says_passes_through_byte_for_byte(scene: Scene, stream: bool) -> None:  # noqa: FBT001
    async def main() -> None:
        asked = {"model": MODEL, "messages": MESSAGES, "stream": stream, **params_of(scene)}
        if stream:
            asked["stream_options"] = {"include_usage": True}
        async with before(scene) as (vendor, served):
            heard = await served.ask(asked)
            key = {"Authorization": f"Bearer {KEY}"}
            async with served.session.post(f"{vendor.url}/v1/chat/completions", json=asked, headers=key) as direct:
                assert heard.body == await direct.read()
            assert heard.status == 200

    asyncio.run(main())


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_what_came_in_no_form_is_put_into_openais(scene: Scene, stream: bool) -> None:  # noqa: FBT001
    async def main() -> None:
        async with before(scene, [Unwired()]) as (vendor, served):
            direct = await asked_by_sdk(sdk(f"{vendor.url}/v1"), stream=stream, **params_of(scene))
            ours = await asked_by_sdk(served.sdk(), stream=stream, **params_of(scene))
            assert ours == direct

    asyncio.run(main())


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_a_whole_answer_is_put_together_from_a_stream_where_there_is_a_model_to_fall_back_to(scene: Scene) -> None:
    async def main() -> None:
        async with before(scene, routes=SEVERAL) as (vendor, served):
            direct = await asked_by_sdk(sdk(f"{vendor.url}/v1"), stream=False, **params_of(scene))
            ours = await asked_by_sdk(served.sdk(), stream=False, model="chat", **params_of(scene))
            assert ours == direct
            assert vendor.asked[-1]["stream"] is True

    asyncio.run(main())


def test_a_model_by_its_own_name_is_asked_in_the_clients_form() -> None:
    async def main() -> None:
        async with before(PLAIN, routes=SEVERAL) as (vendor, served):
            await asked_by_sdk(served.sdk(), stream=False)
            assert "stream" not in vendor.asked[-1]

    asyncio.run(main())


def test_usage_is_asked_of_the_vendor_and_kept_from_a_client_who_did_not_ask() -> None:
    async def main() -> None:
        async with before(PLAIN) as (vendor, served):
            client = served.sdk()
            chunks = [
                chunk
                async for chunk in await client.chat.completions.create(
                    model=MODEL, messages=[{"role": "user", "content": "hi"}], stream=True
                )
            ]
            assert all(chunk.choices for chunk in chunks)
            assert vendor.asked[-1]["stream_options"] == {"include_usage": True}
            assert (await served.logged())["output_tokens"] == 13

    asyncio.run(main())


def test_parameters_of_no_meaning_to_us_reach_the_vendor() -> None:
    async def main() -> None:
        async with before(PLAIN) as (vendor, served):
            await asked_by_sdk(
                served.sdk(),
                stream=False,
                temperature=0.5,
                seed=7,
                user="u-1",
                metadata={"a": "b"},
                extra_body={"top_k": 3},
                max_tokens=9,
            )
            asked = vendor.asked[-1]
            assert {name: asked[name] for name in ("temperature", "seed", "user", "metadata", "top_k")} == {
                "temperature": 0.5,
                "seed": 7,
                "user": "u-1",
                "metadata": {"a": "b"},
                "top_k": 3,
            }
            assert asked["max_completion_tokens"] == 9, "the cap, under the name that this vendor knows"
            assert "max_tokens" not in asked

    asyncio.run(main())


ERRORS: dict[str, tuple[type[AttemptFailed], type[openai.APIStatusError], int, str]] = {
    "a bad request": (BadRequest, openai.BadRequestError, 400, "invalid_request"),
    "a prompt that is too long": (ContextTooLong, openai.BadRequestError, 400, "context_length_exceeded"),
    "a blocked prompt": (ContentBlocked, openai.BadRequestError, 400, "content_filter"),
    "a rate limit": (RateLimited, openai.RateLimitError, 429, "rate_limit_exceeded"),
    "a spent quota": (QuotaExhausted, openai.RateLimitError, 429, "insufficient_quota"),
    "a full queue": (Overloaded, openai.InternalServerError, 503, "overloaded"),
    "a broken vendor": (ProviderError, openai.InternalServerError, 502, "provider_error"),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_of_the_class_that_clients_know(name: str, stream: bool) -> None:  # noqa: FBT001
    raised, expected, status, code = ERRORS[name]

    async def main() -> None:
        async with serving(endpoints=[endpoint("a", Scripted(fails(0.0, raised)))]) as served:
            with pytest.raises(expected) as caught:
                await served.sdk().chat.completions.create(
                    model="m",
                    messages=[{"role": "user", "content": "hi"}],
                    stream=stream,  # pyright: ignore[reportArgumentType]
                )
            assert caught.value.status_code == status
            assert caught.value.code == code
            assert caught.value.request_id

    asyncio.run(main())


def test_a_gateway_that_is_asked_again_answers_the_retry_of_the_sdk() -> None:
    async def main() -> None:
        vendor = Scripted(fails(0.0, Overloaded), answers(0.0, "ok"))
        async with serving(endpoints=[endpoint("a", vendor)]) as served:
            answer = await served.sdk(max_retries=1).chat.completions.create(
                model="m", messages=[{"role": "user", "content": "hi"}]
            )
            assert answer.choices[0].message.content == "ok"
            await served.logged()
            assert [line["client_retries"] for line in served.log] == [0, 1]

    asyncio.run(main())


def test_a_call_that_no_retry_can_help_is_not_retried_by_the_sdk() -> None:
    async def main() -> None:
        vendor = Scripted(fails(0.0, QuotaExhausted))
        async with serving(endpoints=[endpoint("a", vendor)]) as served:
            with pytest.raises(openai.RateLimitError):
                await served.sdk(max_retries=3).chat.completions.create(
                    model="m", messages=[{"role": "user", "content": "hi"}]
                )
            assert vendor.calls == 1

    asyncio.run(main())


def slow(client: Callable[..., openai.AsyncOpenAI]) -> openai.AsyncOpenAI:
    return client(timeout=httpx.Timeout(5.0, read=1.0))


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_sdks_own_timeout_is_the_callers_deadline(stream: bool) -> None:  # noqa: FBT001
    async def main() -> None:
        vendor = Scripted(answers(60.0, "late"))
        async with serving(endpoints=[endpoint("a", vendor)]) as served:
            with pytest.raises(openai.InternalServerError) as caught:
                await slow(served.sdk).chat.completions.create(
                    model="m",
                    messages=[{"role": "user", "content": "hi"}],
                    stream=stream,  # pyright: ignore[reportArgumentType]
                )
            assert caught.value.status_code == 504, "ours comes before theirs, and says what was tried"
            assert vendor.live == 0

    asyncio.run(main())


def test_a_stream_that_flows_may_take_longer_than_the_sdk_waits_for_a_piece() -> None:
    async def main() -> None:
        vendor = Scripted(answers(0.0, *"abcdefgh", gap_s=0.2))
        async with serving(endpoints=[endpoint("a", vendor)]) as served:
            chunks = await slow(served.sdk).chat.completions.create(
                model="m", messages=[{"role": "user", "content": "hi"}], stream=True
            )
            said = [chunk.choices[0].delta.content or "" async for chunk in chunks]
            assert "".join(said) == "abcdefgh"

    asyncio.run(main())


def test_an_answer_that_breaks_off_raises_in_the_middle_of_the_stream() -> None:
    async def main() -> None:
        async with serving(streams(frame(text("Hel")), frame(text("lo")))) as served:
            chunks = await served.sdk().chat.completions.create(
                model="m", messages=[{"role": "user", "content": "hi"}], stream=True
            )
            said: list[str] = []
            with pytest.raises(openai.APIError, match="broke off"):  # noqa: PT012  it is raised by the loop
                async for chunk in chunks:
                    said.append(chunk.choices[0].delta.content or "")  # noqa: PERF401  what came is kept
            assert "".join(said) == "Hello"

    asyncio.run(main())


def test_a_stream_that_broke_off_has_no_end_marker() -> None:
    async def main() -> None:
        async with serving(streams(frame(text("Hel")))) as served:
            heard = await served.ask({"model": "m", "messages": MESSAGES, "stream": True})
            assert heard.status == 200
            assert b'"error"' in heard.events[-1]
            assert b"data: [DONE]" not in heard.body
            line = await served.logged()
            assert (line["outcome"], line["reason"]) == ("failed", "interrupted")

    asyncio.run(main())


def test_models_are_listed_and_looked_up() -> None:
    async def main() -> None:
        async with before(PLAIN, routes=SEVERAL) as (_, served):
            client = served.sdk()
            assert [model.id async for model in client.models.list()] == ["chat", MODEL, "other"]
            assert (await client.models.retrieve("chat")).owned_by == "paceline"
            assert (await client.models.retrieve(MODEL)).owned_by == "openai"
            with pytest.raises(openai.NotFoundError):
                await client.models.retrieve("none")

    asyncio.run(main())


def test_what_no_provider_can_serve_is_said_to_be_so() -> None:
    async def main() -> None:
        async with before(PLAIN) as (_, served):
            with pytest.raises(openai.NotFoundError, match="not served"):
                await served.sdk().responses.create(model=MODEL, input="x")

    asyncio.run(main())


def test_azures_client_shows_its_key_in_its_own_header() -> None:
    async def main() -> None:
        async with serving(streams(frame(text("hi")), frame(STOP), frame(USAGE), DONE)) as served:
            heard = await served.ask({"model": "m", "messages": MESSAGES, "stream": True}, api_key="whatever")
            assert heard.events[-1] == b"data: [DONE]"

    asyncio.run(main())
