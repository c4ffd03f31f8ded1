"""Embeddings: the vectors that the vendor's own client sees are the ones we have, and nothing else passes for them."""

from __future__ import annotations

import asyncio
import base64
import math
import struct
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.providers import AzureOpenAI, OpenAI, OpenAICompatible, preset
from paceline.providers.openai_vectors import NoVector, WireVector
from paceline.router import Operation, Prompt, Request
from paceline.router.errors import (
    BadRequest,
    InvalidRequest,
    MalformedAnswer,
    PermissionDenied,
    ProviderOverloaded,
    TruncatedAnswer,
    Unsupported,
)

from .loopback import asking, frame, replies, streams
from .vendors.asking import routed, sdk
from .vendors.azure_server import DEPLOYMENT, VERSION, AzureServer
from .vendors.openai_server import OpenAIServer
from .vendors.scene import PLAIN
from .vendors.vector_form import VECTOR_MODEL, VECTOR_SERVED, vector_of

INPUTS: dict[str, Any] = {
    "a text": "once",
    "texts": ["once", "twice", "once"],
    "tokens": [1, 2, 3],
    "lists of tokens": [[1], [2, 3]],
}


def request_of(prompt: Prompt = "once", **fields: Any) -> Request:
    given: dict[str, Any] = {"model": VECTOR_MODEL, "budget_s": 5.0, **fields}
    return Request(operation=Operation.EMBEDDING, prompt=prompt, **given)


@pytest.mark.parametrize("params", [{}, {"encoding_format": "float"}, {"encoding_format": "base64", "dimensions": 3}])
@pytest.mark.parametrize("asked", INPUTS.values(), ids=INPUTS)
def test_we_and_the_vendors_own_client_have_the_same_vectors(asked: Prompt, params: dict[str, Any]) -> None:
    async def main() -> None:
        vendor = OpenAIServer(PLAIN)
        async with vendor.serving(), routed(OpenAI(), f"{vendor.url}/v1", model=VECTOR_MODEL) as router:
            plain = {name: value for name, value in params.items() if name != "encoding_format"}
            async with sdk(f"{vendor.url}/v1") as client:
                theirs = await client.embeddings.create(model=VECTOR_MODEL, input=asked, **plain)  # type: ignore[arg-type]
            answer = await router.complete(request_of(asked, params=params))
            assert [list(vector) for vector in answer.embeddings] == [one.embedding for one in theirs.data]
            assert (answer.usage.input_tokens, answer.usage.output_tokens) == (theirs.usage.prompt_tokens, 0)
            assert answer.attempts[-1].served_model == theirs.model == VECTOR_SERVED
            assert answer.text == ""
            assert answer.ttft_s == pytest.approx(answer.total_s, abs=0.05)
            sent = vendor.asked[-1]
            assert sent == {"model": VECTOR_MODEL, "input": asked, **params}
            assert vendor.requests[-1].path == "/v1/embeddings"

    asyncio.run(main())


@pytest.mark.parametrize("version", [None, VERSION], ids=["v1", "by deployment"])
def test_azure_is_asked_at_either_of_its_surfaces(version: str | None) -> None:
    async def main() -> None:
        vendor = AzureServer(PLAIN)
        async with vendor.serving():
            provider = AzureOpenAI(api_version=version)
            async with routed(provider, vendor.url, model=VECTOR_MODEL, deployment=DEPLOYMENT) as router:
                answer = await router.complete(request_of())
            assert list(answer.embeddings[0]) == vector_of("once", 8)
            middle = "v1" if version is None else f"deployments/{DEPLOYMENT}"
            assert vendor.requests[-1].path == f"/openai/{middle}/embeddings"
            assert vendor.requests[-1].query.get("api-version") == version

    asyncio.run(main())


def test_neither_a_cap_nor_a_stream_is_asked_for() -> None:
    async def main() -> None:
        vendor = OpenAIServer(PLAIN)
        async with vendor.serving(), routed(preset("vllm"), f"{vendor.url}/v1", model=VECTOR_MODEL) as router:
            for stream in (False, True):
                answer = await router.complete(request_of(stream=stream, expected_tokens=9, params={"truncate": "END"}))
                assert answer.ttft_s is not None
            assert vendor.asked[-1] == {"model": VECTOR_MODEL, "input": "once", "truncate": "END"}

    asyncio.run(main())


def test_a_model_that_cannot_is_no_fault_of_its_endpoint() -> None:
    async def main() -> None:
        vendor = OpenAIServer(PLAIN)
        async with vendor.serving(), routed(OpenAI(), f"{vendor.url}/v1", model="gpt") as router:
            with pytest.raises(Unsupported, match="cannot do embedding, it seems") as failed:
                await router.complete(request_of(model="gpt"))
            assert not failed.value.blames_endpoint

    asyncio.run(main())


def test_one_that_is_said_to_do_nothing_else_is_to_blame() -> None:
    async def main() -> None:
        vendor = OpenAIServer(PLAIN)
        fields: dict[str, Any] = {"model": "gpt", "operations": [Operation.EMBEDDING]}
        async with vendor.serving(), routed(OpenAI(), f"{vendor.url}/v1", **fields) as router:
            with pytest.raises(PermissionDenied) as failed:
                await router.complete(request_of(model="gpt"))
            assert failed.value.blames_endpoint

    asyncio.run(main())


def test_no_error_tells_the_texts() -> None:
    async def main() -> None:
        vendor = OpenAIServer(PLAIN)
        async with vendor.serving(), routed(OpenAI(), f"{vendor.url}/v1", model=VECTOR_MODEL) as router:
            for prompt in ("poison of mine", ["nothing", "poison of mine"]):
                with pytest.raises(BadRequest) as failed:
                    await router.complete(request_of(prompt))
                assert "of mine" not in f"{failed.value!r} {failed.value}"

    asyncio.run(main())


@pytest.mark.parametrize("name", ["model", "input", "stream", "messages"])
def test_what_the_router_sets_is_not_for_params(name: str) -> None:
    async def main() -> None:
        async with asking(replies({})) as asked:
            with pytest.raises(InvalidRequest, match=f"params may not set {name}"):
                await asked.router.complete(request_of(model="m", params={name: "x"}))
            assert not asked.vendor.bodies

    asyncio.run(main())


def item(embedding: object = (0.5, -1.0), **fields: object) -> dict[str, object]:
    return {"object": "embedding", "embedding": embedding, **fields}


GOOD = [item(index=0), item((0.25, 2.0), index=1)]

NO_EMBEDDINGS: dict[str, object] = {
    "one too few": {"data": GOOD[:1]},
    "one too many": {"data": [*GOOD, item(index=2)]},
    "the same place twice": {"data": [item(index=0), item(index=0)]},
    "places from one on": {"data": [item(index=1), item(index=2)]},
    "none": {"data": []},
    "null": {"data": None},
    "no list": {"data": {}},
    "a chat": {"choices": []},
    "a text": {"data": [item(index=0), item("not base64!", index=1)]},
    "half a float": {"data": [item(index=0), item(base64.b64encode(b"12345").decode(), index=1)]},
    "no float": {"data": [item(index=0), item("", index=1)]},
    "an empty list": {"data": [item(index=0), item([], index=1)]},
    "texts": {"data": [item(index=0), item(["1"], index=1)]},
    "nothing among numbers": {"data": [item(index=0), item([1.0, None], index=1)]},
    "truths": {"data": [item(index=0), item([True, False], index=1)]},
    "lists": {"data": [item(index=0), item([[1.0], [2.0]], index=1)]},
    "an object": {"data": [item(index=0), item({"float": [1.0]}, index=1)]},
    "a number": {"data": [item(index=0), item(1.0, index=1)]},
    "broken": b'{"data": [',
    "no text": b'{"data": "\xff"}',
}


@pytest.mark.parametrize("said", NO_EMBEDDINGS.values(), ids=NO_EMBEDDINGS)
def test_what_is_no_vector_for_each_text_is_malformed(said: object) -> None:
    async def main() -> None:
        async with asking(replies(said)) as asked:
            with pytest.raises(MalformedAnswer):
                await asked.router.complete(request_of(["a", "b"], model="m"))

    asyncio.run(main())


@pytest.mark.parametrize(
    "items", [GOOD, GOOD[::-1], [item(), item((0.25, 2.0))]], ids=["in order", "not", "unnumbered"]
)
def test_vectors_stand_in_the_order_of_their_texts(items: list[object]) -> None:
    async def main() -> None:
        async with asking(replies({"data": items, "error": None})) as asked:
            answer = await asked.router.complete(request_of(["a", "b"], model="m"))
            assert [list(vector) for vector in answer.embeddings] == [[0.5, -1.0], [0.25, 2.0]]
            assert answer.usage.input_tokens is None
            assert answer.usage.output_tokens == 0

    asyncio.run(main())


def test_a_stream_or_nothing_in_place_of_embeddings_is_a_failure() -> None:
    async def main() -> None:
        async with asking(streams(frame({"data": GOOD}))) as asked:
            with pytest.raises(MalformedAnswer, match="a stream in place of embeddings"):
                await asked.router.complete(request_of(["a", "b"], model="m"))
        async with asking(streams(b": waiting\n\n")) as asked:
            with pytest.raises(TruncatedAnswer):
                await asked.router.complete(request_of(model="m"))
        async with asking(replies(b"  ")) as asked:
            with pytest.raises(TruncatedAnswer):
                await asked.router.complete(request_of(model="m"))

    asyncio.run(main())


def test_an_error_in_place_of_embeddings_is_the_vendors() -> None:
    async def main() -> None:
        error = {"message": "full", "code": "overloaded"}
        async with asking(replies({"error": error})) as asked:
            with pytest.raises(ProviderOverloaded):
                await asked.router.complete(request_of(model="m"))
        event = b"event: error\ndata: " + msgspec.json.encode({"error": error}) + b"\n\n"
        async with asking(streams(event)) as asked:
            with pytest.raises(ProviderOverloaded):
                await asked.router.complete(request_of(model="m"))

    asyncio.run(main())


def test_many_vectors_may_be_longer_than_any_other_answer() -> None:
    async def main() -> None:
        many = {"data": [item([1.0 / (1 + index)] * 100, index=index) for index in range(20)]}
        size = len(msgspec.json.encode(many))
        provider = OpenAICompatible(max_answer_bytes=size // 2)
        async with asking(replies(many), provider=provider) as asked:
            answer = await asked.router.complete(request_of(["x"] * 20, model="m"))
            assert len(answer.embeddings) == 20
        async with asking(replies(many), provider=OpenAICompatible(max_answer_bytes=size // 10)) as asked:
            with pytest.raises(MalformedAnswer, match="longer than"):
                await asked.router.complete(request_of(["x"] * 20, model="m"))

    asyncio.run(main())


# -- a vector as it came


def floats(width: Literal[32, 64] = 64) -> st.SearchStrategy[list[float]]:
    return st.lists(st.floats(allow_nan=False, allow_infinity=False, width=width), min_size=1, max_size=20)


@given(floats())
def test_numbers_are_the_ones_that_were_written(numbers: list[float]) -> None:
    vector = WireVector(msgspec.json.encode(numbers))
    assert list(vector) == numbers
    assert (len(vector), vector[0], vector[-1:]) == (len(numbers), numbers[0], numbers[-1:])
    assert repr(vector) == f"<{len(numbers)} numbers>"


@given(floats(32))
def test_base64_is_32_bits_a_number(numbers: list[float]) -> None:
    told = base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
    vector = WireVector(msgspec.json.encode(told))
    assert len(vector) == len(numbers)
    assert list(vector) == numbers


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(json_values)
def test_only_numbers_and_base64_pass_for_a_vector(value: object) -> None:
    is_row = isinstance(value, list) and bool(value) and all(type(one) in {int, float} for one in value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    try:
        vector = WireVector(msgspec.json.encode(value))
    except (NoVector, OverflowError):
        assert not is_row or not all(math.isfinite(one) for one in value)  # type: ignore[attr-defined]
    else:
        assert is_row or isinstance(value, str)
        assert all(isinstance(one, float) for one in vector)
