"""What each error means to a client: a table that answers for every class there is."""

from __future__ import annotations

import inspect

import pytest

from paceline.gateway.dialects import refused
from paceline.gateway.dialects.openai_error import error_reply
from paceline.gateway.dialects.refused import Mistake, Refused, WrongMethod
from paceline.gateway.dialects.verdict import KINDS, verdict_on
from paceline.router import errors
from paceline.router.errors import (
    AttemptFailed,
    AttemptTimeout,
    BadRequest,
    CallError,
    ContextTooLong,
    CostLimitReached,
    EveryModelFailed,
    Overloaded,
    PacelineError,
    ProviderError,
    RateLimited,
    StreamInterrupted,
)

OF_CALLS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, CallError) and kind not in {CallError, EveryModelFailed}
]


def made(kind: type[CallError]) -> CallError:
    if kind is AttemptTimeout:
        return AttemptTimeout("first_token", 1.0)
    if kind is StreamInterrupted:
        return StreamInterrupted("cut", delivered=3)
    if kind is CostLimitReached:
        return CostLimitReached("spent", opens_in_s=90.0)
    return kind("so it is")


@pytest.mark.parametrize("kind", OF_CALLS)
def test_every_error_of_a_call_has_a_status_of_its_own_or_of_its_kin(kind: type[CallError]) -> None:
    verdict = verdict_on(made(kind))

    assert 400 <= verdict.status <= 599
    assert verdict.code
    assert any(other in KINDS for other in kind.__mro__[:-4] if other is not PacelineError), kind


@pytest.mark.parametrize("kind", OF_CALLS)
def test_what_may_pass_says_when_to_come_back(kind: type[CallError]) -> None:
    verdict = verdict_on(made(kind))

    if verdict.status in {429, 503} and verdict.should_retry is None:
        assert verdict.retry_after_s is not None
        assert int(verdict.headers()["Retry-After"]) >= 1


def test_what_the_vendor_asks_for_is_handed_on_in_both_clocks() -> None:
    failure = RateLimited("slow down", retry_after_s=1.25)

    headers = error_reply(failure).headers

    assert (headers["Retry-After"], headers["retry-after-ms"]) == ("2", "1250")
    assert "x-should-retry" not in headers


def test_where_the_budget_is_spent_another_try_is_advised_against() -> None:
    failure = ProviderError("broken")
    failure.retryable = False

    assert error_reply(failure).headers["x-should-retry"] == "false"


def test_the_routes_money_says_when_there_is_more() -> None:
    headers = error_reply(CostLimitReached("spent", opens_in_s=90.0)).headers

    assert (headers["Retry-After"], headers["x-should-retry"]) == ("90", "false")


def several(*failures: AttemptFailed) -> EveryModelFailed:
    return EveryModelFailed([(f"m{number}", failure) for number, failure in enumerate(failures)])


@pytest.mark.parametrize(
    ("failures", "status", "code"),
    [
        ((ProviderError("a"), ProviderError("b")), 502, "provider_error"),
        ((ProviderError("a"), RateLimited("b", retry_after_s=7.0)), 503, "every_model_failed"),
        ((ProviderError("a"), AttemptTimeout("start", 1.0)), 504, "every_model_failed"),
        ((ContextTooLong("a"), BadRequest("b")), 400, "every_model_failed"),
        ((ContextTooLong("a"), ProviderError("b")), 502, "every_model_failed"),
        ((), 502, "every_model_failed"),
    ],
)
def test_models_that_all_failed_come_to_one_status(failures: tuple[AttemptFailed, ...], status: int, code: str) -> None:
    verdict = verdict_on(several(*failures))

    assert (verdict.status, verdict.code) == (status, code)


def test_of_several_waits_the_shortest_is_told() -> None:
    verdict = verdict_on(several(Overloaded("a", endpoint="x"), RateLimited("b", retry_after_s=0.5)))

    assert verdict.retry_after_s == 0.5


def test_models_that_no_try_can_help_say_so_together() -> None:
    assert verdict_on(several(BadRequest("a"), ContextTooLong("b"))).should_retry is False


@pytest.mark.parametrize(
    "kind",
    [kind for _, kind in inspect.getmembers(refused, inspect.isclass) if issubclass(kind, Refused) and kind != Refused],
)
def test_what_the_gateway_refuses_has_its_own_status(kind: type[Refused]) -> None:
    reply = error_reply(kind("no"))

    assert reply.status == kind.status
    assert f'"code":"{kind.code}"'.encode() in reply.body


def test_a_wrong_method_is_told_with_the_right_ones() -> None:
    assert error_reply(WrongMethod("no", allow="GET, POST")).headers["Allow"] == "GET, POST"


def test_a_mistake_is_told_with_its_field() -> None:
    assert b'"param":"n"' in error_reply(Mistake("n is wrong", param="n")).body


def test_an_error_of_no_call_is_a_500() -> None:
    assert error_reply(PacelineError("odd")).status == 500
