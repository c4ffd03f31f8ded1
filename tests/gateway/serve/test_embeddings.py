"""``/v1/embeddings`` by OpenAI's own client: the numbers are the vendor's, to the last bit."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest

from paceline.gateway.dialects.embeddings import Embeddings
from paceline.gateway.serve import report
from paceline.policies import Cap, Fallback, Retry, Slots
from paceline.providers import OpenAI
from paceline.router import Endpoint, Objective, Operation, Policy, Route

from ...providers.loopback import replies
from ...providers.test_embeddings import GOOD, INPUTS
from ...providers.vendors.asking import sdk
from ...providers.vendors.openai_server import OpenAIServer
from ...providers.vendors.scene import KEY, MODEL, PLAIN
from ...providers.vendors.vector_form import VECTOR_MODEL
from .gateways import Scene, loopback, serving
from .test_completions import QUICK
from .test_leaving import silence
from .unwired import Unwired

PATH = "/v1/embeddings"


@asynccontextmanager
async def before(
    policies: Sequence[Policy] = (), routes: Sequence[Route] = (), **settings: Any
) -> AsyncGenerator[tuple[OpenAIServer, Scene]]:
    """A gateway before OpenAI, with a model that chats and one that embeds."""
    vendor = OpenAIServer(PLAIN)
    async with vendor.serving():
        url = f"{vendor.url}/v1"
        made = [
            Endpoint(name="chat", provider=OpenAI(), url=url, model=MODEL, api_key=KEY, operations=[Operation.CHAT]),
            Endpoint(
                name="embed", provider=OpenAI(), url=url, model=VECTOR_MODEL, api_key=KEY,
                operations=[Operation.EMBEDDING],
            ),
        ]  # fmt: skip
        async with serving(endpoints=made, policies=policies, routes=routes, settings=loopback(**settings)) as served:
            yield vendor, served


FORMS: list[dict[str, Any]] = [{}, {"encoding_format": "float"}, {"encoding_format": "base64"}, {"dimensions": 3}]


@pytest.mark.parametrize("params", FORMS, ids=["as it comes", "numbers", "base64", "dimensions"])
@pytest.mark.parametrize("asked", INPUTS.values(), ids=INPUTS)
def test_their_client_has_the_same_of_us_and_of_the_vendor(asked: Any, params: dict[str, Any]) -> None:
    async def main() -> None:
        async with before() as (vendor, served), sdk(f"{vendor.url}/v1") as direct:
            theirs = await direct.embeddings.create(model=VECTOR_MODEL, input=asked, **params)
            ours = await served.sdk().embeddings.create(model=VECTOR_MODEL, input=asked, **params)
            assert ours == theirs
            assert vendor.asked[-1] == vendor.asked[-2]

    asyncio.run(main())


@pytest.mark.parametrize("params", FORMS[1:3], ids=["numbers", "base64"])
def test_the_bytes_are_the_vendors(params: dict[str, Any]) -> None:
    async def main() -> None:
        body = {"model": VECTOR_MODEL, "input": ["once", "twice"], **params}
        async with before() as (vendor, served):
            heard = await served.ask(body, PATH)
            key = {"Authorization": f"Bearer {KEY}"}
            async with served.session.post(f"{vendor.url}{PATH}", json=body, headers=key) as direct:
                assert heard.body == await direct.read()

    asyncio.run(main())


@pytest.mark.parametrize("params", FORMS, ids=["as it comes", "numbers", "base64", "dimensions"])
def test_what_came_in_no_form_is_put_into_openais(params: dict[str, Any]) -> None:
    async def main() -> None:
        async with before([Unwired()]) as (vendor, served), sdk(f"{vendor.url}/v1") as direct:
            theirs = await direct.embeddings.create(model=VECTOR_MODEL, input=["once", "twice"], **params)
            ours = await served.sdk().embeddings.create(model=VECTOR_MODEL, input=["once", "twice"], **params)
            assert ours == theirs

    asyncio.run(main())


def test_a_route_of_both_kinds_sends_each_call_to_who_can() -> None:
    async def main() -> None:
        routes = (Route(name="all", models=(MODEL, VECTOR_MODEL), max_tokens=9),)
        policies = (Cap(max_tokens=5), Fallback(), Retry(), Slots())
        async with before(policies, routes) as (vendor, served):
            client = served.sdk()
            made = await client.embeddings.create(model="all", input="x")
            assert made.model.startswith(VECTOR_MODEL)
            said = await client.chat.completions.create(model="all", messages=[{"role": "user", "content": "x"}])
            assert said.choices[0].message.content
            assert "max_tokens" not in vendor.asked[0]
            assert "max_completion_tokens" not in vendor.asked[0]
            assert vendor.asked[1]["max_completion_tokens"] == 5
            heard = await served.ask({"model": "all", "input": "x"}, PATH)
            assert heard.headers["x-paceline-endpoint"] == "embed"
            assert heard.headers["x-paceline-fallbacks"] == "0"
            line = await served.logged()
            assert (line["api"], line["endpoint"], line["input_tokens"], line["output_tokens"]) == (PATH, "embed", 5, 0)
            assert "streamed" not in line
            listed = {
                each["id"]: each["paceline"]["operations"] for each in (await served.get("/v1/models")).json["data"]
            }
            assert listed == {"all": ["chat", "embedding"], MODEL: ["chat"], VECTOR_MODEL: ["embedding"]}

    asyncio.run(main())


def test_a_model_that_cannot_is_told_of_by_what_it_can() -> None:
    async def main() -> None:
        async with before() as (vendor, served):
            with pytest.raises(openai.BadRequestError, match="what they can do: chat: chat"):
                await served.sdk().embeddings.create(model=MODEL, input="x")
            with pytest.raises(openai.BadRequestError, match="what they can do: embed: embedding"):
                await served.sdk().chat.completions.create(
                    model=VECTOR_MODEL, messages=[{"role": "user", "content": "x"}]
                )
            assert not vendor.asked

    asyncio.run(main())


BAD: dict[str, tuple[object, str | None]] = {
    "no input": ({"model": "m"}, "input"),
    "an empty list": ({"model": "m", "input": []}, "input"),
    "mixed": ({"model": "m", "input": ["secret", 1]}, "input"),
    "an object": ({"model": "m", "input": {"text": "secret"}}, "input"),
    "a stream": ({"model": "m", "input": "x", "stream": True}, "stream"),
    "no text": (b'{"input": "\xff"}', None),
}


@pytest.mark.parametrize(("body", "param"), BAD.values(), ids=BAD)
def test_what_is_wrong_with_a_body_is_told_by_its_field(body: object, param: str | None) -> None:
    async def main() -> None:
        endpoints = [Endpoint(name="sim", provider=QUICK, model="m")]
        async with serving(endpoints=endpoints) as served:
            heard = await served.ask(body, PATH)
            assert (heard.status, heard.error["param"]) == (400, param)
            assert "secret" not in heard.error["message"]
            assert (await served.ask({"model": "m", "input": "x", "stream": False}, PATH)).status == 200

    asyncio.run(main())


def test_the_vendors_refusal_does_not_quote_the_texts() -> None:
    async def main() -> None:
        async with before() as (_, served):
            with pytest.raises(openai.BadRequestError) as refused:
                await served.sdk().embeddings.create(model=VECTOR_MODEL, input=["poison of mine", "x"])
            assert "of mine" not in str(refused.value)
            assert b"of mine" not in bytes(served.raw_log)

    asyncio.run(main())


def test_a_body_may_be_as_long_as_any_and_no_longer() -> None:
    async def main() -> None:
        async with before(max_body_bytes=4096) as (vendor, served):
            with pytest.raises(openai.APIStatusError) as refused:
                await served.sdk().embeddings.create(model=VECTOR_MODEL, input="x" * 5000)
            assert refused.value.status_code == 413
            assert not vendor.asked

    asyncio.run(main())


def test_vectors_by_the_thousand_come_through_whole() -> None:
    async def main() -> None:
        async with before() as (vendor, served), sdk(f"{vendor.url}/v1") as direct:
            asked: dict[str, Any] = {"model": VECTOR_MODEL, "input": ["x"] * 500, "dimensions": 512}
            theirs = await direct.embeddings.create(**asked)
            assert await served.sdk().embeddings.create(**asked) == theirs

    asyncio.run(main())


def test_what_fails_is_tried_again_and_a_vector_too_few_is_a_failure() -> None:
    async def main() -> None:
        bad, good = replies({"data": GOOD[:1]}), replies({"data": GOOD})
        async with serving(bad, good, policies=[Retry(), Slots()]) as served:
            made = await served.sdk().embeddings.create(model="m", input=["a", "b"])
            assert [each.embedding for each in made.data] == [[0.5, -1.0], [0.25, 2.0]]
            assert sum(len(vendor.bodies) for vendor in served.vendors.values()) in {1, 2}
        async with serving(bad) as served:
            with pytest.raises(openai.InternalServerError) as failed:
                await served.sdk().embeddings.create(model="m", input=["a", "b"])
            assert failed.value.status_code == 502

    asyncio.run(main())


def test_a_client_who_leaves_lets_the_vendor_go() -> None:
    async def main() -> None:
        async with serving(silence, policies=[Slots()], slots=1) as served:
            call = asyncio.ensure_future(served.ask({"model": "m", "input": "x"}, PATH))
            await served.vendor.asked.wait()
            call.cancel()
            async with asyncio.timeout(2.0):
                await served.vendor.left.wait()
            await served.idle()
            assert (await served.logged())["outcome"] == "left"

    asyncio.run(main())


def test_a_deadline_holds() -> None:
    async def main() -> None:
        async with serving(silence) as served:
            heard = await served.ask({"model": "m", "input": "x"}, PATH, x_paceline_budget_ms="50")
            assert (heard.status, heard.error["code"]) == (504, "deadline_exceeded")

    asyncio.run(main())


def test_the_report_counts_embeddings_with_their_first_token() -> None:
    async def main() -> None:
        routes = (Route(name="vectors", models=VECTOR_MODEL, objective=Objective(ttft_s=5.0)),)
        async with before(routes=routes) as (_, served):
            for _ in range(3):
                await served.sdk().embeddings.create(model="vectors", input="x")
            told = report.tell(served.gateway.running.router).routes["vectors"]
            assert (told.calls, told.success, told.in_time) == (3, 1.0, 1.0)
            assert told.ttft_s.p50 is not None

    asyncio.run(main())


def test_simulated_vectors_are_in_the_form_that_was_asked_for() -> None:
    async def main() -> None:
        endpoints = [Endpoint(name="sim", provider=QUICK, model="m")]
        async with serving(endpoints=endpoints) as served:
            client = served.sdk()
            (short,) = (await client.embeddings.create(model="m", input="x", dimensions=4)).data
            (exact,) = (
                await client.embeddings.create(model="m", input="x", dimensions=4, encoding_format="float")
            ).data
            assert short.embedding == pytest.approx(exact.embedding, abs=1e-7)
            raw = (
                await served.ask({"model": "m", "input": "x", "dimensions": 4, "encoding_format": "base64"}, PATH)
            ).json
            assert len(base64.b64decode(raw["data"][0]["embedding"])) == 16

    asyncio.run(main())


def test_embeddings_are_never_written_as_a_stream() -> None:
    dialect = Embeddings()
    with pytest.raises(NotImplementedError):
        dialect.writer(dialect.read(b'{"model": "m", "input": "x"}'))
