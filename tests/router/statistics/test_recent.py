"""`Recent`: how often the last few calls failed, and whether there is silence."""

import math

import pytest

from paceline.router import Attempt
from paceline.router.statistics.level import FADE_S
from paceline.router.statistics.recent import Recent
from paceline.router.testing import Scripted, endpoint

HERE = endpoint("here", Scripted())


def attempt(sent_s: float = 0.0) -> Attempt:
    return Attempt(endpoint=HERE, number=1, sent_s=sent_s)


def test_a_failure_weighs_a_fifth_and_a_success_takes_a_fifth_off() -> None:
    recent = Recent()
    assert recent.failing(0.0) == 0.0

    recent.outcome(failed=True, now_s=0.0)
    assert recent.failing(0.0) == pytest.approx(0.2)
    recent.outcome(failed=True, now_s=0.0)
    assert recent.failing(0.0) == pytest.approx(0.36)
    recent.outcome(failed=False, now_s=0.0)

    assert recent.failing(0.0) == pytest.approx(0.288)


def test_failures_fade_with_time() -> None:
    recent = Recent()
    recent.outcome(failed=True, now_s=5.0)

    assert recent.failing(5.0 + FADE_S) == pytest.approx(0.2 / math.e)


def test_successes_alone_leave_nothing_to_fade() -> None:
    recent = Recent()

    recent.outcome(failed=False, now_s=0.0)

    assert recent.failing(100.0) == 0.0


def test_silence_is_the_age_of_the_oldest_call_without_a_word() -> None:
    recent, first, second = Recent(), attempt(1.0), attempt(2.0)
    assert recent.silence(4.0) is None

    recent.sent(first, 1.0)
    recent.sent(second, 2.0)

    assert recent.silence(4.0) == (3.0, 0)
    assert recent.unanswered == 2


def test_a_call_that_was_overtaken_is_a_straggler_and_no_silence() -> None:
    recent, first, second, third = Recent(), attempt(1.0), attempt(2.0), attempt(3.0)
    for call in (first, second, third):
        recent.sent(call, call.sent_s)

    recent.spoke(second, 0.5, 4.0)

    assert recent.silence(4.0) == (1.0, 0)
    assert recent.unanswered == 1


def test_calls_sent_at_one_instant_do_not_overtake_each_other() -> None:
    recent, first, second = Recent(), attempt(), attempt()
    recent.sent(first, 0.0)
    recent.sent(second, 0.0)

    recent.spoke(second, 0.5, 0.5)

    assert recent.unanswered == 1


def test_a_call_that_is_over_is_part_of_no_silence() -> None:
    recent, only = Recent(), attempt()
    recent.sent(only, 0.0)

    recent.forget(only)
    recent.forget(only)

    assert recent.silence(9.0) is None
