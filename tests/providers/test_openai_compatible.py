"""`OpenAICompatible` with a vendor that behaves: what is sent, and what comes of the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec
import pytest

from paceline.providers import Connections, OpenAICompatible
from paceline.providers.http_pool import NO_TIMEOUT
from paceline.router import Endpoint, Route, Router, Usage
from paceline.router.errors import ConfigurationError, InvalidRequest
from paceline.router.ledger import Attempt

from .loopback import (
    DONE,
    KEY,
    PROMPT,
    STOP,
    WHOLE,
    asking,
    bare_server,
    begun,
    frame,
    question,
    replies,
    streams,
    text,
)

if TYPE_CHECKING:
    from aiohttp import web


def test_a_stream_arrives_in_pieces_and_in_order() -> None:
    async def main() -> None:
        async with asking(streams(WHOLE)) as asked:
            heard = await asked.stream()
        assert [chunk.text for chunk in heard] == ["Hello", " there", "", ""]
        assert [chunk.finish_reason for chunk in heard] == [None, None, "stop", None]
        assert heard[-1].usage == Usage(input_tokens=9, output_tokens=2)

    asyncio.run(main())


def test_chunks_carry_the_vendors_own_bytes() -> None:
    async def main() -> None:
        async with asking(streams(WHOLE)) as asked:
            heard = await asked.stream()
        assert b"".join(b"data: %b\n\n" % chunk.raw for chunk in heard) + DONE == WHOLE

    asyncio.run(main())


def test_a_stream_cut_into_single_bytes_is_the_same_answer() -> None:
    async def main() -> None:
        async with asking(streams(*(WHOLE[place : place + 1] for place in range(len(WHOLE))))) as asked:
            answer = await asked.complete()
        assert (answer.text, answer.finish_reason) == ("Hello there", "stop")

    asyncio.run(main())


def test_tools_reasoning_and_refusal_are_progress_of_their_own_kind() -> None:
    def delta(**fields: object) -> bytes:
        return frame({"choices": [{"index": 0, "delta": fields}]})

    said = (
        delta(role="assistant", content=""),
        delta(reasoning_content="hm"),
        delta(reasoning=", so"),
        delta(refusal="no"),
        delta(tool_calls=[{"index": 0, "id": "t1", "function": {"name": "look", "arguments": ""}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": '{"a":'}}, {"index": 1, "id": "t2"}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": "1}"}}]),
        frame({"choices": [{"index": 0, "finish_reason": "tool_calls"}]}),
        DONE,
    )

    async def main() -> None:
        async with asking(streams(*said)) as asked:
            answer = await asked.complete()
        assert (answer.reasoning, answer.refusal, answer.finish_reason) == ("hm, so", "no", "tool_calls")
        assert [(call.id, call.name, call.arguments) for call in answer.tool_calls] == [
            ("t1", "look", '{"a":1}'),
            ("t2", "", ""),
        ]

    asyncio.run(main())


def test_cumulative_usage_is_not_summed() -> None:
    def usage(tokens: int) -> dict[str, int]:
        return {"prompt_tokens": 9, "completion_tokens": tokens}

    said = [frame(text("word ", usage=usage(tokens))) for tokens in (1, 2, 3)]

    async def main() -> None:
        empty: dict[str, int] = {}
        async with asking(streams(*said, frame({**STOP, "usage": empty}), DONE)) as asked:
            answer = await asked.complete()
        assert answer.usage == Usage(input_tokens=9, output_tokens=3)

    asyncio.run(main())


def test_an_answer_in_one_piece() -> None:
    message = {"role": "assistant", "content": "Hello", "tool_calls": [{"id": "t", "function": {"name": "look"}}]}
    body = {
        "model": "m-1",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": 9,
            "completion_tokens": 2,
            "prompt_tokens_details": {"cached_tokens": 8},
            "completion_tokens_details": {"reasoning_tokens": 1},
        },
    }

    async def main() -> None:
        async with asking(replies(body)) as asked:
            answer = await asked.complete(stream=False)
            sent = asked.vendor.bodies[0]
        assert "stream" not in sent
        assert "stream_options" not in sent
        assert (answer.text, answer.tool_calls[0].name) == ("Hello", "look")
        assert answer.usage == Usage(input_tokens=9, output_tokens=2, cached_tokens=8, reasoning_tokens=1)
        assert answer.attempts[0].served_model == "m-1"

    asyncio.run(main())


def test_a_long_answer_in_one_piece_is_read_to_its_end() -> None:
    content = "word " * 200_000

    async def main() -> None:
        async with asking(
            replies({"choices": [{"message": {"content": content}, "finish_reason": "length"}]})
        ) as asked:
            assert (await asked.complete(stream=False)).text == content

    asyncio.run(main())


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/problem+json"])
def test_an_answer_in_one_piece_is_understood_whatever_was_asked(content_type: str, *, stream: bool) -> None:
    body = {"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}

    async def main() -> None:
        async with asking(replies(body, content_type=content_type)) as asked:
            assert (await asked.complete(stream=stream)).text == "Hello"

    asyncio.run(main())


def test_a_stream_is_understood_though_one_piece_was_asked_for() -> None:
    async def main() -> None:
        async with asking(streams(WHOLE)) as asked:
            assert (await asked.complete(stream=False)).text == "Hello there"

    asyncio.run(main())


@pytest.mark.parametrize(
    ("stream", "body"),
    [(True, WHOLE), (False, msgspec.json.encode({"choices": [{"message": {"content": "Hello there"}}]}))],
)
def test_without_a_content_type_the_answer_is_taken_for_what_was_asked(body: bytes, *, stream: bool) -> None:
    async def main() -> None:
        async with bare_server(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)) as url:
            endpoint = Endpoint(name="bare", provider=OpenAICompatible(), model="m", url=url)
            async with Router([endpoint]) as router:
                answer = await router.complete(question(stream=stream))
        assert answer.text == "Hello there"

    asyncio.run(main())


def test_blank_lines_before_a_whole_answer_are_keepalives() -> None:
    body = b'{"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}'

    async def main() -> None:
        async with asking(streams(b"\n", b"\n\n", b" \n" + body, b"\n", content_type="application/json")) as asked:
            answer = await asked.complete(stream=False)
        assert (answer.text, answer.attempts[0].keepalives) == ("Hello", 4)

    asyncio.run(main())


def test_keepalives_before_the_first_progress_are_counted() -> None:
    said = (
        b": OPENROUTER PROCESSING\n\n",
        b": OPENROUTER PROCESSING\n\n",
        b"event: ping\ndata: {}\n\n",
        b"\n\n",
        frame(text("Hello")),
        b": OPENROUTER PROCESSING\n\n",
        frame(STOP),
    )

    async def main() -> None:
        async with asking(streams(*said, DONE)) as asked:
            answer = await asked.complete()
        assert (answer.text, answer.attempts[0].keepalives) == ("Hello", 4)

    asyncio.run(main())


def test_marks_are_set_in_order_and_a_new_connection_is_told_from_a_kept_one() -> None:
    async def main() -> None:
        async with asking(streams(WHOLE, **{"x-request-id": "r-1"})) as asked:
            first: Attempt = (await asked.complete()).attempts[0]
            second: Attempt = (await asked.complete()).attempts[0]
        assert first.headers_s is not None
        assert first.first_event_s is not None
        assert first.sent_s < first.headers_s <= first.first_event_s
        assert (first.request_id, first.served_model) == ("r-1", "m-1")
        assert first.connect_s is not None
        assert 0 < first.connect_s < 1
        assert second.connect_s is None

    asyncio.run(main())


def test_the_request_says_what_the_vendor_needs_and_no_more() -> None:
    async def main() -> None:
        async with asking(streams(WHOLE), deployment="m-large", headers={"X-Team": "blue"}) as asked:
            await asked.complete(
                max_tokens=50, params={"temperature": 0.5}, user="u", metadata={"trace": "t"}, priority=None
            )
            body, headers = asked.vendor.bodies[0], asked.vendor.headers[0]
        assert body == {
            "model": "m-large",
            "messages": [{"role": "user", "content": PROMPT}],
            "temperature": 0.5,
            "max_tokens": 50,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        assert headers["Authorization"] == f"Bearer {KEY}"
        assert headers["X-Team"] == "blue"
        assert headers["Accept-Encoding"] == "identity"

    asyncio.run(main())


def test_messages_and_parameters_may_be_any_mapping() -> None:
    frozen = MappingProxyType({"role": "user", "content": "hi"})
    options = MappingProxyType({"include_obfuscation": False})

    async def main() -> None:
        async with asking(streams(WHOLE)) as asked:
            await asked.complete(messages=[frozen], params={"stream_options": options, "tools": [frozen]})
            body = asked.vendor.bodies[0]
        assert body["messages"] == body["tools"] == [dict(frozen)]
        assert body["stream_options"] == {"include_obfuscation": False, "include_usage": True}

    asyncio.run(main())


def test_the_caps_of_the_route_hold_whatever_the_cap_is_called() -> None:
    async def main() -> None:
        async with asking(streams(WHOLE)) as asked:
            endpoint = asked.target.endpoint
            route = Route(name="short", models="m", max_tokens=20)
            async with Router([endpoint], [route]) as router:
                await router.complete(question(route="short", params={"max_completion_tokens": 80}))
                await router.complete(question(route="short", params={"max_completion_tokens": 8}))
            newer = [(body.get("max_tokens"), body["max_completion_tokens"]) for body in asked.vendor.bodies]
        assert newer == [(None, 20), (None, 8)]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"model": "other", "stream": False}, "model, stream"),
        ({"messages": []}, "messages"),
        ({"n": 0}, "n must be a whole number of at least 1, not 0"),
        ({"n": True}, "n must be"),
        ({"audio": {"voice": "alloy"}}, "spoken"),
        ({"modalities": ["text", "audio"]}, "spoken"),
        ({"tools": object()}, "object"),
        ({"stop": "\ud800"}, "UnicodeEncodeError"),
    ],
)
def test_what_a_request_may_not_ask_is_refused_before_anything_is_sent(params: dict[str, object], told: str) -> None:
    async def main() -> None:
        async with asking(streams(WHOLE)) as asked:
            with pytest.raises(InvalidRequest, match=told):
                await asked.complete(params=params)
            assert asked.vendor.bodies == []

    asyncio.run(main())


def test_an_event_named_message_and_a_null_error_are_part_of_the_answer() -> None:
    said = (b"event: message\n" + frame(text("Hello", error=None)), frame({**STOP, "error": ""}), DONE)

    async def main() -> None:
        async with asking(streams(*said)) as asked:
            answer = await asked.complete()
        assert (answer.text, answer.attempts[0].keepalives) == ("Hello", 0)

    asyncio.run(main())


def test_a_complete_answer_gives_its_connection_back() -> None:
    async def main() -> None:
        async with asking(streams(WHOLE)) as asked:
            for _ in range(5):
                await asked.complete()
            assert asked.vendor.connections == 1

    asyncio.run(main())


def test_an_answer_is_complete_at_its_end_marker_though_the_body_goes_on() -> None:
    async def say(request: web.Request) -> web.StreamResponse:
        response = await begun(request)
        await response.write(WHOLE)
        await response.write(b": more\n\n")
        await asyncio.Event().wait()
        return response

    async def main() -> None:
        async with asking(say) as asked:
            assert (await asked.complete(budget_s=2.0)).text == "Hello there"
            await asked.vendor.left.wait()

    asyncio.run(main())


def test_the_end_marker_may_be_missing_after_a_finish_reason() -> None:
    async def main() -> None:
        async with asking(streams(frame(text("Hello")), frame(STOP))) as asked:
            assert (await asked.complete()).text == "Hello"

    asyncio.run(main())


def test_the_finish_reason_may_be_missing_before_the_end_marker() -> None:
    async def main() -> None:
        async with asking(streams(frame(text("Hello")), DONE)) as asked:
            assert (await asked.complete()).finish_reason is None

    asyncio.run(main())


def test_equal_providers_share_a_pool_and_routers_do_not() -> None:
    async def main() -> None:
        async with asking(streams(WHOLE)) as asked:
            endpoint = asked.target.endpoint
            twin = Endpoint(name="twin", provider=OpenAICompatible(), model="m", url=endpoint.url)
            async with Router([endpoint, twin]) as router:
                assert router.fleet["vendor"].handler is router.fleet["twin"].handler
                assert router.fleet["vendor"].handler is not asked.target.handler

    asyncio.run(main())


def test_time_is_limited_by_deadlines_alone() -> None:
    async def main() -> None:
        async with asking(streams(WHOLE)) as asked:
            await asked.stream()
            ((kept, _),) = next(iter(asked.connector._conns.values()))
            assert kept.read_timeout is None
            assert asked.connector.limit == 0

    assert (NO_TIMEOUT.total, NO_TIMEOUT.connect, NO_TIMEOUT.sock_connect, NO_TIMEOUT.sock_read) == (None,) * 4
    asyncio.run(main())


@pytest.mark.parametrize(
    "make",
    [
        lambda: OpenAICompatible(name=""),
        lambda: OpenAICompatible(connections=Connections(keepalive_s=0)),
        lambda: OpenAICompatible(max_frame_bytes=10),
        lambda: OpenAICompatible(max_answer_bytes=0),
        lambda: OpenAICompatible(cap="max_new_tokens"),
        lambda: OpenAICompatible(url=""),
        lambda: OpenAICompatible(ignores=frozenset({""})),
    ],
)
def test_settings_that_cannot_work_are_refused_when_built(make: Callable[[], OpenAICompatible]) -> None:
    with pytest.raises(ConfigurationError):
        make()
