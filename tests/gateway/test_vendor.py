"""A region's server over loopback: the protocol of OpenAI's chat completions, its faults, and its refusals."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import msgspec
import pytest

from paceline.gateway.demo.cloud_main import listen
from paceline.gateway.demo.fate import Failure, draw
from paceline.gateway.demo.scene import MODELS, Incident
from paceline.gateway.demo.vendor import Vendor

MODEL = "swift-70b"
CALM = Incident(region="us-east", from_s=100.0, until_s=101.0)
ROUGH = Incident(region="us-east", from_s=0.0, until_s=100.0, ttft_factor=1.0, tpot_factor=1.0, failing=1.0)


def body(call: str = "1", *, tokens: int = 6, **fields: object) -> dict[str, object]:
    return {
        "model": MODEL,
        "messages": [{"role": "user", "content": "word " * 8}],
        "metadata": {"call": call, "answer_tokens": str(tokens)},
        **fields,
    }


def ask(asked: object, incident: Incident = CALM) -> tuple[int, str, float]:
    """Status, body, and seconds it took."""

    async def asking() -> tuple[int, str, float]:
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as until:
            port = await listen(Vendor("us-east", seed=1, incident=incident, clock=lambda: 50.0), until)
            session = await until.enter_async_context(aiohttp.ClientSession())
            began_s = loop.time()
            data = asked if isinstance(asked, bytes) else msgspec.json.encode(asked)
            async with session.post(f"http://127.0.0.1:{port}/v1/chat/completions", data=data) as response:
                return response.status, await response.text(), loop.time() - began_s

    return asyncio.run(asking())


def frames(text: str) -> list[Any]:
    """What each frame holds, the end marker as it is."""
    events = [event.removeprefix("data: ") for event in text.split("\n\n") if event]
    return [event if event == "[DONE]" else msgspec.json.decode(event) for event in events]


def call_that_meets(failure: Failure) -> str:
    """The number of a call that fails in this way at its first visit."""
    lots = ((str(n), draw(MODELS[MODEL], f"1/{n}/{MODEL}.us-east/1", failing=1.0)) for n in range(100))
    return next(call for call, fate in lots if fate.failure is failure and fate.ttft_s < 0.3)


def test_a_stream_has_role_and_text_and_finish_and_usage_and_end_marker() -> None:
    status, text, _ = ask(body(stream=True, stream_options={"include_usage": True}))

    role, *content, finish, usage, done = frames(text)
    assert status == 200
    assert role["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert [len(frame["choices"][0]["delta"]["content"].split()) for frame in content] == [1, 4, 1]
    assert finish["choices"] == [{"index": 0, "delta": {}, "finish_reason": "stop"}]
    assert usage["choices"] == []
    assert usage["usage"] == {"prompt_tokens": 10, "completion_tokens": 6, "total_tokens": 16}
    assert done == "[DONE]"


def test_usage_is_told_only_to_who_asks() -> None:
    _, text, _ = ask(body(stream=True))

    assert "usage" not in text
    assert text.endswith("data: [DONE]\n\n")


def test_an_answer_in_one_piece_is_cut_at_its_cap() -> None:
    status, text, _ = ask(body(tokens=500, max_tokens=3))

    answer = msgspec.json.decode(text)
    assert status == 200
    assert answer["usage"]["completion_tokens"] == len(answer["choices"][0]["message"]["content"].split()) == 3
    assert answer["choices"][0]["finish_reason"] == "length"


def test_the_same_call_takes_what_was_drawn_for_it() -> None:
    fate = draw(MODELS[MODEL], f"1/7/{MODEL}.us-east/1", failing=0.0)

    _, _, took_s = ask(body("7", tokens=9, stream=True))

    assert fate.ttft_s + 8 * fate.tpot_s <= took_s + 0.001
    assert took_s < fate.ttft_s + 8 * fate.tpot_s + 0.2


def test_a_brown_out_makes_the_first_token_late() -> None:
    slow = Incident(region="us-east", from_s=0.0, until_s=100.0, ttft_factor=3.0, failing=0.0)

    assert ask(body("7", stream=True), slow)[2] > 2.0 * ask(body("7", stream=True))[2]


@pytest.mark.parametrize(
    ("failure", "stream", "status"),
    [(Failure.REFUSED, True, 503), (Failure.CRASHED, True, 500), (Failure.BROKEN, False, 500)],
)
def test_a_failure_is_an_error_object_under_its_status(failure: Failure, stream: bool, status: int) -> None:  # noqa: FBT001
    answered, text, _ = ask(body(call_that_meets(failure), stream=stream), ROUGH)

    assert answered == status
    assert set(msgspec.json.decode(text)["error"]) == {"message", "type", "param", "code"}


def test_a_broken_stream_begins_well_and_ends_in_an_error_without_end_marker() -> None:
    status, text, _ = ask(body(call_that_meets(Failure.BROKEN), stream=True), ROUGH)

    role, error = frames(text)
    assert status == 200
    assert role["choices"][0]["delta"]["role"] == "assistant"
    assert error["error"]["type"] == "server_error"


@pytest.mark.parametrize(
    ("asked", "status"),
    [(b"{", 400), (b'{"model": 3}', 400), ({"model": "no-such", "messages": []}, 404)],
)
def test_a_request_that_makes_no_sense_is_refused(asked: object, status: int) -> None:
    answered, text, took_s = ask(asked)

    assert answered == status
    assert msgspec.json.decode(text)["error"]["type"] == "invalid_request_error"
    assert took_s < 0.15
