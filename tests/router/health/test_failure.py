"""What each way to fail says of its endpoint: the health column of the error table."""

from __future__ import annotations

import pytest

from paceline.router import Attempt, Outcome
from paceline.router.errors import (
    AttemptFailed,
    AttemptTimeout,
    AuthenticationFailed,
    BadRequest,
    CallerAtFault,
    ConnectFailed,
    ContentBlocked,
    ContextTooLong,
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
    Throttled,
    TruncatedAnswer,
    Unsupported,
)
from paceline.router.health.failure import Fault, failure_of
from paceline.router.testing import Scripted, endpoint

TABLE: dict[type[AttemptFailed], Fault | None] = {
    BadRequest: None,
    ContextTooLong: None,
    RequestTooLarge: None,
    ContentBlocked: None,
    CallerAtFault: None,
    AuthenticationFailed: Fault.CREDENTIAL,
    PermissionDenied: Fault.CREDENTIAL,
    QuotaExhausted: Fault.CREDENTIAL,
    NotFound: None,
    ProviderTimeout: Fault.ENDPOINT,
    ProviderConflict: None,
    ProviderError: Fault.ENDPOINT,
    MalformedAnswer: Fault.ENDPOINT,
    TruncatedAnswer: Fault.ENDPOINT,
    RateLimited: Fault.LIMIT,
    ProviderOverloaded: Fault.ENDPOINT,
    ConnectFailed: Fault.ENDPOINT,
    Overloaded: None,
    Gated: None,
    Unsupported: None,
    Throttled: None,
}
MADE_BY_DISPATCH = {AttemptTimeout, StreamInterrupted}


def kinds(of: type[AttemptFailed] = AttemptFailed) -> set[type[AttemptFailed]]:
    return {kind for child in of.__subclasses__() for kind in (child, *kinds(child))}


def ended(error: AttemptFailed | None, outcome: Outcome = Outcome.FAILED) -> Attempt:
    return Attempt(endpoint=endpoint("a", Scripted()), number=1, sent_s=1.0, outcome=outcome, error=error)


def test_every_way_to_fail_is_in_the_table() -> None:
    assert {kind for kind in kinds() if kind.__module__.startswith("paceline.")} == TABLE.keys() | MADE_BY_DISPATCH


@pytest.mark.parametrize("kind", TABLE, ids=lambda kind: kind.__name__)
def test_a_failure_is_laid_to_what_the_table_says(kind: type[AttemptFailed]) -> None:
    error = kind("as scripted")
    failure = failure_of(ended(error), blame=error.blames_endpoint)
    assert (None if failure is None else failure.fault) is TABLE[kind]


@pytest.mark.parametrize(("limit", "fault"), [("first_token", Fault.ENDPOINT), ("start", Fault.UNPROVEN)])
def test_a_timeout_is_a_fault_if_the_limit_was_the_endpoints_own(limit: str, fault: Fault) -> None:
    error = AttemptTimeout(limit, 2.0)
    failure = failure_of(ended(error, Outcome.TIMED_OUT), blame=error.blames_endpoint)
    assert failure is not None
    assert failure.fault is fault


@pytest.mark.parametrize("outcome", [Outcome.CANCELLED, Outcome.TIMED_OUT])
def test_who_left_or_ran_out_of_time_says_nothing(outcome: Outcome) -> None:
    assert failure_of(ended(None, outcome), blame=False) is None


@pytest.mark.parametrize(("retry_after_s", "kept"), [(None, None), (0.0, None), (7.0, 7.0)])
def test_to_be_asked_back_at_once_is_not_to_be_asked_to_wait(retry_after_s: float | None, kept: float | None) -> None:
    failure = failure_of(ended(RateLimited("as scripted", retry_after_s=retry_after_s)), blame=True)
    assert failure is not None
    assert (failure.sent_s, failure.reason, failure.retry_after_s) == (1.0, "rate_limited", kept)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (AuthenticationFailed(""), "the vendor does not accept its key: check api_key"),
        (PermissionDenied(""), "its key may not use this model: check what api_key is allowed to"),
        (QuotaExhausted(""), "its quota is used up"),
        (QuotaExhausted("", retry_after_s=60.0), "its quota is used up, for 60 s"),
        (RateLimited("", retry_after_s=1.5), "it asks to be left alone for 1.5 s (rate_limited)"),
        (RateLimited(""), "it asks for fewer calls, and does not say for how long (rate_limited)"),
        (ProviderError(""), "it failed (provider_error)"),
    ],
)
def test_it_is_told_in_words_that_say_what_to_mend(error: AttemptFailed, why: str) -> None:
    failure = failure_of(ended(error), blame=True)
    assert failure is not None
    assert failure.why == why
