"""`Peak`: up at once, down slowly, and never down by a failure. The numbers are those of tau = 10 s."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.router.peak import LONGEST_PENALTY_S, PENALTY_S, Peak

NEVER = None


def peak_of(ttft_s: float, at_s: float = 0.0) -> Peak:
    peak = Peak()
    peak.spoke(ttft_s, at_s)
    return peak


def test_nothing_is_feared_of_an_endpoint_that_was_never_heard_of() -> None:
    assert Peak().estimate_s(100.0) is NEVER


@pytest.mark.parametrize(("after_s", "weight"), [(1, 0.905), (5, 0.607), (10, 0.368), (20, 0.135), (30, 0.050)])
def test_a_peak_fades_with_a_time_constant_of_ten_seconds(after_s: float, weight: float) -> None:
    assert peak_of(1.0).estimate_s(after_s) == pytest.approx(weight, abs=5e-4)


def test_asking_changes_nothing() -> None:
    peak = peak_of(1.0)

    assert [peak.estimate_s(5.0) for _ in range(3)] == [math.exp(-0.5)] * 3


def test_a_slower_answer_is_believed_at_once() -> None:
    peak = peak_of(0.25)

    peak.spoke(2.0, 1.0)

    assert peak.estimate_s(1.0) == 2.0


def test_a_faster_answer_counts_by_the_time_that_has_passed() -> None:
    peak = peak_of(2.0)

    peak.spoke(1.0, 10.0)

    assert peak.estimate_s(10.0) == pytest.approx(2.0 * math.exp(-1.0) + 1.0 * (1.0 - math.exp(-1.0)))


@pytest.mark.parametrize(
    ("p95_s", "retry_after_s", "penalty_s"),
    [
        (None, None, PENALTY_S),
        (0.5, None, PENALTY_S),
        (4.0, None, 12.0),
        (None, 2.0, PENALTY_S),
        (4.0, 60.0, 60.0),
        (None, 1e12, LONGEST_PENALTY_S),
    ],
)
def test_a_failure_counts_as_the_most_of_its_penalties(
    p95_s: float | None, retry_after_s: float | None, penalty_s: float
) -> None:
    peak = peak_of(0.001)

    peak.failed(1.0, p95_s, retry_after_s)

    assert peak.estimate_s(1.0) == penalty_s


@pytest.mark.parametrize(("penalty_s", "until_s", "left_s"), [(5.0, 32.2, 0.2), (60.0, 40.9, 1.0)])
def test_a_penalty_fades_before_its_retry_after_has_passed(penalty_s: float, until_s: float, left_s: float) -> None:
    peak = Peak()

    peak.failed(0.0, None, penalty_s)

    assert peak.estimate_s(until_s) == pytest.approx(left_s, abs=5e-3)


def test_one_that_was_cut_off_would_have_taken_longer() -> None:
    peak = peak_of(1.0)

    peak.cut_off(3.0, 0.0)

    assert peak.estimate_s(0.0) == 3.0


def test_one_that_was_cut_off_early_says_nothing() -> None:
    peak = peak_of(1.0)

    peak.cut_off(0.25, 0.0)

    assert peak.estimate_s(0.0) == 1.0


def test_one_cut_off_at_an_endpoint_never_heard_of_leaves_it_unknown() -> None:
    peak = Peak()

    peak.cut_off(3.0, 0.0)

    assert peak.estimate_s(0.0) is NEVER


SECONDS = st.floats(0.0, 1000.0)


@given(st.lists(st.tuples(st.floats(0.0, 60.0), st.none() | SECONDS, st.none() | SECONDS), min_size=1), SECONDS)
def test_no_failure_and_no_cut_ever_lowers_what_is_feared(
    failures: list[tuple[float, float | None, float | None]], first_s: float
) -> None:
    peak, now_s = peak_of(first_s), 0.0

    for wait_s, p95_s, retry_after_s in failures:
        now_s += wait_s
        before_s = peak.estimate_s(now_s)
        peak.failed(now_s, p95_s, retry_after_s)
        peak.cut_off(wait_s, now_s)
        after_s = peak.estimate_s(now_s)

        assert before_s is not None
        assert after_s is not None
        assert after_s >= max(before_s, PENALTY_S)
