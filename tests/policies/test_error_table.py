"""Every way a call can fail, and what everyone makes of it (I15): one row, one condition, and six columns.

again: whether the same endpoint is asked again, and whether another of the model is. seen: by the caller.
health, signal: what a breaker and a limit are told. sample: what is learned of the endpoint's latency.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import TypeAlias

import aiohttp
import attrs
import pytest
from tenacity import stop_after_attempt, wait_fixed

from paceline.policies import LatencyBudget, Otherwise, Retry, RoundRobin, Slots
from paceline.providers.error_body import VendorError
from paceline.providers.http_errors import BY_STATUS, BY_WORD, failure_of
from paceline.providers.http_pool import unsent
from paceline.router import Attempt, Budget, Chunk, Limits, Outcome, Policy, Profile, Router, Target, errors
from paceline.router.errors import (
    AttemptFailed,
    AttemptTimeout,
    AuthenticationFailed,
    BadRequest,
    CallError,
    ConnectFailed,
    ContentBlocked,
    ContextTooLong,
    DeadlineExceeded,
    DeadlineInsufficient,
    Gated,
    MalformedAnswer,
    NotFound,
    Overloaded,
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
from paceline.router.testing import (
    SILENT,
    Cut,
    Fail,
    Say,
    Script,
    Scripted,
    Silence,
    answers,
    endpoint,
    fails,
    run,
)
from paceline.router.verdict import Health, Signal

from .asking import Told, hello, in_pieces, routed, told, whole

Way: TypeAlias = Callable[[Router], Awaitable[CallError]]

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TRIES = 4
HELD = Limits(first_token_s=1.0, gap_s=1.0)


class Again(enum.Enum):
    """Tries at the only endpoint, of four; and tries at another one."""

    NEVER = (1, 0)
    ELSEWHERE = (1, 1)
    ONCE_HERE = (2, 1)
    ANYWHERE = (TRIES, 1)


class Sample(enum.Enum):
    """What is learned of an endpoint's latency: first tokens, those cut off, totals, those cut off; and a penalty.

    A failure is no latency, however fast.
    """

    NONE = (0, 0, 0, 0, False)
    PENALTY = (0, 0, 0, 0, True)
    """Reckoned as seconds where speeds are compared."""
    CENSORED = (0, 1, 0, 1, False)
    """It would have taken at least so long."""
    CENSORED_AND_PENALTY = (0, 1, 0, 1, True)
    STARTED = (1, 0, 0, 1, True)
    """A time to the first token, and a whole that was cut off."""
    NORMAL = (1, 0, 1, 0, False)


def refused(status: int | None, word: str = "", headers: Mapping[str, str] | None = None) -> Script:
    """The vendor says no."""
    error = VendorError(words=(word,) if word else ())

    def failure() -> AttemptFailed:
        return failure_of(error, headers or {}, status=status, endpoint="a", hidden=(), received=NOW)

    return (Fail(0.25, failure),)


def unanswered(error: Exception, *, connected: bool) -> Script:
    """The request got no response, on a new or on a kept connection."""
    attempt = Attempt(endpoint=endpoint("a", Scripted()), number=1, sent_s=0.0, connect_s=0.01 if connected else None)
    return (Fail(0.25, lambda: unsent(error, attempt)),)


def begun(script: Script, text: str = "") -> Script:
    return (Say(0.125, Chunk(text)), *script)


@attrs.frozen
class Row:
    """One condition, by its number in the design's table."""

    script: Script
    seen: type[CallError] | None
    again: Again
    health: Health
    signal: Signal
    sample: Sample


def fault(script: Script, kind: type[CallError], again: Again = Again.ANYWHERE, sample: Sample = Sample.PENALTY) -> Row:
    """The endpoint's own failure."""
    return Row(script, kind, again, Health.ENDPOINT, Signal.IGNORED, sample)


def refusal(script: Script, kind: type[CallError]) -> Row:
    """The caller's own mistake."""
    return Row(script, kind, Again.NEVER, Health.NONE, Signal.IGNORED, Sample.NONE)


def of_the_key(script: Script, kind: type[CallError]) -> Row:
    """What no call with this key can do. It is no latency, but nobody should prefer it either."""
    return Row(script, kind, Again.ELSEWHERE, Health.CREDENTIAL, Signal.IGNORED, Sample.PENALTY)


def of_load(script: Script, kind: type[CallError], health: Health = Health.ENDPOINT) -> Row:
    """There is too much to do."""
    return Row(script, kind, Again.ANYWHERE, health, Signal.DROPPED, Sample.PENALTY)


def broken_off(script: Script, signal: Signal) -> Row:
    """After progress nothing is repeated."""
    return Row(begun(script, "half"), StreamInterrupted, Again.NEVER, Health.ENDPOINT, signal, Sample.STARTED)


SOON = {"retry-after": "2"}
FULL_HOUSE = {"retry-after-ms": "20"}
NOT_AGAIN, DO_TRY = {"x-should-retry": "false"}, {"x-should-retry": "true"}
NEVER = {"retry-after": "-1"}
FILTERED: Script = (Say(0.25, Chunk("no", finish_reason="content_filter")),)

ROWS: dict[str, Row] = {
    "1: 400": refusal(refused(400), BadRequest),
    "1: 405": refusal(refused(405), BadRequest),
    "1: 415": refusal(refused(415), BadRequest),
    "1: 422": refusal(refused(422), BadRequest),
    "2: 400 of length": refusal(refused(400, "context_length_exceeded"), ContextTooLong),
    "2: 413": refusal(refused(413), RequestTooLarge),
    "3: 400 of content": refusal(refused(400, "content_filter"), ContentBlocked),
    "4: finish reason of content": Row(FILTERED, None, Again.NEVER, Health.NONE, Signal.OK, Sample.NORMAL),
    "5: 401": of_the_key(refused(401), AuthenticationFailed),
    "6: 402": of_the_key(refused(402), QuotaExhausted),
    "6: 412": of_the_key(refused(412), PermissionDenied),
    "6: 403": of_the_key(refused(403), PermissionDenied),
    "7: 404": Row(refused(404), NotFound, Again.ELSEWHERE, Health.DEPLOYMENT, Signal.IGNORED, Sample.PENALTY),
    "8: 408": of_load(refused(408), ProviderTimeout),
    "9: 409": Row(refused(409), ProviderConflict, Again.ANYWHERE, Health.NONE, Signal.IGNORED, Sample.NONE),
    "10: 424": fault(refused(424), ProviderError),
    "11: 429": of_load(refused(429), RateLimited, Health.LIMIT),
    "11: 429 with Retry-After": of_load(refused(429, headers=SOON), RateLimited, Health.LIMIT),
    "11: 429 that never ends": attrs.evolve(
        of_load(refused(429, headers=NEVER), RateLimited, Health.LIMIT), again=Again.ELSEWHERE
    ),
    "12: 429 of quota": of_the_key(refused(429, "insufficient_quota"), QuotaExhausted),
    "13: 429 of a full house": attrs.evolve(
        of_load(refused(429, headers=FULL_HOUSE), RateLimited, Health.NONE), sample=Sample.NONE
    ),
    "14: 500": fault(refused(500), ProviderError),
    "14: 501": fault(refused(501), ProviderError),
    "14: 502": fault(refused(502), ProviderError),
    "14: 599": fault(refused(599), ProviderError),
    "14: 500, not to be retried": fault(refused(500, headers=NOT_AGAIN), ProviderError, Again.ELSEWHERE),
    "15: 503": of_load(refused(503), ProviderOverloaded),
    "15: 503 with Retry-After": of_load(refused(503, headers=SOON), ProviderOverloaded),
    "15: 498": of_load(refused(498), ProviderOverloaded),
    "15: 529": of_load(refused(529), ProviderOverloaded),
    "15: 500 of load": of_load(refused(500, "overloaded_error"), ProviderOverloaded),
    "16: 504": of_load(refused(504), ProviderTimeout),
    "17: no connection": fault(fails(0.25, ConnectFailed), ConnectFailed, Again.ONCE_HERE),
    "19: kept connection closed": Row(
        unanswered(aiohttp.ServerDisconnectedError(), connected=False),
        ConnectFailed, Again.ONCE_HERE, Health.NONE, Signal.IGNORED, Sample.NONE,
    ),
    "20: reset before headers": fault(unanswered(ConnectionResetError(), connected=True), ProviderError),
    "20: no HTTP": fault(fails(0.25, MalformedAnswer), MalformedAnswer),
    "21: nothing in time": Row(
        SILENT, AttemptTimeout, Again.ELSEWHERE, Health.ENDPOINT, Signal.DROPPED, Sample.CENSORED_AND_PENALTY
    ),
    "22: 529 in the stream": of_load(begun(refused(None, "overloaded_error")), ProviderOverloaded),
    "22: 400 in the stream": refusal(begun(refused(None, "invalid_request_error")), BadRequest),
    "23: error in a 200": fault(refused(200), ProviderError),
    "23: 429 in a 200": of_load(refused(200, "rate_limit_exceeded"), RateLimited, Health.LIMIT),
    "24: malformed": fault(begun(fails(0.25, MalformedAnswer)), MalformedAnswer),
    "24: truncated": fault(begun((Cut(0.25),)), TruncatedAnswer),
    "25: malformed after progress": broken_off(fails(0.25, MalformedAnswer), Signal.IGNORED),
    "25: truncated after progress": broken_off((Cut(0.25),), Signal.IGNORED),
    "25: 529 after progress": broken_off(refused(None, "overloaded_error"), Signal.DROPPED),
    "26: stalled after progress": broken_off((Silence(),), Signal.DROPPED),
    "35: 100": fault(refused(100), ProviderError, Again.ELSEWHERE),
    "35: 302": fault(refused(302), ProviderError, Again.ELSEWHERE),
    "35: 418": fault(refused(418), ProviderError, Again.ELSEWHERE),
    "35: 418, to be retried": fault(refused(418, headers=DO_TRY), ProviderError),
}  # fmt: skip

rows = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)


def asked_of(row: Row, *others: Scripted) -> tuple[Told, Target, int]:
    """A stream is asked for, first of an endpoint in the row's condition and then, if may be, of others."""
    provider = Scripted(row.script)

    async def main() -> tuple[Told, Target]:
        endpoints = [endpoint("a", provider, limits=HELD), *(endpoint(f"b{n}", b) for n, b in enumerate(others))]
        policies: list[Policy] = [Retry(stop=stop_after_attempt(TRIES), wait=wait_fixed(0.25)), RoundRobin()]
        async with routed(endpoints, policies) as router:
            return await told(in_pieces, router, hello(model="m")), router.fleet["a"]

    return *run(main), provider.calls


@rows
def test_same(row: Row) -> None:
    assert asked_of(row)[2] == row.again.value[0]


@rows
def test_elsewhere(row: Row) -> None:
    other = Scripted(answers(0.25, "mended"))
    end, _, calls = asked_of(row, other)
    assert (calls, other.calls) == (1, row.again.value[1])
    assert row.again is Again.NEVER or end.answer.text == "mended"


@rows
def test_what_a_breaker_and_a_limit_are_told(row: Row) -> None:
    end, target, _ = asked_of(row)
    for attempt in end.given.attempts:
        assert (attempt.health, attempt.signal) == (row.health, row.signal)
    assert target.in_flight == 0


@rows
def test_what_the_caller_sees(row: Row) -> None:
    end = asked_of(row)[0]
    if row.seen is None:
        assert end.answer.finish_reason == "content_filter"
    else:
        assert type(end.error) is row.seen


def learned_of(row: Row) -> tuple[int, int, int, int, bool]:
    """What is learned of one attempt."""

    async def main() -> tuple[int, int, int, int, bool]:
        async with routed([endpoint("a", Scripted(row.script), limits=HELD)], []) as router:
            now_s = (await told(in_pieces, router, hello(model="m"))).at_s
            learned = router.fleet["a"].learned
            ttft, total = learned.ttft.fold(now_s), learned.total.measured.fold(now_s)
            return ttft.count, ttft.censored, total.count, total.censored, learned.recent.failing(now_s) > 0

    return run(main)


@rows
def test_what_is_learned_of_its_latency(row: Row) -> None:
    assert Sample(learned_of(row)) is row.sample


def test_every_status_and_every_class_has_a_row() -> None:
    statuses = {int(word) for name in ROWS for word in name.replace(",", "").split()[1:2] if word.isdigit()}
    assert set(BY_STATUS) <= statuses

    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AttemptFailed)}
    local = {Overloaded, Gated, errors.Throttled, errors.Unsupported}
    families = {AttemptFailed, errors.CallerAtFault}
    assert {row.seen for row in ROWS.values()} - {None} == kinds - local - families
    assert set(BY_WORD.values()) <= kinds


# -- rows 28 and 29: whose patience ended


def test_28_a_deadline_that_cuts_an_attempt_short_says_nothing_of_the_endpoint() -> None:
    async def main() -> None:
        async with routed([endpoint("a", Scripted(SILENT), limits=HELD)], [Retry()]) as router:
            end = await told(in_pieces, router, hello(model="m", budget_s=0.5))
            assert isinstance(end.error, DeadlineExceeded)
            (attempt,) = end.error.attempts
            assert (attempt.health, attempt.signal) == (Health.NONE, Signal.IGNORED)
            assert router.fleet["a"].learned.recent.failing(0.5) == 0
            assert router.fleet["a"].learned.ttft.fold(0.5).censored == 1

    run(main)


def test_29_a_caller_who_leaves_says_nothing_of_the_endpoint() -> None:
    async def main() -> None:
        async with routed([endpoint("a", Scripted(SILENT), limits=HELD)], [Retry()]) as router:
            call = asyncio.create_task(told(in_pieces, router, hello(model="m")))
            await asyncio.sleep(0.5)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert router.fleet["a"].learned.recent.failing(0.5) == 0
            assert router.fleet["a"].learned.ttft.fold(0.5).censored == 1

    run(main)


# -- rows 31 to 34: nothing was sent, so nobody is told anything


async def no_slot(router: Router) -> CallError:
    with router.fleet["a"].slots.acquire_over_limit():
        return (await told(whole, router, hello(model="m"))).error


async def gated(router: Router) -> CallError:
    target = router.fleet["a"]
    error = RateLimited("slow down", retry_after_s=90.0)
    attempt = Attempt(endpoint=target.endpoint, number=1, sent_s=0.0, outcome=Outcome.FAILED, error=error)
    target.finished(attempt, 0.0, blame=False)
    return (await told(whole, router, hello(model="m"))).error


async def too_late(router: Router) -> CallError:
    return (await told(whole, router, hello(model="m", budget_s=0.5))).error


@pytest.mark.parametrize(
    ("way", "kind"),
    [(no_slot, Overloaded), (gated, Gated), (too_late, DeadlineInsufficient)],
    ids=["31", "32", "33"],
)
def test_what_fails_here_is_told_to_nobody(way: Way, kind: type[CallError]) -> None:
    provider = Scripted()

    async def main() -> None:
        slow = Profile(ttft_s=5.0)
        policies: list[Policy] = [Retry(), LatencyBudget(otherwise=Otherwise.REFUSE), Slots(max_wait_s=0.0)]
        async with routed([endpoint("a", provider, slots=1, profile=slow)], policies) as router:
            error = await way(router)
            assert type(error) is kind
            assert (list(error.attempts), router.fleet["a"].in_flight) == ([], 0)
            assert router.fleet["a"].learned.recent.failing(0.0) == 0

    run(main)
    assert provider.calls == 0


def test_34_an_empty_budget_lets_the_last_failure_up_and_nobody_ask_again() -> None:
    provider = Scripted(refused(500))

    async def main() -> CallError:
        async with routed([endpoint("a", provider)], [Retry()], budget=Budget(ratio=0, reserve=0)) as router:
            return (await told(whole, router, hello(model="m"))).error

    error = run(main)
    assert isinstance(error, ProviderError)
    assert not error.retryable
    assert provider.calls == 1
