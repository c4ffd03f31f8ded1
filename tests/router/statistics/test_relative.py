"""`Relative`: calls of every size learn from one another, by their ratios to what was to be expected of them."""

import random

import pytest

from paceline.router import Prior, WindowShape
from paceline.router.statistics.latency import BELIEF_WEIGHT, Belief
from paceline.router.statistics.relative import MOST_KEPT, Relative

SHAPE = WindowShape()
BELIEVED = Prior(1.0, 2.0)
NOW_S = 0.5
SMALL, LARGE = 100.0, 1600.0
SHARES = (0.1, 0.5, 0.9)


def true_s(x: float) -> float:
    return 0.1 + 0.000_5 * x


def relative(*samples: tuple[float, float], believed: Belief | None = None) -> Relative:
    made = Relative(SHAPE, believed)
    for value_s, x in samples:
        made.record(value_s, x, 0.0)
    return made


def exact(samples: int) -> list[tuple[float, float]]:
    """Samples of two sizes in turn, each exactly as long as its size takes."""
    return [(true_s(x), x) for _ in range(samples // 2) for x in (SMALL, LARGE)]


def test_before_anything_is_measured_what_is_believed_stands_at_every_size() -> None:
    for x in (SMALL, LARGE):
        assert relative(believed=BELIEVED).at(x).quantile(0.5, NOW_S) == pytest.approx(1.0)
        assert relative(believed=BELIEVED).at(x).within(2.0, NOW_S) == pytest.approx(0.95)


def test_with_neither_samples_nor_a_belief_nothing_is_known() -> None:
    assert relative().at(SMALL).quantile(0.5, NOW_S) is None
    assert relative().at(SMALL).within(60.0, NOW_S) is None


@pytest.mark.parametrize("x", [SMALL, 400.0, LARGE, 6400.0])
def test_a_latency_is_that_of_its_own_size_seen_or_not(x: float) -> None:
    known = relative(*exact(1000))

    assert known.at(x).quantile(0.5, NOW_S) == pytest.approx(true_s(x), rel=0.03)
    assert known.at(x).within(true_s(x) * 1.06, NOW_S) == pytest.approx(1.0, abs=0.04)
    assert known.at(x).within(true_s(x) * 0.94, NOW_S) == pytest.approx(0.0, abs=0.04)


@pytest.mark.parametrize("x", [SMALL, 400.0, LARGE])
def test_the_spread_is_that_of_all_sizes_together(x: float) -> None:
    dice = random.Random(7)
    spread = Prior(1.0, 1.5)
    samples = [(true_s(size) * spread.quantile(dice.random()), size) for _, size in exact(2000)]

    known = relative(*samples)

    for q in SHARES:
        assert known.at(x).quantile(q, NOW_S) == pytest.approx(true_s(x) * spread.quantile(q), rel=0.08)


def test_few_samples_lean_on_what_is_believed_by_their_number() -> None:
    alone, leaning = relative(*exact(10)), relative(*exact(10), believed=BELIEVED)
    measured_s, measured = alone.at(SMALL).quantile(0.5, NOW_S), alone.at(SMALL).within(0.2, NOW_S)
    assert measured_s is not None
    assert measured is not None

    n, k = 10, BELIEF_WEIGHT
    assert leaning.at(SMALL).quantile(0.5, NOW_S) == pytest.approx((n * measured_s + k * 1.0) / (n + k))
    assert leaning.at(SMALL).within(0.2, NOW_S) == pytest.approx((n * measured + k * BELIEVED.within(0.2)) / (n + k))


def test_what_was_cut_off_before_anything_was_seen_says_nothing() -> None:
    cut = relative(believed=BELIEVED)

    cut.record_censored(30.0, SMALL, 0.0)

    assert cut.at(SMALL).quantile(0.5, NOW_S) == pytest.approx(1.0)


def test_what_was_cut_off_counts_at_every_size() -> None:
    half = relative(*exact(100))
    for _ in range(100):
        half.record_censored(8.0 * true_s(LARGE), LARGE, 0.0)

    assert half.at(SMALL).within(4.0 * true_s(SMALL), NOW_S) == pytest.approx(0.5, abs=0.01)
    assert half.at(SMALL).quantile(0.9, NOW_S) is None


def test_a_belief_does_not_hide_that_the_slow_half_is_cut_off() -> None:
    half = relative(*exact(100), believed=Prior(true_s(SMALL), 2.0 * true_s(SMALL)))
    for _ in range(100):
        half.record_censored(8.0 * true_s(LARGE), LARGE, 0.0)

    p90_s = half.at(SMALL).quantile(0.9, NOW_S)

    assert p90_s is not None
    assert p90_s > 6.0 * true_s(SMALL)


def test_what_takes_no_time_at_all_is_short_and_no_error() -> None:
    at_once = relative(*[(0.0, SMALL)] * 10)

    assert at_once.at(SMALL).quantile(0.5, NOW_S) == pytest.approx(0.000_01, rel=0.01)


def test_another_belief_is_leaned_on_from_now_on() -> None:
    known = relative(*exact(10), believed=BELIEVED)
    assert known.at(SMALL).quantile(0.5, 60.0) == pytest.approx(1.0)

    known.believe(Prior(4.0, 8.0))

    assert known.at(SMALL).quantile(0.5, 60.0) == pytest.approx(4.0)


def test_more_sizes_than_are_kept_at_once_are_told_all_the_same() -> None:
    known = relative(*exact(1000))

    for x in range(100, 100 + 2 * MOST_KEPT):
        assert known.at(float(x)).quantile(0.5, NOW_S) == pytest.approx(true_s(x), rel=0.05)

    assert len(known._known) <= MOST_KEPT


def test_ratios_leave_with_the_window_and_the_belief_is_back() -> None:
    known = relative(*exact(1000), believed=BELIEVED)

    assert known.at(SMALL).quantile(0.5, 60.0) == pytest.approx(1.0)
    assert known.at(SMALL).within(2.0, 60.0) == pytest.approx(0.95)


def test_what_the_endpoint_as_a_whole_becomes_is_known_a_window_later() -> None:
    known = relative(*exact(1000))

    for at_s in (1.0, 60.0):
        for value_s, x in exact(1000):
            known.record(3.0 * value_s, x, at_s)

    for q in SHARES:
        assert known.at(SMALL).quantile(q, 60.5) == pytest.approx(3.0 * true_s(SMALL), rel=0.05)
