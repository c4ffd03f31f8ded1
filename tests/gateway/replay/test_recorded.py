"""`Past`: which recorded attempt stands for an attempt that never was."""

import random

import pytest

from paceline.gateway.replay.recorded import FAILURES, Past, Seen
from paceline.gateway.replay.recording import AttemptRecord
from paceline.router.errors import ProviderError, RateLimited

DICE = random.Random(1)


def seen(at_s: float, ttft_s: float | None, *, size: float = 8.0, in_flight: int = 1, outcome: str = "ok") -> Seen:
    total_s = (ttft_s or 0.0) + 1.0
    attempt = AttemptRecord(
        endpoint="a", at_s=0.0, outcome=outcome, total_s=total_s, ttft_s=ttft_s, in_flight=in_flight
    )
    return Seen(at_s, size, attempt)


def test_an_incident_is_met_when_it_was_and_not_at_other_times() -> None:
    past = Past([seen(float(at_s), 5.0 if 200 <= at_s < 300 else 0.5) for at_s in range(600)])

    assert {past.like(250.0, 8.0, 1, DICE).first_s for _ in range(50)} == {5.0}
    assert {past.like(100.0, 8.0, 1, DICE).first_s for _ in range(50)} == {0.5}


def test_a_long_prompt_meets_what_long_prompts_met() -> None:
    past = Past(
        [seen(float(at_s), 3.0 if at_s % 4 == 0 else 0.5, size=14.0 if at_s % 4 == 0 else 7.0) for at_s in range(64)]
    )

    assert {past.like(30.0, 14.0, 1, DICE).first_s for _ in range(50)} == {3.0}


def test_a_crowd_meets_what_crowds_met() -> None:
    past = Past(
        [seen(float(at_s), 3.0 if at_s % 4 == 0 else 0.5, in_flight=64 if at_s % 4 == 0 else 1) for at_s in range(64)]
    )

    assert {past.like(30.0, 8.0, 60, DICE).first_s for _ in range(50)} == {3.0}


def test_what_was_cut_off_takes_the_time_of_a_slower_one() -> None:
    past = Past([seen(0.0, 0.5), seen(1.0, 2.0), seen(2.0, 4.0), seen(3.0, None, outcome="timed_out")])

    assert {past.longer_than(1.0, DICE) for _ in range(50)} == {2.0, 4.0}


def test_what_was_cut_off_later_than_all_others_takes_twice_as_long() -> None:
    assert Past([seen(0.0, 0.5)]).longer_than(3.0, DICE) == 6.0


def test_an_attempt_that_was_cut_off_after_its_first_token_is_not_taken_for_silent() -> None:
    assert not seen(0.0, 0.5, outcome="cancelled").is_cut_off
    assert seen(0.0, None, outcome="cancelled").is_cut_off


@pytest.mark.parametrize(("reason", "kind"), [("rate_limited", RateLimited), ("provider_error", ProviderError)])
def test_a_failure_is_of_the_kind_that_was_recorded(reason: str, kind: type[Exception]) -> None:
    assert FAILURES[reason] is kind
