"""`Retry`: what is tried again, where and how often. How long it waits is in test_retry_waits.py."""

from __future__ import annotations

import pytest
from tenacity import RetryCallState, stop_after_attempt, stop_after_delay, stop_before_delay
from tenacity.stop import stop_base

from paceline.policies import LatencyBudget, Regions, Retry
from paceline.router import Call, Emit, Endpoint, Handler, Policy, Request
from paceline.router.errors import (
    AttemptFailed,
    AuthenticationFailed,
    BadRequest,
    ConnectFailed,
    ContentBlocked,
    ContextTooLong,
    MalformedAnswer,
    NoEndpoint,
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
)
from paceline.router.testing import Scripted, answers, endpoint, fails

from .asking import Ask, asked, cut_after, given_up, hello, in_a_second, in_pieces, whole

M = hello(model="m")

MENDED_BY_ANOTHER_TRY = [
    ConnectFailed, MalformedAnswer, ProviderConflict, ProviderError, ProviderOverloaded, ProviderTimeout, RateLimited,
]  # fmt: skip
MENDED_ELSEWHERE_ONLY = [AuthenticationFailed, PermissionDenied, QuotaExhausted, NotFound]
MENDED_NOWHERE = [BadRequest, ContextTooLong, RequestTooLarge, ContentBlocked, Overloaded]


class Counted(stop_base):
    """A stop object of tenacity's own kind that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, retry_state: RetryCallState) -> bool:
        self.asked += 1
        return False


def fleet(*providers: Scripted) -> list[Endpoint]:
    return [endpoint(name, provider) for name, provider in zip("abcdef", providers, strict=False)]


def test_a_failure_is_mended_elsewhere_at_once(ask: Ask) -> None:
    a, b = Scripted(fails(0.5, ProviderError)), Scripted(answers(0.25))
    end = asked(ask, M, fleet(a, b), [Retry()])
    assert (end.answer.endpoint, end.at_s) == ("b", 0.75)
    assert (a.calls, b.calls) == (1, 1)


def test_it_goes_back_only_when_every_endpoint_was_tried(ask: Ask) -> None:
    a, b, c = (Scripted(fails(0.0, ProviderError)) for _ in range(3))
    end = asked(ask, M, fleet(a, b, c), [Retry(stop=stop_after_attempt(4))])
    assert sorted(attempt.endpoint.name for attempt in end.error.attempts[:3]) == ["a", "b", "c"]
    assert len(end.error.attempts) == 4


def test_three_tries_are_made_by_default_and_the_last_failure_goes_up(ask: Ask) -> None:
    a = Scripted(fails(0.0, ProviderError), fails(0.0, RateLimited), fails(0.0, ConnectFailed))
    end = asked(ask, M, fleet(a), [Retry()])
    assert isinstance(end.error, ConnectFailed)
    assert [attempt.number for attempt in end.error.attempts] == [1, 2, 3]


@pytest.mark.parametrize("tries", [1, 2, 5])
def test_tenacity_says_when_to_stop(ask: Ask, tries: int) -> None:
    a = Scripted(fails(0.0, ProviderError))
    asked(ask, M, fleet(a), [Retry(stop=stop_after_attempt(tries))])
    assert a.calls == tries


def test_tenacity_is_told_the_time_of_the_routers_clock(ask: Ask) -> None:
    providers = [Scripted(fails(0.5, ProviderError)) for _ in range(4)]
    end = asked(ask, M, fleet(*providers), [Retry(stop=stop_after_delay(1.0))])
    assert (len(end.error.attempts), end.at_s) == (2, 1.0)


def test_tenacity_is_told_the_wait_to_come(ask: Ask) -> None:
    a = Scripted(fails(0.5, in_a_second), answers(0.25))
    end = asked(ask, M, fleet(a), [Retry(stop=stop_before_delay(1.25))])
    assert isinstance(end.error, RateLimited)
    assert end.at_s == 0.5


@pytest.mark.parametrize("fault", MENDED_BY_ANOTHER_TRY)
def test_what_another_try_may_mend_is_tried_at_the_only_endpoint(ask: Ask, fault: type[AttemptFailed]) -> None:
    a = Scripted(fails(0.25, fault), answers(0.25, "mended"))
    assert asked(ask, M, fleet(a), [Retry()]).answer.text == "mended"


@pytest.mark.parametrize("fault", MENDED_ELSEWHERE_ONLY)
def test_what_another_endpoint_may_mend_never_goes_back(ask: Ask, fault: type[AttemptFailed]) -> None:
    a, b = Scripted(fails(0.25, fault)), Scripted(fails(0.25, ProviderError))
    asked(ask, M, fleet(a, b), [Retry(stop=stop_after_attempt(5))])
    assert (a.calls, b.calls) == (1, 4)


@pytest.mark.parametrize("fault", MENDED_ELSEWHERE_ONLY)
def test_it_goes_up_at_once_if_there_is_no_other_endpoint(ask: Ask, fault: type[AttemptFailed]) -> None:
    a = Scripted(fails(0.25, fault))
    end = asked(ask, M, fleet(a), [Retry()])
    assert isinstance(end.error, fault)
    assert (end.at_s, a.calls) == (0.25, 1)


@pytest.mark.parametrize("fault", MENDED_NOWHERE)
def test_what_no_try_could_mend_goes_up_at_once(ask: Ask, fault: type[AttemptFailed]) -> None:
    a, b = Scripted(fails(0.25, fault)), Scripted()
    end = asked(ask, M, fleet(a, b), [Retry()])
    assert isinstance(end.error, fault)
    assert (end.at_s, b.calls) == (0.25, 0)


def test_a_failure_an_inner_layer_has_given_up_on_is_not_multiplied(ask: Ask) -> None:
    a, b = Scripted(fails(0.25, given_up)), Scripted()
    asked(ask, M, fleet(a, b), [Retry()])
    assert (a.calls, b.calls) == (1, 0)


def test_a_stream_that_began_is_never_repeated() -> None:
    a, b = Scripted(cut_after(0.5, "half")), Scripted()
    end = asked(in_pieces, M, fleet(a, b), [Retry()])
    assert isinstance(end.error, StreamInterrupted)
    assert (end.error.delivered, b.calls) == (4, 0)


def test_a_stream_that_only_cleared_its_throat_is_repeated() -> None:
    a, b = Scripted(cut_after(0.5, "")), Scripted(answers(0.25, "all"))
    assert asked(in_pieces, M, fleet(a, b), [Retry()]).answer.text == "all"


def test_a_whole_answer_cut_short_is_repeated_and_nothing_of_the_first_try_is_in_it() -> None:
    a, b = Scripted(cut_after(0.5, "half", "way")), Scripted(answers(0.25, "all", "of", "it"))
    end = asked(whole, M, fleet(a, b), [Retry()])
    assert (end.answer.text, end.answer.retries) == ("allofit", ("truncated",))


def test_the_answer_says_why_each_retry_was_made(ask: Ask) -> None:
    a, b, c = Scripted(fails(0.5, RateLimited)), Scripted(fails(0.5, ConnectFailed)), Scripted(answers(0.5))
    answer = asked(ask, M, fleet(a, b, c), [Retry()]).answer
    assert answer.retries == ("rate_limited", "connect")
    assert [str(decision) for decision in answer.decisions] == [
        "Retry: after rate_limited, in 0.000 s",
        "Retry: after connect, in 0.000 s",
    ]


@pytest.mark.parametrize(
    ("at_most", "calls"),
    [
        ({}, 5),
        ({RateLimited: 1}, 4),
        ({RateLimited: 0}, 2),
        ({ProviderError: 0}, 1),
        ({ConnectFailed: 0}, 5),
        ({AttemptFailed: 3}, 4),
        ({RateLimited: 2, AttemptFailed: 1}, 2),
    ],
)
def test_failures_of_one_class_may_have_a_limit_of_their_own(
    ask: Ask, at_most: dict[type[AttemptFailed], int], calls: int
) -> None:
    a = Scripted(*[fails(0.0, kind) for kind in (MalformedAnswer, RateLimited, ProviderError, RateLimited, NotFound)])
    end = asked(ask, M, fleet(a), [Retry(stop=stop_after_attempt(9), at_most=at_most)])
    assert (a.calls, len(end.error.attempts)) == (calls, calls)


def test_a_limit_of_one_class_is_told_as_the_reason(ask: Ask) -> None:
    end = asked(ask, M, fleet(Scripted(fails(0.0, RateLimited))), [Retry(at_most={RateLimited: 1})])
    assert end.error.decisions[-1].reason == "gives up: no more tries after rate_limited"


def test_an_endpoint_that_cannot_be_connected_to_is_asked_once_more_and_the_others_then(ask: Ask) -> None:
    a, b = Scripted(fails(0.0, ConnectFailed)), Scripted(fails(0.0, ProviderError))
    asked(ask, M, fleet(a, b), [Retry(stop=stop_after_attempt(9))])
    assert (a.calls, b.calls) == (2, 7)


def test_nothing_of_tenacity_runs_without_a_failure(ask: Ask) -> None:
    stop = Counted()
    asked(ask, M, fleet(Scripted(answers(0.5))), [Retry(stop=stop)])
    assert stop.asked == 0


def test_tenacity_is_asked_once_a_failure(ask: Ask) -> None:
    stop = Counted()
    asked(
        ask, M, fleet(Scripted(fails(0.5, ProviderError), fails(0.5, ProviderError), answers(0.5))), [Retry(stop=stop)]
    )
    assert stop.asked == 2


@pytest.mark.parametrize(
    ("request_", "inner"),
    [
        pytest.param(hello(model="m", residency={"eu"}), Regions(), id="residency"),
        pytest.param(hello(model="m", min_quality=1), LatencyBudget(), id="quality"),
    ],
)
def test_an_endpoint_that_may_not_be_asked_is_no_reason_not_to_ask_again(
    ask: Ask, request_: Request, inner: Policy
) -> None:
    allowed, forbidden = Scripted(fails(0.25, ProviderError), answers(0.25, "mended")), Scripted()
    models = [
        endpoint("a", allowed, region="eu", quality=1),
        endpoint("b", forbidden, region="us", quality=0),
    ]
    end = asked(ask, request_, models, [Retry(), inner])
    assert end.answer.text == "mended"
    assert (allowed.calls, forbidden.calls) == (2, 0)


def test_if_nobody_at_all_may_be_asked_again_the_failure_goes_up(ask: Ask) -> None:
    async def once(call: Call, emit: Emit, next: Handler, /) -> None:
        if call.ledger.attempts:
            raise NoEndpoint("once is enough")
        await next(call, emit)

    end = asked(ask, M, fleet(Scripted(fails(0.25, ProviderError)), Scripted()), [Retry(), once])
    assert isinstance(end.error, ProviderError)
    assert len(end.error.attempts) == 1
    assert end.error.ledger is not None
    assert end.error.ledger.retries == []
