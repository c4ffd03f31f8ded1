"""What the end of an attempt says of health and of load."""

import pytest

from paceline.router import Attempt, Outcome
from paceline.router.errors import (
    AttemptFailed,
    AttemptTimeout,
    AuthenticationFailed,
    NotFound,
    ProviderConflict,
    ProviderError,
    RateLimited,
)
from paceline.router.testing import Scripted, endpoint
from paceline.router.verdict import Health, Signal


def ended(outcome: Outcome, error: AttemptFailed | None = None) -> Attempt:
    return Attempt(endpoint=endpoint("a", Scripted()), number=1, sent_s=0.0, outcome=outcome, error=error)


@pytest.mark.parametrize(
    ("attempt", "health", "signal"),
    [
        (ended(Outcome.OK), Health.NONE, Signal.OK),
        (ended(Outcome.RUNNING), Health.NONE, Signal.IGNORED),
        (ended(Outcome.CANCELLED), Health.NONE, Signal.IGNORED),
        (ended(Outcome.FAILED, ProviderError("down")), Health.ENDPOINT, Signal.IGNORED),
        (ended(Outcome.FAILED, RateLimited("slow down")), Health.LIMIT, Signal.DROPPED),
        (ended(Outcome.FAILED, AuthenticationFailed("no")), Health.CREDENTIAL, Signal.IGNORED),
        (ended(Outcome.FAILED, NotFound("no")), Health.DEPLOYMENT, Signal.IGNORED),
        (ended(Outcome.TIMED_OUT, AttemptTimeout("gap", 1.0)), Health.ENDPOINT, Signal.DROPPED),
        (ended(Outcome.TIMED_OUT, AttemptTimeout("start", 1.0)), Health.NONE, Signal.IGNORED),
        (ended(Outcome.TIMED_OUT), Health.NONE, Signal.IGNORED),
    ],
)
def test_the_end_of_an_attempt_speaks_for_health_and_for_load(attempt: Attempt, health: Health, signal: Signal) -> None:
    assert (attempt.health, attempt.signal) == (health, signal)


@pytest.mark.parametrize(
    ("error", "blames"), [(AuthenticationFailed("no"), True), (NotFound("no"), True), (ProviderConflict("no"), False)]
)
def test_whoever_is_of_no_use_as_configured_is_blamed(error: AttemptFailed, *, blames: bool) -> None:
    assert error.blames_endpoint is blames
