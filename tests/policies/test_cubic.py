"""CUBIC, by its published figures."""

from __future__ import annotations

import pytest

from paceline.policies.cubic import LEAST_PER_S, Cubic, MeasuredRate


@pytest.mark.parametrize(
    ("after_s", "per_s"),
    [(0, 70.0), (1, 86.68), (2, 95.64), (3, 99.28), (4, 100.00), (5, 100.19), (6, 102.27), (7, 108.62)],
)
def test_a_rate_of_a_hundred_that_was_refused(after_s: int, per_s: float) -> None:
    assert Cubic(100.0, 5.0).per_s(5.0 + after_s) == pytest.approx(per_s, abs=0.005)


def test_another_refusal_cuts_what_was_reached() -> None:
    cubic = Cubic(100.0, 0.0).refused(6.5, 7.0)
    assert cubic.per_s(7.0) == pytest.approx(0.7 * 108.62, abs=0.01)


def test_a_refusal_of_what_was_sent_before_the_last_cut_is_old_news() -> None:
    cubic = Cubic(100.0, 5.0)
    assert cubic.refused(4.9, 5.1) is cubic


def test_a_trickle_goes_on() -> None:
    cubic = Cubic(LEAST_PER_S, 0.0)
    assert cubic.per_s(0.0) == LEAST_PER_S


def test_what_is_sent_is_measured_in_slots_of_half_a_second() -> None:
    rate = MeasuredRate(0.0)
    for number in range(5):
        rate.sent(number / 10)
    assert rate.per_s(0.4) == 10.0  # as far as is known
    assert rate.per_s(0.5) == 10.0
    for _ in range(10):
        rate.sent(0.6)
    assert rate.per_s(1.0) == pytest.approx(0.8 * 20.0 + 0.2 * 10.0)


def test_nothing_sent_for_a_while_is_a_slow_rate() -> None:
    rate = MeasuredRate(0.0)
    rate.sent(0.1)
    assert rate.per_s(0.6) == 2.0
    assert rate.per_s(10.6) == pytest.approx(0.2 * 2.0)
