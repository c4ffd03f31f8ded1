"""Answers of Anthropic's that are not as one would wish: marks, keep-alives, and what is no whole answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.providers import Anthropic
from paceline.providers.anthropic_answer import MessagesAnswer
from paceline.providers.error_body import VendorError
from paceline.providers.sse import Event
from paceline.router import Endpoint, Router, Usage
from paceline.router.errors import (
    AttemptFailed,
    CallError,
    ConfigurationError,
    MalformedAnswer,
    ProviderError,
    StreamInterrupted,
    TruncatedAnswer,
)
from paceline.router.ledger import Attempt

from .anthropic_server import MODEL, Reply, answered, asking_claude, chunks, complete, event, sse, text
from .loopback import KEY, Vendor, begun, replies, streams

if TYPE_CHECKING:
    from aiohttp import web

BEGIN = event("message_start", message={"model": MODEL, "usage": {"input_tokens": 9, "output_tokens": 1}})
BLOCK = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
HELLO = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "Hello"})
CLOSE = event("content_block_stop", index=0)
STOP = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 2})
END = event("message_stop")
WHOLE = b"".join((BEGIN, BLOCK, HELLO, CLOSE, STOP, END))


def failure_of(vendor: Vendor, *, stream: bool = True) -> CallError:
    """The one error of a call that has a second to fail."""

    async def main() -> CallError:
        async with asking_claude(vendor) as asked, asyncio.timeout(2.0):
            with pytest.raises(CallError) as raised:
                await asked.complete(model=MODEL, stream=stream)
        return raised.value

    return asyncio.run(main())


def test_a_stream_arrives_in_pieces_and_in_order() -> None:
    heard = chunks(Reply(content=(text("Hello there"),), piece=6))
    assert [chunk.text for chunk in heard] == ["", "", "", "Hello ", "there", "", "", ""]
    assert [chunk.usage for chunk in heard if chunk.usage] == [
        Usage(input_tokens=9, output_tokens=1),
        Usage(input_tokens=9, output_tokens=5),
    ]
    assert heard[-1].finish_reason == "stop"


def test_each_chunk_has_the_vendors_own_bytes() -> None:
    reply = Reply(content=(text("so", citations=[{"type": "char_location", "cited_text": "so"}]),))
    frames = [b"event: %b\ndata: %b\n\n" % (kind_in(chunk.raw), chunk.raw) for chunk in chunks(reply)]
    assert frames == [*reply.events()]


def kind_in(raw: bytes) -> bytes:
    kind: str = msgspec.json.decode(raw)["type"]
    return kind.encode()


def test_a_vendor_that_has_a_call_wait_does_not_fill_the_room_before_the_first_word() -> None:
    pings = [event("ping")] * 40
    heard = chunks(Vendor(streams(event("ping"), BEGIN, *pings, BLOCK, HELLO, *pings, CLOSE, STOP, END)))
    kinds = [kind_in(chunk.raw) for chunk in heard]
    assert kinds[:3] == [b"message_start", b"ping", b"ping"]
    first = next(place for place, chunk in enumerate(heard) if chunk.text)
    assert kinds[first - 1] == b"content_block_start"
    assert kinds[:first].count(b"ping") == 4
    assert kinds[first:].count(b"ping") == 40


def test_a_stream_cut_into_single_bytes_is_the_same_answer() -> None:
    answer, _ = complete(Vendor(streams(*(WHOLE[at : at + 1] for at in range(len(WHOLE))))))
    assert (answer.text, answer.finish_reason) == ("Hello", "stop")


def test_marks_are_set_in_order() -> None:
    answer, _ = complete(Vendor(streams(WHOLE, **{"request-id": "req_1", "x-envoy-upstream-service-time": "125"})))
    attempt = answer.attempts[0]
    assert (attempt.request_id, attempt.processing_s, attempt.served_model) == ("req_1", 0.125, MODEL)
    assert attempt.headers_s is not None
    assert attempt.first_event_s is not None
    assert attempt.first_progress_s is not None
    assert attempt.sent_s < attempt.headers_s <= attempt.first_event_s <= attempt.first_progress_s


def test_pings_comments_and_unknown_events_before_the_first_progress_are_keepalives() -> None:
    said = (
        event("ping"),
        b": queued\n\n",
        BEGIN,
        sse("ping", {}),
        event("vendor_news", delta="of any shape"),
        b'data: {"type": "vendor_news"}\n\n',
        BLOCK,
        HELLO,
        event("ping"),
        CLOSE,
        STOP,
        END,
    )
    answer, _ = complete(Vendor(streams(*said)))
    assert (answer.text, answer.attempts[0].keepalives) == ("Hello", 5)


def test_events_are_known_by_their_type_where_a_proxy_left_out_their_names() -> None:
    nameless = b"".join(b"data: " + said.split(b"\ndata: ")[1] for said in (BEGIN, BLOCK, HELLO, CLOSE, STOP, END))
    answer, _ = complete(Vendor(streams(nameless)))
    assert (answer.text, answer.usage.output_tokens) == ("Hello", 2)


def test_unknown_blocks_and_deltas_are_passed_over() -> None:
    said = (
        BEGIN,
        event("content_block_start", index=0, content_block={"type": "hologram", "text": "x", "input": {}}),
        event("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": "{}"}),
        event("content_block_delta", index=0, delta={"type": "hologram_delta", "text": "x"}),
        CLOSE,
        event("content_block_start", index=1, content_block={"type": "text", "text": "Hel"}),
        event("content_block_delta", index=1, delta={"type": "text_delta", "text": ""}),
        event("content_block_delta", index=1, delta={"type": "text_delta", "text": "lo"}),
        event("content_block_start", index=2, content_block={"type": "thinking", "thinking": "h"}),
        event("content_block_delta", index=2, delta={"type": "thinking_delta", "thinking": "m"}),
        event("content_block_stop", index=2),
        event("content_block_stop", index=7),
        STOP,
        END,
    )
    answer, _ = complete(Vendor(streams(*said)))
    assert (answer.text, answer.reasoning, answer.tool_calls) == ("Hello", "hm", ())
    assert answer.thinking_blocks == ({"type": "thinking", "thinking": "hm", "signature": ""},)


def test_arguments_that_came_with_the_call_are_its_arguments() -> None:
    use = {"type": "tool_use", "id": "t", "name": "look", "input": {"at": 1}}
    said = (BEGIN, event("content_block_start", index=0, content_block=use), CLOSE, STOP, END)
    answer, _ = complete(Vendor(streams(*said)))
    assert msgspec.json.decode(answer.tool_calls[0].arguments) == {"at": 1}


def test_later_counts_take_the_place_of_earlier_ones() -> None:
    usage = {"input_tokens": 10, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 2, "output_tokens": 3}
    more = event("message_delta", delta={"stop_reason": None}, usage=usage)
    answer, _ = complete(Vendor(streams(BEGIN, BLOCK, HELLO, more, STOP, END)))
    assert answer.usage == Usage(input_tokens=16, output_tokens=2, cached_tokens=4, cache_write_tokens=2)


def test_an_answer_without_a_word_of_its_usage_has_none() -> None:
    answer, _ = complete(
        Vendor(streams(event("message_start", message={}), BLOCK, HELLO, event("message_delta", delta={}), END))
    )
    assert (answer.text, answer.usage, answer.finish_reason) == ("Hello", Usage(), None)


def test_an_answer_is_complete_at_its_end_marker_though_the_body_goes_on() -> None:
    async def say(request: web.Request) -> web.StreamResponse:
        response = await begun(request)
        await response.write(WHOLE)
        await asyncio.Event().wait()
        return response

    answer, _ = complete(Vendor(say), budget_s=2.0)
    assert answer.text == "Hello"


def test_a_complete_answer_gives_its_connection_back() -> None:
    async def main() -> None:
        async with asking_claude(Vendor(streams(WHOLE))) as asked:
            for _ in range(3):
                await asked.complete(model=MODEL)
            assert asked.vendor.connections == 1

    asyncio.run(main())


@pytest.mark.parametrize("said", [(BEGIN,), (BEGIN, BLOCK), (BEGIN, STOP), (BEGIN, BLOCK, HELLO[:-9])])
def test_a_stream_without_its_end_is_a_failure_though_nothing_came_yet(said: tuple[bytes, ...]) -> None:
    error = failure_of(Vendor(streams(*said)))
    assert isinstance(error, TruncatedAnswer)
    assert "message_stop" in str(error)


def test_a_stream_that_ends_after_its_stop_reason_and_before_its_end_is_cut() -> None:
    async def main() -> None:
        async with asking_claude(Vendor(streams(BEGIN, BLOCK, HELLO, CLOSE, STOP))) as asked:
            with pytest.raises(StreamInterrupted) as raised:
                await asked.stream(model=MODEL)
        assert isinstance(raised.value.__cause__, TruncatedAnswer)
        assert raised.value.usage == Usage(input_tokens=9, output_tokens=2)

    asyncio.run(main())


@pytest.mark.parametrize(
    "said",
    [
        b"event: content_block_delta\ndata: {half\n\n",
        b"event: content_block_delta\ndata: [1]\n\n",
        event("content_block_delta", index="one", delta={}),
        event("content_block_delta", index=3, delta={"type": "thinking_delta", "thinking": "hm"}),
    ],
)
def test_what_is_not_the_protocol_is_malformed(said: bytes) -> None:
    assert isinstance(failure_of(Vendor(streams(BEGIN, BLOCK, said, END))), MalformedAnswer)


@pytest.mark.parametrize("body", [{"type": "message"}, {"content": []}, [], {"choices": []}, b"{half", b"nothing"])
def test_a_whole_answer_that_is_none_is_malformed(body: object) -> None:
    assert isinstance(failure_of(Vendor(replies(body)), stream=False), MalformedAnswer)


def test_an_empty_body_is_truncated() -> None:
    assert isinstance(failure_of(Vendor(replies(b" \n")), stream=False), TruncatedAnswer)


def test_an_empty_answer_is_an_answer() -> None:
    answer, _ = complete(Reply(content=()))
    assert (answer.text, answer.finish_reason) == ("", "stop")


def test_an_answer_in_one_piece_is_understood_though_a_stream_was_asked_for() -> None:
    async def say(_request: web.Request) -> web.Response:
        return answered(Reply().message())

    answer, _ = complete(Vendor(say))
    assert (answer.text, answer.attempts[0].request_id) == ("Hello there", "req_head")


@pytest.mark.parametrize("url", [None, "https://proxy.example", "https://proxy.example/claude/"])
def test_the_url_is_anthropics_own_unless_there_is_another(url: str | None) -> None:
    Endpoint(name="e", provider=Anthropic(), model=MODEL, url=url, api_key=KEY)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"url": "https://api.anthropic.com/v1"}, "before /v1/messages"),
        ({"url": "https://api.anthropic.com/v1/messages/"}, "before /v1/messages"),
        ({"url": "api.anthropic.com"}, "https://api.anthropic.com"),
        ({"api_key": "sk-x\n"}, "x-api-key"),
    ],
)
def test_an_endpoint_that_cannot_be_called_is_refused_when_built(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        Endpoint(name="e", provider=Anthropic(), model=MODEL, **fields)


def headers_sent(**fields: Any) -> dict[str, str]:
    async def main() -> dict[str, str]:
        async with asking_claude(Reply(), **fields) as asked:
            assert (await asked.complete(model=MODEL)).text == "Hello there"
            return asked.vendor.headers[0]

    return asyncio.run(main())


def test_the_headers_are_those_of_the_api_and_the_endpoints_own_override_them() -> None:
    sent = headers_sent()
    assert (sent["x-api-key"], sent["anthropic-version"]) == (KEY, "2023-06-01")
    assert "Authorization" not in sent
    own = {"anthropic-beta": "context-1m", "anthropic-version": "2026-10-21"}
    assert headers_sent(headers=own).items() >= own.items()


def test_a_bearer_token_takes_the_place_of_a_key() -> None:
    for fields in ({"api_key": None, "headers": {"Authorization": f"Bearer {KEY}"}}, {"api_key": lambda: KEY}):
        sent = headers_sent(**fields)
        assert sent["Authorization"] == f"Bearer {KEY}"
        assert "x-api-key" not in sent


def test_equal_providers_share_a_pool() -> None:
    async def main() -> None:
        one, two = (Endpoint(name=name, provider=Anthropic(), model=MODEL, api_key=KEY) for name in ("one", "two"))
        async with Router([one, two]) as router:
            assert router.fleet["one"].handler is router.fleet["two"].handler

    asyncio.run(main())


@pytest.mark.parametrize(
    "make",
    [
        lambda: Anthropic(name=""),
        lambda: Anthropic(max_tokens=0),
        lambda: Anthropic(thinking="high"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        lambda: Anthropic(connections=30.0),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        lambda: Anthropic(max_frame_bytes=10),
        lambda: Anthropic(max_answer_bytes=0),
    ],
)
def test_settings_that_cannot_work_are_refused_when_built(make: Callable[[], Anthropic]) -> None:
    with pytest.raises(ConfigurationError):
        make()


PIECES = [BEGIN, BLOCK, HELLO, CLOSE, STOP, END, event("ping"), sse("error", {"error": {"message": "no"}})]
frames = st.sampled_from(PIECES).map(lambda said: said.split(b"\ndata: ")[1].strip())
scalars = st.none() | st.booleans() | st.integers() | st.text()
nested = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
fields = ("type", "index", "delta", "content_block", "message", "usage", "text", "input", "stop_details", "content")
likely = st.dictionaries(st.sampled_from(fields), nested, max_size=5).map(msgspec.json.encode)
anything = frames | likely | st.binary(max_size=40)
event_names = st.sampled_from(
    [b"", b"ping", b"error", b"message_start", b"content_block_delta", b"message_delta", b"x"]
)


@given(st.lists(st.tuples(event_names, anything, st.integers(0, 1)), max_size=8), anything)
def test_whatever_a_server_sends_ends_in_chunks_or_in_a_typed_error(
    said: list[tuple[bytes, bytes, int]], body: bytes
) -> None:
    attempt = Attempt(endpoint=Endpoint(name="e", provider=Anthropic(), model=MODEL), number=1, sent_s=0.0)

    def refused(error: VendorError) -> AttemptFailed:
        return ProviderError(error.message, endpoint="e")

    answer = MessagesAnswer(attempt, refused)
    for name, data, comments in said:
        try:
            answer.chunk(Event(data, name, comments))
        except AttemptFailed:
            break
    if answer.done:
        answer.end(0)
    with suppress(AttemptFailed):
        assert MessagesAnswer(attempt, refused).whole(body).finish_reason
