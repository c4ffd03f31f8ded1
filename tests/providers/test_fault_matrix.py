"""Everything that can go wrong with a server, one row each: the error it is, and whether another endpoint is asked.

Each fault is met three times: alone, where it must be exactly the one typed error; beside an endpoint that is well,
where `Retry` must go there, or must not; and by a caller who has already seen text, to whom nothing may be repeated.
Each time, at the end, no connection, no task and no slot may be left; the servers prove that theirs are closed.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import attrs
import msgspec
import pytest

from paceline.policies import Retry
from paceline.providers import OpenAICompatible
from paceline.router import Answer, Chunk, Endpoint, Limits, Outcome, Request, Router
from paceline.router.errors import (
    AttemptFailed,
    AttemptTimeout,
    AuthenticationFailed,
    CallError,
    ConnectFailed,
    MalformedAnswer,
    NotFound,
    PermissionDenied,
    ProviderError,
    ProviderOverloaded,
    ProviderTimeout,
    QuotaExhausted,
    RateLimited,
    RequestTooLarge,
    StreamInterrupted,
    TruncatedAnswer,
)

from .faults import (
    FINISH,
    HELLO,
    OK,
    ROLE,
    Server,
    bare,
    drip,
    endless_line,
    headers_then_silence,
    http,
    keepalives_for_ever,
    nowhere,
    over_tls,
    refused,
    reset_before_headers,
    says_then_hangs,
    silence,
    untrusted,
)
from .loopback import DONE, WHOLE, frame, replies, streams, text

AT_MOST_S = 3.0
"""Seconds that any of this may take."""

SHORT = Limits(first_token_s=0.05, gap_s=0.05)


@attrs.frozen
class Fault:
    """One row.

    error: what it is, exactly. elsewhere: another endpoint is asked. retry_after_s: what the error says; None: nothing.
    text: what had come when it happened. limits: of the attempt.
    """

    server: Server
    error: type[AttemptFailed]
    elsewhere: bool = True
    retry_after_s: float | None = None
    text: str = ""
    limits: Limits = Limits()  # noqa: RUF009  frozen


def error(code: str, **fields: object) -> object:
    return {"error": {"message": "no", "type": "x", "code": code, **fields}}


def status(number: int, code: str = "", **headers: str) -> Server:
    return http(replies(error(code) if code else b"", number, **headers))


def limited(**headers: str) -> Server:
    return status(429, "rate_limit_exceeded", **headers)


JSON = b"Content-Type: application/json\r\n"
ANSWER = msgspec.json.encode({"choices": [{"message": {"content": "Hello there"}, "finish_reason": "stop"}]})
GZIP: Mapping[str, Any] = {"Content-Encoding": "gzip"}
NOON = "Sun, 01 Mar 2026 12:00:00 GMT"
IN_A_MINUTE = "Sun, 01 Mar 2026 12:01:00 GMT"
DELAY = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17s"}]

FAULTS: Mapping[str, Fault] = {
    # there is no connection
    "refused": Fault(refused, ConnectFailed),
    "no such name": Fault(nowhere("http://nowhere.invalid/v1"), ConnectFailed),
    "no TLS where it was asked for": Fault(over_tls(bare(b"what?")), ConnectFailed),
    "a certificate nobody knows": Fault(untrusted(streams(WHOLE)), ConnectFailed),
    # there is no answer
    "reset before headers": Fault(http(reset_before_headers), ProviderError),
    "closed before headers": Fault(bare(), ProviderError),
    "silent": Fault(http(silence), AttemptTimeout, limits=SHORT),
    "not HTTP": Fault(bare(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), MalformedAnswer),
    "redirect": Fault(status(307, Location="https://elsewhere.example/v1"), ProviderError),
    # there is an answer, and it never begins
    "headers, then silent": Fault(http(headers_then_silence), AttemptTimeout, limits=SHORT),
    "keep-alives for ever": Fault(http(keepalives_for_ever), AttemptTimeout, limits=SHORT),
    "half a frame, then silent": Fault(http(says_then_hangs(b'data: {"cho')), AttemptTimeout, limits=SHORT),
    "half a frame, then closed": Fault(http(streams(ROLE, b'data: {"cho')), TruncatedAnswer),
    "nothing, then closed": Fault(http(streams()), TruncatedAnswer),
    "garbage first": Fault(http(streams(b"data: {nonsense\n\n")), MalformedAnswer),
    "HTML": Fault(http(replies(b"<html>Sign in</html>", content_type="text/html")), MalformedAnswer),
    "a line of 100 MB": Fault(http(endless_line), MalformedAnswer),
    "an error after the first event": Fault(http(streams(ROLE, frame(error("server_error")))), ProviderError),
    "overloaded after the first event": Fault(http(streams(ROLE, frame(error("overloaded")))), ProviderOverloaded),
    # it begins, and never ends
    "garbage in the middle": Fault(http(streams(HELLO, b"data: {nonsense\n\n")), MalformedAnswer, text="Hello"),
    "an error in the middle": Fault(http(streams(HELLO, frame(error("server_error")))), ProviderError, text="Hello"),
    "cut without a finish reason": Fault(http(streams(HELLO)), TruncatedAnswer, text="Hello"),
    "cut in a frame after text": Fault(http(streams(HELLO, HELLO[:20])), TruncatedAnswer, text="Hello"),
    "silent after text": Fault(http(says_then_hangs(HELLO)), AttemptTimeout, text="Hello", limits=SHORT),
    "drip, where that is too slow": Fault(http(drip), AttemptTimeout, text="Hello", limits=SHORT),
    # the body is not what its headers say
    "shorter than it says": Fault(bare(OK, JSON, b"Content-Length: 500\r\n\r\n", ANSWER), TruncatedAnswer),
    "longer than it says": Fault(bare(OK, JSON, b"Content-Length: 20\r\n\r\n", ANSWER), MalformedAnswer),
    "gzip that is none": Fault(bare(OK, JSON, b"Content-Encoding: gzip\r\n\r\n", ANSWER), TruncatedAnswer),
    "gzip that is cut": Fault(http(replies(gzip.compress(ANSWER)[:-20], **GZIP)), MalformedAnswer),
    # it is refused
    "401": Fault(status(401, "invalid_api_key"), AuthenticationFailed),
    "402": Fault(status(402), QuotaExhausted),
    "403": Fault(status(403), PermissionDenied),
    "404": Fault(status(404, "model_not_found"), NotFound),
    "408": Fault(status(408), ProviderTimeout),
    "413": Fault(status(413), RequestTooLarge, elsewhere=False),
    "429": Fault(limited(), RateLimited),
    "429, in seconds": Fault(limited(**{"Retry-After": "7"}), RateLimited, retry_after_s=7.0),
    "429, in fractions": Fault(limited(**{"Retry-After": "0.25"}), RateLimited, retry_after_s=0.25),
    "429, at once": Fault(limited(**{"Retry-After": "0"}), RateLimited, retry_after_s=0.0),
    "429, a date": Fault(limited(**{"Retry-After": IN_A_MINUTE, "Date": NOON}), RateLimited, retry_after_s=60.0),
    "429, a date gone by": Fault(limited(**{"Retry-After": NOON, "Date": IN_A_MINUTE}), RateLimited, retry_after_s=0.0),
    "429, in milliseconds": Fault(limited(**{"retry-after-ms": "1500.5"}), RateLimited, retry_after_s=1.5005),
    "429, in Azure's": Fault(limited(**{"x-ms-retry-after-ms": "1500"}), RateLimited, retry_after_s=1.5),
    "429, both": Fault(limited(**{"Retry-After": "7", "retry-after-ms": "20"}), RateLimited, retry_after_s=0.02),
    "429, negative": Fault(limited(**{"Retry-After": "-1"}), RateLimited),
    "429, garbage": Fault(limited(**{"Retry-After": "later"}), RateLimited),
    "429, by its reset": Fault(
        limited(**{"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}),
        RateLimited,
        retry_after_s=360.0,
    ),
    "429, in the body": Fault(http(replies(error("", details=DELAY), 429)), RateLimited, retry_after_s=17.0),
    "429 of quota": Fault(status(429, "insufficient_quota"), QuotaExhausted),
    "500": Fault(status(500), ProviderError),
    "502": Fault(http(replies(b"<html>Bad gateway</html>", 502, "text/html")), ProviderError),
    "503": Fault(status(503), ProviderOverloaded),
    "503, in seconds": Fault(status(503, **{"Retry-After": "2"}), ProviderOverloaded, retry_after_s=2.0),
    "504": Fault(status(504), ProviderTimeout),
    "529": Fault(status(529), ProviderOverloaded),
}

with_every_fault = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)

PROVIDER = OpenAICompatible()


@asynccontextmanager
async def asking_both(fault: Fault, *, well: bool) -> AsyncGenerator[Router]:
    """A router that asks the faulty server first and, if *well*, may ask a good one. Nothing may be left at the end."""
    before = asyncio.all_tasks()
    async with asyncio.timeout(AT_MOST_S), fault.server() as url, http(streams(WHOLE))() as good:
        endpoints = [Endpoint(name="bad", provider=PROVIDER, model="m", url=url, limits=fault.limits, slots=1)]
        if well:
            endpoints.append(Endpoint(name="well", provider=PROVIDER, model="m", url=good, slots=1))
        async with Router(endpoints, policies=[Retry()] if well else []) as router:
            yield router
            assert [target.in_flight for target in router.fleet] == [0] * len(endpoints), "a slot is left"
            assert [pool.in_use for pool in router.pools()] == [0], "a connection is left"
    assert asyncio.all_tasks() <= before, "a task is left"


def asked(*, stream: bool = True) -> Request:
    return Request(messages="hello", model="m", budget_s=AT_MOST_S, stream=stream)


@with_every_fault
def test_alone_it_is_exactly_one_typed_error(fault: Fault) -> None:
    async def main() -> CallError:
        async with asking_both(fault, well=False) as router:
            with pytest.raises(CallError) as raised:
                await router.complete(asked())
        return raised.value

    failure = asyncio.run(main())
    assert type(failure) is fault.error
    assert isinstance(failure, AttemptFailed)
    assert failure.endpoint == "bad"
    assert failure.retry_after_s == fault.retry_after_s
    assert failure.elsewhere is fault.elsewhere
    (attempt,) = failure.attempts
    assert attempt.outcome is (Outcome.TIMED_OUT if fault.error is AttemptTimeout else Outcome.FAILED)


@with_every_fault
def test_beside_an_endpoint_that_is_well_it_is_asked_there_or_not_at_all(fault: Fault) -> None:
    async def main() -> Answer | CallError:
        async with asking_both(fault, well=True) as router:
            try:
                return await router.complete(asked())
            except CallError as failure:
                return failure

    result = asyncio.run(main())
    assert [attempt.endpoint.name for attempt in result.attempts] == ["bad", "well"][: 1 + fault.elsewhere]
    assert type(result.attempts[0].error) is fault.error
    if fault.elsewhere:
        assert isinstance(result, Answer)
        assert result.text == "Hello there", "nothing of the broken answer is in it"
    else:
        assert type(result) is fault.error


@with_every_fault
def test_a_caller_who_has_seen_text_sees_nothing_twice(fault: Fault) -> None:
    """And to one who has seen nothing yet, it did not happen."""

    async def main() -> tuple[list[Chunk], CallError | None]:
        heard: list[Chunk] = []

        async def emit(chunk: Chunk) -> None:
            heard.append(chunk)

        async with asking_both(fault, well=True) as router:
            try:
                await router.send(asked(), emit)
            except CallError as failure:
                return heard, failure
        return heard, None

    heard, failure = asyncio.run(main())
    if fault.text:
        assert isinstance(failure, StreamInterrupted)
        assert failure.delivered == len(fault.text)
        assert "".join(chunk.text for chunk in heard) == fault.text
        assert len(failure.attempts) == 1
    elif fault.elsewhere:
        assert failure is None
        assert "".join(chunk.text for chunk in heard) == "Hello there"
    else:
        assert type(failure) is fault.error
        assert heard == []


# -- what looks like a fault and is none

ODD: Mapping[str, Server] = {
    "gzip, in one piece": http(replies(gzip.compress(ANSWER), **GZIP)),
    "gzip, as a stream": http(streams(gzip.compress(WHOLE), **GZIP)),
    "no end marker": http(streams(HELLO, frame(text(" there")), FINISH)),
    "no finish reason, and the end marker": http(streams(HELLO, frame(text(" there")), DONE)),
    "keep-alives first": http(streams(*[b": keep-alive\n\n"] * 100, WHOLE)),
    "one byte at a time": http(streams(*(WHOLE[place : place + 1] for place in range(len(WHOLE))))),
    "HTTP/1.0, until it closes": bare(b"HTTP/1.0 200 OK\r\n", JSON, b"\r\n", ANSWER),
    "blank lines before the answer": http(replies(b"\n" * 50 + ANSWER)),
    "a stream that stays open after its end": http(says_then_hangs(WHOLE)),
}


@pytest.mark.parametrize("server", ODD.values(), ids=ODD)
def test_an_odd_answer_that_is_whole_is_an_answer(server: Server) -> None:
    async def main() -> Answer:
        async with asking_both(Fault(server, ProviderError), well=False) as router:
            return await router.complete(asked())

    assert asyncio.run(main()).text == "Hello there"
