"""`Recent`: the last few calls, where a step shows long before it shows in a window."""

import math

import pytest

from paceline.router import Attempt
from paceline.router.statistics.recent import FADE_S, Recent
from paceline.router.testing import Scripted, endpoint

USUAL_S = 0.5

HERE = endpoint("here", Scripted())


def attempt(sent_s: float = 0.0) -> Attempt:
    return Attempt(endpoint=HERE, number=1, sent_s=sent_s)


def spoken(recent: Recent, *ttfts_s: float, at_s: float = 0.0) -> None:
    for ttft_s in ttfts_s:
        recent.spoke(attempt(at_s), ttft_s, at_s)


def test_of_what_never_spoke_the_level_is_what_is_usual() -> None:
    assert Recent().level_s(USUAL_S, 0.0) == USUAL_S


def test_one_slow_answer_does_not_move_the_level_and_three_of_five_do() -> None:
    recent = Recent()
    spoken(recent, 0.25, 0.25, 0.25, 0.25, 8.0)
    assert recent.level_s(USUAL_S, 0.0) == 0.25

    spoken(recent, 8.0, 8.0)

    assert recent.level_s(USUAL_S, 0.0) == 8.0


def test_the_level_is_of_the_last_few_calls_or_what_is_usual() -> None:
    recent = Recent()
    spoken(recent, 0.25, 0.25, at_s=1.0)

    assert recent.level_s(USUAL_S, 1.0 + FADE_S) == 0.25
    assert recent.level_s(USUAL_S, 1.25 + FADE_S) == USUAL_S


@pytest.mark.parametrize(("slow", "level_s"), [(1, USUAL_S), (2, 8.0)])
def test_after_a_lull_one_straggler_is_not_the_level_and_two_are(slow: int, level_s: float) -> None:
    recent = Recent()
    spoken(recent, 0.25, 0.25, 0.25)

    spoken(recent, *[8.0] * slow, at_s=20.0)

    assert recent.level_s(USUAL_S, 20.0) == level_s


def test_a_call_given_up_counts_as_at_least_the_slowest_of_the_last() -> None:
    recent = Recent()
    spoken(recent, 4.0, 4.0)

    recent.timed_out(0.5, 0.0)
    assert recent.level_s(USUAL_S, 0.0) == 4.0
    for _ in range(4):
        recent.timed_out(16.0, 0.0)

    assert recent.level_s(USUAL_S, 0.0) == 16.0


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
    assert recent.silence_s(4.0) == 0.0

    recent.sent(first, 1.0)
    recent.sent(second, 2.0)

    assert recent.silence_s(4.0) == 3.0
    assert recent.unanswered == 2


def test_a_call_that_was_overtaken_is_a_straggler_and_no_silence() -> None:
    recent, first, second, third = Recent(), attempt(1.0), attempt(2.0), attempt(3.0)
    for call in (first, second, third):
        recent.sent(call, call.sent_s)

    recent.spoke(second, 0.5, 4.0)

    assert recent.silence_s(4.0) == 1.0
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

    assert recent.silence_s(9.0) == 0.0
