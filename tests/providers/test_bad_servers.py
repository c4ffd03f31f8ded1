"""Servers as bad as they come. Each ends in one typed error, in time, and with nothing left behind.

`asking` proves the last: no connection, no task and no lease outlives the call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web

from paceline.providers import OpenAICompatible, http_exchange
from paceline.router import Chunk, Limits
from paceline.router.errors import (
    AttemptFailed,
    AttemptTimeout,
    AuthenticationFailed,
    BadRequest,
    CallError,
    ContentBlocked,
    ContextTooLong,
    DeadlineExceeded,
    MalformedAnswer,
    NotFound,
    PermissionDenied,
    ProviderConflict,
    ProviderError,
    ProviderOverloaded,
    ProviderTimeout,
    QuotaExhausted,
    RateLimited,
    RequestTooLarge,
    StreamInterrupted,
    TruncatedAnswer,
)

from .loopback import (
    DONE,
    HEARD,
    KEY,
    PROMPT,
    STOP,
    Say,
    asking,
    begun,
    frame,
    replies,
    streams,
    text,
)

ROLE = frame({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})


async def failure_of(say: Say, *, stream: bool = True, budget_s: float = 3.0, **fields: Any) -> CallError:
    """The one error of a call that has a second to fail."""
    async with asking(say, **fields) as asked, asyncio.timeout(1.0):
        with pytest.raises(CallError) as raised:
            await asked.complete(budget_s=budget_s, stream=stream)
    assert_nothing_leaks_out(raised.value)
    return raised.value


def assert_nothing_leaks_out(error: BaseException | None) -> None:
    """Neither key nor prompt is in the error, its attempts, or what caused it."""
    while error is not None:
        attempts = error.attempts if isinstance(error, CallError) else ()
        for told in (str(error), repr(error), *(repr(attempt) + str(attempt) for attempt in attempts)):
            assert KEY not in told
            assert PROMPT not in told
        error = error.__cause__


async def silence(_request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def headers_then_silence(request: web.Request) -> web.StreamResponse:
    await begun(request)
    return await silence(request)


async def keepalives_without_end(request: web.Request) -> web.StreamResponse:
    response = await begun(request)
    while True:
        await response.write(b": keep-alive\n\n")
        await asyncio.sleep(0)


async def status_then_silence(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(status=500)
    await response.prepare(request)
    await response.write(b"wait for it")
    return await silence(request)


async def reset_before_headers(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return await silence(request)


def reset_after(*pieces: bytes, heard: bool = False) -> Say:
    """Sends *pieces*, and resets the connection: when the caller has heard them, if *heard*."""

    async def say(request: web.Request) -> web.StreamResponse:
        response = await begun(request)
        for data in pieces:
            await response.write(data)
        if heard:
            await request.app[HEARD].wait()
        return await reset_before_headers(request)

    return say


def then(first: bytes, *more: bytes) -> Say:
    """Sends *first*, and the rest when the caller has heard it."""

    async def say(request: web.Request) -> web.StreamResponse:
        response = await begun(request)
        await response.write(first)
        await request.app[HEARD].wait()
        for data in more:
            await response.write(data)
        return response

    return say


NO_ANSWERS: Mapping[str, tuple[Say, type[CallError], str]] = {
    "an HTML page with status 200": (
        replies(b"<!doctype html><p>Sign in</p>", content_type="text/html"),
        MalformedAnswer,
        "text/html",
    ),
    "an empty HTML page": (replies(b"", content_type="text/html"), TruncatedAnswer, "empty"),
    "plain text": (replies(b"hello", content_type="text/plain; charset=utf-8"), MalformedAnswer, "text/plain"),
    "nothing at all": (streams(), TruncatedAnswer, "neither"),
    "no JSON where JSON was promised": (replies(b" \n "), TruncatedAnswer, "empty"),
    "half an event": (streams(b'data: {"choi'), TruncatedAnswer, "12 bytes into an event"),
    "a role and no more": (streams(ROLE), TruncatedAnswer, "neither"),
    "a role and the end marker": (streams(ROLE, DONE), TruncatedAnswer, "before it began"),
    "a nest without end": (streams(b'data: {"x": ' + b"[" * 100_000 + b"\n\n"), MalformedAnswer, "no chunk"),
    "a cut within a whole answer": (replies(b'{"choices": [{"mess'), MalformedAnswer, "truncated"),
    "JSON without an answer": (replies({"object": "list", "data": []}), MalformedAnswer, "no answer"),
    "JSON of another kind": (replies([1, 2]), MalformedAnswer, "Expected"),
    "garbage for a whole answer": (replies(b"\xff\xfe{"), MalformedAnswer, "no chunk"),
    "garbage in the stream": (streams(ROLE, b"data: {nonsense\n\n"), MalformedAnswer, "no chunk"),
    "wrong types in the stream": (streams(frame({"choices": [{"delta": {"content": 7}}]})), MalformedAnswer, "int"),
    "text that is no UTF-8": (
        streams(b'data: {"choices": [{"delta": {"content": "\xff"}}]}\n\n'),
        MalformedAnswer,
        "no chunk",
    ),
    "a megabyte without a newline": (streams(*[b"x" * 65536] * 20), MalformedAnswer, "longer than 1048576"),
    "a reset before the headers": (reset_before_headers, ProviderError, "before any answer"),
    "a reset before the first word": (reset_after(ROLE), TruncatedAnswer, "broke"),
    "an error object with status 200": (
        replies({"error": {"message": "slow down", "type": "requests", "code": "rate_limit_exceeded"}}),
        RateLimited,
        "slow down",
    ),
    "an error object in the stream": (
        streams(ROLE, frame({"error": {"message": "no more credit", "code": "insufficient_quota"}})),
        QuotaExhausted,
        "no more credit",
    ),
    "an error with a status in the stream": (
        streams(frame({"error": {"message": "upstream", "code": 502}, "choices": []})),
        ProviderError,
        "upstream",
    ),
    "an event named error": (
        streams(b'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error"}}\n\n'),
        ProviderOverloaded,
        "error in place of an answer",
    ),
    "an event named error that says nothing": (streams(b"event: error\n\n"), ProviderError, "in place of"),
    "a finish reason of error": (
        streams(frame({"choices": [{"delta": {"content": ""}, "finish_reason": "error"}]})),
        ProviderError,
        "gave up",
    ),
}


@pytest.mark.parametrize(("say", "kind", "told"), NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_what_is_no_answer_is_a_failure_that_says_so(say: Say, kind: type[CallError], told: str) -> None:
    error = asyncio.run(failure_of(say))
    assert type(error) is kind
    assert told in str(error)
    assert isinstance(error, AttemptFailed)
    assert error.endpoint == "vendor"


def said(code: str, message: str = "") -> object:
    return {"error": {"message": message, "type": "invalid_request_error", "code": code}}


STATUSES: Mapping[str, tuple[Say, type[AttemptFailed]]] = {
    "400": (replies(said("bad"), 400), BadRequest),
    "400 of length": (replies(said("context_length_exceeded"), 400), ContextTooLong),
    "400 of length, in words": (replies({"message": "This model's maximum context length is 8"}, 400), ContextTooLong),
    "400 of content": (replies(said("content_filter"), 400), ContentBlocked),
    "401": (replies(said("invalid_api_key", f"Incorrect key {KEY}"), 401), AuthenticationFailed),
    "402": (replies({}, 402), QuotaExhausted),
    "403": (replies(said("denied", PROMPT), 403), PermissionDenied),
    "404": (replies(said("model_not_found"), 404), NotFound),
    "408": (replies(b"", 408), ProviderTimeout),
    "409": (replies(b"", 409), ProviderConflict),
    "413": (replies(b"<html>too large</html>", 413, "text/html"), RequestTooLarge),
    "429": (replies(said("rate_limit_exceeded"), 429), RateLimited),
    "429 of quota": (replies(said("insufficient_quota"), 429), QuotaExhausted),
    "429 of who knows what": (replies(b"slow down", 429, "text/plain"), RateLimited),
    "500": (replies({"error": "down"}, 500), ProviderError),
    "502": (replies(b"<html>bad gateway</html>", 502, "text/html"), ProviderError),
    "503": (replies(b"", 503), ProviderOverloaded),
    "504": (replies(b"", 504), ProviderTimeout),
    "529": (replies({"type": "error", "error": {"type": "overloaded_error"}}, 529), ProviderOverloaded),
    "307": (replies(b"", 307, Location="https://elsewhere/v1"), ProviderError),
    "418": (replies(b"", 418), ProviderError),
}


@pytest.mark.parametrize(("say", "kind"), STATUSES.values(), ids=STATUSES)
@pytest.mark.parametrize("stream", [True, False])
def test_every_status_becomes_its_error(say: Say, kind: type[AttemptFailed], *, stream: bool) -> None:
    assert type(asyncio.run(failure_of(say, stream=stream))) is kind


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "7", "retry-after-ms": "1500.5"}, 1.5005),
        ({"Retry-After": "7", "x-ms-retry-after-ms": "20"}, 0.02),
        ({}, None),
    ],
)
def test_a_rate_limit_tells_when_to_come_back(headers: Mapping[str, str], seconds: float | None) -> None:
    error = asyncio.run(failure_of(replies(said("rate_limit_exceeded"), 429, **headers)))
    assert isinstance(error, RateLimited)
    assert error.retry_after_s == seconds
    assert error.same


def test_a_rate_limit_that_never_ends_is_tried_elsewhere_only() -> None:
    error = asyncio.run(failure_of(replies(b"", 429, **{"Retry-After": "-1"})))
    assert isinstance(error, RateLimited)
    assert (error.same, error.elsewhere, error.retryable) == (False, True, True)


def test_a_redirect_is_not_followed_and_the_key_stays_here() -> None:
    error = asyncio.run(failure_of(replies(b"", 308, Location=f"https://elsewhere/?key={KEY}")))
    assert "redirect to https://elsewhere/?key=***" in str(error)
    assert isinstance(error, AttemptFailed)
    assert not error.same


def test_a_prompt_in_parts_is_hidden_as_well() -> None:
    parts = [{"type": "text", "text": PROMPT}, {"type": "image_url", "image_url": {"url": "https://x"}}, {"text": "a"}]

    async def main() -> None:
        async with asking(replies(said("bad", f"cannot read '{PROMPT}'"), 400)) as asked:
            with pytest.raises(BadRequest, match="cannot read '\\*\\*\\*'"):
                await asked.complete(messages=[{"role": "user", "content": parts}])

    asyncio.run(main())


def test_a_long_message_of_the_vendor_is_shortened() -> None:
    error = asyncio.run(failure_of(replies(said("bad", "word " * 1000), 400)))
    assert len(str(error)) < 400


def test_a_refusal_without_end_is_told_by_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_exchange, "ERROR_WITHIN_S", 0.05)
    error = asyncio.run(failure_of(status_then_silence))
    assert type(error) is ProviderError
    assert "HTTP 500: wait for it" in str(error)


def test_what_follows_the_end_marker_is_read_away_so_that_the_connection_can_be_kept() -> None:
    async def main() -> None:
        async with asking(then(frame(text("Hello")) + frame(STOP) + DONE, b": more\n\n")) as asked:
            await asked.stream()
            await asked.stream()
            assert asked.vendor.connections == 1

    asyncio.run(main())


@pytest.mark.parametrize("say", [silence, headers_then_silence, keepalives_without_end])
@pytest.mark.parametrize("stream", [True, False])
def test_a_server_that_says_nothing_is_left_at_the_deadline(say: Say, *, stream: bool) -> None:
    error = asyncio.run(failure_of(say, budget_s=0.1, stream=stream))
    assert type(error) is DeadlineExceeded


@pytest.mark.parametrize("say", [silence, headers_then_silence, keepalives_without_end])
def test_a_server_that_says_nothing_is_left_at_the_limit_of_the_first_token(say: Say) -> None:
    error = asyncio.run(failure_of(say, limits=Limits(first_token_s=0.1)))
    assert isinstance(error, AttemptTimeout)
    assert error.limit == "first_token"


@pytest.mark.parametrize(
    "say",
    [
        then(frame(text("Hello"))),
        then(frame(text("Hello")), b"data: {nonsense\n\n"),
        then(frame(text("Hello")), frame({"error": {"message": "down"}})),
        then(frame(text("Hello")), b"data: " + b"x" * (1 << 21)),
        reset_after(frame(text("Hello")), heard=True),
        streams(frame(text("Hello"))),
    ],
    ids=["cut", "garbage", "error", "endless line", "reset", "cut at once"],
)
def test_an_answer_that_breaks_off_tells_how_much_was_delivered(say: Say) -> None:
    async def main() -> None:
        heard: list[Chunk] = []
        async with asking(say) as asked, asyncio.timeout(1.0):
            with pytest.raises(StreamInterrupted) as raised:
                await asked.stream_into(heard)
        assert [chunk.text for chunk in heard] == ["Hello"]
        assert raised.value.delivered == 5
        assert_nothing_leaks_out(raised.value)

    asyncio.run(main())


def test_an_answer_that_falls_silent_is_left_at_the_limit_of_the_gap() -> None:
    async def goes_silent(request: web.Request) -> web.StreamResponse:
        response = await begun(request)
        await response.write(frame(text("Hello")))
        return await silence(request)

    async def main() -> None:
        async with asking(goes_silent, limits=Limits(gap_s=0.1)) as asked, asyncio.timeout(1.0):
            with pytest.raises(StreamInterrupted, match="gap limit"):
                await asked.stream()

    asyncio.run(main())


def test_a_reset_after_the_answer_was_complete_does_no_harm() -> None:
    async def main() -> None:
        async with asking(reset_after(frame(text("Hello")), frame(STOP), DONE, heard=True)) as asked:
            assert [chunk.text for chunk in await asked.stream()] == ["Hello", ""]

    asyncio.run(main())


LONG = "x" * 5000


@pytest.mark.parametrize(
    ("say", "provider"),
    [
        (replies({"choices": [{"message": {"content": LONG}}]}), OpenAICompatible(max_answer_bytes=4096)),
        (streams(frame(text(LONG))), OpenAICompatible(max_frame_bytes=4096)),
    ],
)
def test_what_is_read_of_an_answer_is_bounded(say: Say, provider: OpenAICompatible) -> None:
    error = asyncio.run(failure_of(say, provider=provider))
    assert type(error) is MalformedAnswer
    assert "longer than 4096 bytes" in str(error)
