"""When a second request is worth it: the laws of the delay, on distributions that are known."""

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.policies.lateness import WORTH, worth_it_after_s
from paceline.router import WindowShape
from paceline.router.statistics.hdr import MILLISECONDS_TO_AN_HOUR
from paceline.router.statistics.latency import Distribution, Latency
from paceline.router.statistics.window import Window

SAMPLES = 5_000
P95 = 0.95


def measured(time_s: Callable[[random.Random], float], *, cut_off_at_s: float = math.inf) -> Distribution:
    window, dice = Window(MILLISECONDS_TO_AN_HOUR, WindowShape()), random.Random(1)
    for _ in range(SAMPLES):
        took_s = time_s(dice)
        if took_s < cut_off_at_s:
            window.record(took_s, 0.0)
        else:
            window.record_censored(cut_off_at_s, 0.0)
    distribution = Latency(window, None).as_of(1.0)
    assert distribution is not None
    return distribution


def bell(spread: float, hanging: float = 0.0) -> Callable[[random.Random], float]:
    """Around 0.2 s, but for a share that takes four seconds."""
    return lambda dice: 4.0 if dice.random() < hanging else 0.2 * math.exp(dice.gauss(0.0, spread))


def late_by(distribution: Distribution, q: float = P95) -> float:
    """The share of the calls that are hedged."""
    after_s = worth_it_after_s(distribution, q)
    assert after_s is not None
    return 1.0 - distribution.within(after_s)


def test_where_the_slow_ones_hang_it_is_the_quantile_that_was_asked_for() -> None:
    assert late_by(measured(bell(0.005, hanging=0.04))) == pytest.approx(0.05, abs=0.01)


def test_where_few_hang_the_rest_of_the_bell_is_waited_for() -> None:
    assert late_by(measured(bell(0.2, hanging=0.005))) < 0.035


def test_where_nobody_hangs_hardly_anybody_is_hedged() -> None:
    assert late_by(measured(bell(0.2))) <= 0.011


def test_who_was_never_seen_to_end_is_worth_a_second_request() -> None:
    distribution = measured(bell(0.01, hanging=0.04), cut_off_at_s=1.0)
    assert late_by(distribution) == pytest.approx(0.05, abs=0.01)


def test_a_quantile_that_nobody_knows_is_no_delay() -> None:
    assert worth_it_after_s(measured(bell(0.01, hanging=0.2), cut_off_at_s=1.0), P95) is None


def test_where_more_was_cut_off_than_is_looked_at_it_is_the_last_that_is_known() -> None:
    distribution = measured(bell(0.2, hanging=0.03), cut_off_at_s=1.0)
    assert 0.03 <= late_by(distribution) <= 0.05


@given(st.floats(0.01, 0.6), st.floats(0.0, 0.1), st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99]))
def test_it_is_never_before_the_quantile_that_was_asked_for(spread: float, hanging: float, q: float) -> None:
    distribution = measured(bell(spread, hanging))
    after_s, at_least_s = worth_it_after_s(distribution, q), distribution.quantile(q)

    assert after_s is not None
    assert at_least_s is not None
    assert after_s >= at_least_s


def test_a_second_request_wins_as_often_as_it_is_said_to() -> None:
    draw = bell(0.2, hanging=0.02)
    after_s = worth_it_after_s(measured(draw), P95)
    assert after_s is not None
    dice = random.Random(2)
    left_s = [took_s - after_s for took_s in (draw(dice) for _ in range(100_000)) if took_s > after_s]

    won = sum(draw(dice) < each for each in left_s) / len(left_s)

    assert won >= 0.8 * WORTH
