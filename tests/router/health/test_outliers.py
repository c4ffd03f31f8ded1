"""The outliers of a fleet: what attempts make of them, how many there may be, and who is told."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from paceline.router import Attempt, EndpointEjected, EndpointReturned, Event, Fleet, Outcome, Target, WindowShape
from paceline.router.errors import AttemptFailed, AuthenticationFailed, BadRequest, ProviderError, RateLimited
from paceline.router.events import Listeners
from paceline.router.health.outliers import Outliers
from paceline.router.health.rules import HealthRules
from paceline.router.testing import Scripted, endpoint


def fleet_of(*models: str) -> Fleet:
    endpoints = [endpoint(f"{model}{number}", Scripted(), model=model) for number, model in enumerate(models)]
    return Fleet(endpoints, (), lambda: 0.0, WindowShape())


def watched(*models: str, heard: list[Event] | None = None, rules: HealthRules | None = None) -> Fleet:
    fleet = fleet_of(*models)
    listeners = Listeners([] if heard is None else [heard.append])
    outliers_of(fleet).follow(rules or HealthRules(), random.Random(1), listeners)
    return fleet


def outliers_of(fleet: Fleet) -> Outliers:
    return next(iter(fleet)).outliers


def attempt_at(target: Target, at_s: float, error: AttemptFailed | None = None, outcome: Outcome | None = None) -> None:
    """An attempt that takes no time."""
    attempt = Attempt(endpoint=target.endpoint, number=1, sent_s=at_s, finished_s=at_s, error=error)
    attempt.outcome = outcome or (Outcome.OK if error is None else Outcome.FAILED)
    target.finished(attempt, at_s, blame=error is not None and error.blames_endpoint)


def fails(target: Target, at_s: float, times: int = 5, error: Callable[[str], AttemptFailed] = ProviderError) -> None:
    for _ in range(times):
        attempt_at(target, at_s, error("as scripted"))


def out(fleet: Fleet) -> list[str]:
    return [target.name for target in outliers_of(fleet).out]


def test_all_targets_of_a_fleet_share_one() -> None:
    fleet = watched("a", "a", "b")
    assert {target.outliers for target in fleet} == {outliers_of(fleet)}


def test_nobody_is_ever_out_while_nobody_watches() -> None:
    fleet = fleet_of("a", "a")
    fails(fleet["a0"], 1.0, times=100)
    assert (out(fleet), fleet["a0"].health, fleet["a0"].weight(1.0)) == ([], None, 1.0)


def test_attempts_that_fail_put_a_target_out_and_one_that_is_answered_brings_it_back() -> None:
    fleet = watched("a", "a")
    fails(fleet["a0"], 1.0)
    assert out(fleet) == ["a0"]
    attempt_at(fleet["a0"], 9.0)
    assert out(fleet) == []


def test_the_first_word_brings_a_target_back() -> None:
    fleet = watched("a", "a")
    target = fleet["a0"]
    fails(target, 1.0)
    target.spoke(Attempt(endpoint=target.endpoint, number=1, sent_s=9.0), 9.25)
    assert out(fleet) == []


@pytest.mark.parametrize("outcome", [Outcome.CANCELLED, Outcome.TIMED_OUT])
def test_a_thousand_calls_that_were_cancelled_or_out_of_time_put_nobody_out(outcome: Outcome) -> None:
    fleet = watched("a", "a")
    for _ in range(1000):
        attempt_at(fleet["a0"], 1.0, outcome=outcome)
    assert out(fleet) == []


def test_what_the_caller_did_wrong_puts_nobody_out() -> None:
    fleet = watched("a", "a")
    fails(fleet["a0"], 1.0, times=100, error=BadRequest)
    assert out(fleet) == []


@pytest.mark.parametrize(("peers", "most"), [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2), (8, 4)])
def test_half_of_a_models_endpoints_may_be_out_and_those_of_other_models_do_not_count(peers: int, most: int) -> None:
    fleet = watched(*["a"] * peers, "b", "b")
    for target in fleet:
        if target.model == "a":
            fails(target, 1.0)
    assert len(out(fleet)) == most


def test_there_is_room_for_the_next_once_one_is_back() -> None:
    fleet = watched("a", "a")
    fails(fleet["a0"], 1.0)
    fails(fleet["a1"], 1.0, times=50)
    attempt_at(fleet["a0"], 9.0)
    fails(fleet["a1"], 10.0, times=1)
    assert out(fleet) == ["a1"]


def test_a_vendors_word_is_not_limited_but_counts() -> None:
    fleet = watched(*["a"] * 4)
    for name in ("a0", "a1", "a2"):
        fails(fleet[name], 1.0, times=1, error=AuthenticationFailed)
    fails(fleet["a3"], 1.0, times=50)
    assert out(fleet) == ["a0", "a1", "a2"]


def test_pauses_and_easings_in_that_are_over_are_tidied_away() -> None:
    fleet = watched("a", "a")
    attempt_at(fleet["a0"], 1.0, RateLimited("", retry_after_s=0.5))
    fails(fleet["a1"], 1.0, times=1, error=AuthenticationFailed)
    attempt_at(fleet["a1"], 11.0)
    outliers = outliers_of(fleet)
    assert (list(outliers.out), list(outliers.returning)) == ([fleet["a0"]], [fleet["a1"]])
    outliers.tidy(12.0)
    assert (list(outliers.out), list(outliers.returning)) == ([], [fleet["a1"]])
    outliers.tidy(21.0)
    assert list(outliers.returning) == []


def test_one_that_falls_ill_again_is_not_eased_in_any_more() -> None:
    fleet = watched("a", "a")
    fails(fleet["a0"], 1.0)
    attempt_at(fleet["a0"], 9.0)
    fails(fleet["a0"], 9.5)
    assert (out(fleet), list(outliers_of(fleet).returning)) == (["a0"], [])


def test_without_slow_start_nobody_is_eased_in() -> None:
    fleet = watched("a", "a", rules=HealthRules(slow_start_s=0.0))
    fails(fleet["a0"], 1.0)
    attempt_at(fleet["a0"], 9.0)
    assert list(outliers_of(fleet).returning) == []


def test_new_rules_begin_with_everybody_in() -> None:
    fleet = watched("a", "a", "a")
    fails(fleet["a0"], 1.0)
    outliers_of(fleet).follow(HealthRules(failures=1), random.Random(1), Listeners([]))
    assert out(fleet) == []
    fails(fleet["a1"], 2.0, times=1)
    assert out(fleet) == ["a1"]


def test_listeners_hear_of_ejections_and_returns_with_their_reasons() -> None:
    heard: list[Event] = []
    fleet = watched("a", "a", heard=heard)
    target = fleet["a0"]
    fails(target, 1.0)
    assert target.health is not None
    assert target.health.ejection is not None
    until_s = target.health.ejection.until_s
    target.health.begin_trial(until_s)
    attempt_at(target, until_s, ProviderError("as scripted"))
    attempt_at(target, 50.0)
    first, again, returned = heard
    assert isinstance(first, EndpointEjected)
    assert (first.at_s, first.endpoint, first.ejection.reason, first.ejection.times) == (
        1.0,
        target.endpoint,
        "failures_in_a_row",
        1,
    )
    assert isinstance(again, EndpointEjected)
    assert (again.at_s, again.ejection.reason, again.ejection.times) == (until_s, "provider_error", 2)
    assert isinstance(returned, EndpointReturned)
    assert (returned.at_s, returned.endpoint, returned.away_s) == (50.0, target.endpoint, 49.0)


def test_a_refused_key_says_so() -> None:
    heard: list[Event] = []
    fleet = watched("a", "a", heard=heard)
    fails(fleet["a0"], 1.0, times=1, error=AuthenticationFailed)
    (event,) = heard
    assert isinstance(event, EndpointEjected)
    assert event.ejection.why == "the vendor does not accept its key: check api_key"


def test_nobody_hears_of_a_pause() -> None:
    heard: list[Event] = []
    fleet = watched("a", "a", heard=heard)
    attempt_at(fleet["a0"], 1.0, RateLimited("", retry_after_s=0.5))
    outliers_of(fleet).tidy(2.0)
    assert heard == []


def test_a_target_tells_an_operator_that_it_is_out_and_why() -> None:
    fleet = watched("a", "a")
    attempt_at(fleet["a0"], 1.0, RateLimited("", retry_after_s=30.0))
    assert repr(fleet["a0"]) == (
        "<Target a0: a in here, 0/∞ in flight, out until 31.000 s: it asks to be left alone for 30 s (rate_limited)>"
    )
