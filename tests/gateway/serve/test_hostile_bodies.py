"""Bodies that nobody should send: each is a proper 4xx in its API's form, or is answered; never a 500, never a hang."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.gateway.dialects.openai import OpenAI
from paceline.router.errors import InvalidRequest
from paceline.router.testing import Scripted, answers, endpoint

from .gateways import ASKED, CHAT, serving

USER = [{"role": "user", "content": "x"}]

BROKEN: dict[str, bytes] = {
    "nothing": b"",
    "white space": b" \n\t",
    "half an object": b'{"model": "m", "messages": [',
    "two objects": b'{"model": "m"}{"model": "m"}',
    "an array": b"[]",
    "a string": b'"hello"',
    "a number": b"1",
    "null": b"null",
    "bad UTF-8": b'{"model": "m", "messages": [{"role": "user", "content": "\xff\xfe"}]}',
    "bad UTF-8 in a key": b'{"model": "m", "\xc3\x28": 1, "messages": []}',
    "half a character": b'{"model": "m", "messages": [{"role": "user", "content": "\xe2\x82"}]}',
    "half a surrogate pair": b'{"model": "m", "messages": [{"role": "user", "content": "\\ud800"}]}',
    "a zero byte": b'{"model": "m\x00", "messages": []}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"model": "m"}'.encode("utf-16"),
    "NaN": b'{"model": "m", "messages": [{"role": "user", "content": "x"}], "temperature": NaN}',
    "Infinity": b'{"model": "m", "messages": [{"role": "user", "content": "x"}], "temperature": -Infinity}',
    "a number beyond all": b'{"model": "m", "messages": [{"role": "user"}], "temperature": 1e999}',
    "single quotes": b"{'model': 'm'}",
    "a comma too many": b'{"model": "m", "messages": [{"role": "user"}],}',
    "a comment": b'{"model": "m" /* so */, "messages": [{"role": "user"}]}',
    "arrays without end": b"[" * 1_000_000,
    "objects without end": b'{"a":' * 500_000,
    "a nested message": b'{"model":"m","messages":[{"role":"user","content":' + b"[" * 2000 + b"]" * 2000 + b"}]}",
    "an empty object": b"{}",
    "HTML": b"<html></html>",
    "a form": b"model=m&stream=true",
}

WRONG: dict[str, dict[str, Any]] = {
    "no messages": {"model": "m"},
    "messages null": {"model": "m", "messages": None},
    "messages empty": {"model": "m", "messages": []},
    "messages a string": {"model": "m", "messages": "hello"},
    "messages an object": {"model": "m", "messages": {"role": "user"}},
    "messages of numbers": {"model": "m", "messages": [1, 2]},
    "a message without a role": {"model": "m", "messages": [{"content": "x"}]},
    "a role that is a number": {"model": "m", "messages": [{"role": 1}]},
    "a role that is null": {"model": "m", "messages": [{"role": None, "content": "x"}]},
    "model a number": {"model": 1, "messages": USER},
    "model empty": {"model": "", "messages": USER},
    "model blank": {"model": "  ", "messages": USER},
    "model an array": {"model": ["m"], "messages": USER},
    "stream a string": {"model": "m", "messages": USER, "stream": "yes"},
    "stream a number": {"model": "m", "messages": USER, "stream": 1},
    "max_tokens zero": {"model": "m", "messages": USER, "max_tokens": 0},
    "max_tokens below zero": {"model": "m", "messages": USER, "max_tokens": -1},
    "max_tokens a string": {"model": "m", "messages": USER, "max_tokens": "5"},
    "max_tokens a fraction": {"model": "m", "messages": USER, "max_tokens": 1.5},
    "max_tokens true": {"model": "m", "messages": USER, "max_completion_tokens": True},
    "n zero": {"model": "m", "messages": USER, "n": 0},
    "n a million": {"model": "m", "messages": USER, "n": 1_000_000},
    "n true": {"model": "m", "messages": USER, "n": True},
    "user a number": {"model": "m", "messages": USER, "user": 5},
    "stream_options without a stream": {"model": "m", "messages": USER, "stream_options": {"include_usage": True}},
    "stream_options a list": {"model": "m", "messages": USER, "stream": True, "stream_options": []},
    "include_usage a string": {
        "model": "m", "messages": USER, "stream": True, "stream_options": {"include_usage": "yes"},
    },
}  # fmt: skip


@pytest.mark.parametrize("path", [CHAT, "/v1/messages"])
@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_what_is_no_request_is_refused(body: bytes, path: str) -> None:
    async def main() -> None:
        vendor = Scripted(answers(0.0, "ok"))
        async with serving(endpoints=[endpoint("a", vendor)]) as scene, asyncio.timeout(5.0):
            heard = await scene.ask(body, path=path)
            if b'"content":[' in body:  # no mistake of form: whether so deep a message can be sent is the adapter's
                assert heard.status in {200, 400}
                return
            assert heard.status == 400
            assert heard.error["type"] == "invalid_request_error"
            assert heard.error["message"]
            assert vendor.calls == 0
            assert (await scene.ask()).status == 200, "and the next one is answered"

    asyncio.run(main())


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named(body: dict[str, Any]) -> None:
    async def main() -> None:
        vendor = Scripted(answers(0.0, "ok"))
        async with serving(endpoints=[endpoint("a", vendor)]) as scene, asyncio.timeout(5.0):
            heard = await scene.ask(body)
            assert heard.status == 400
            assert heard.error["param"] in heard.error["message"]
            assert heard.headers["x-should-retry"] == "false"
            assert vendor.calls == 0

    asyncio.run(main())


def test_of_a_key_that_stands_twice_the_last_one_counts_for_us_and_for_the_vendor() -> None:
    asked = OpenAI().read(b'{"model": "a", "messages": [{"role": "user"}], "seed": 1, "seed": 2, "model": "m"}')

    assert asked.request.model == "m"
    assert asked.request.params["seed"] == 2


@pytest.mark.parametrize("path", [CHAT, "/v1/messages"])
def test_a_model_that_is_not_there_is_not_found(path: str) -> None:
    async def main() -> None:
        async with serving(endpoints=[endpoint("a", Scripted(answers(0.0)))]) as scene:
            heard = await scene.ask({**ASKED, "model": "x" * 10_000, "max_tokens": 5}, path=path)
            assert heard.status == 404

    asyncio.run(main())


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_another_method_is_told_which_one_would_do(method: str) -> None:
    async def main() -> None:
        async with (
            serving(endpoints=[endpoint("a", Scripted(answers(0.0)))]) as scene,
            scene.session.request(method, scene.url + CHAT) as response,
        ):
            assert response.status == 405
            assert response.headers["Allow"] == "POST"
            assert (await response.json())["error"]["code"] == "method_not_allowed"

    asyncio.run(main())


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/chat", "/favicon.ico", "/v1/chat/completions/", "/%00", "/..%2f..%2f"]
)
def test_a_path_that_is_not_there_is_said_in_json(path: str) -> None:
    async def main() -> None:
        async with serving(endpoints=[endpoint("a", Scripted(answers(0.0)))]) as scene:
            heard = await scene.ask(path=path)
            assert heard.status == 404
            assert heard.error["code"] == "not_found"

    asyncio.run(main())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(
    ["model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "n", "user", "tools"]
)


@given(st.dictionaries(fields, json_values) | json_values)
def test_whatever_json_is_sent_is_read_or_refused(value: object) -> None:
    try:
        asked = OpenAI().read(msgspec.json.encode(value))
    except InvalidRequest:
        return
    assert asked.request.stream == asked.streamed


@given(st.binary(max_size=200))
def test_whatever_bytes_are_sent_are_read_or_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        OpenAI().read(body)
