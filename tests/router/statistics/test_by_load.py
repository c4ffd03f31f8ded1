"""`ByLoad`: a time per token is told for the load that a call will meet."""

import random

import pytest

from paceline.router import Prior, WindowShape
from paceline.router.statistics.by_load import ByLoad
from paceline.router.statistics.hdr import TEN_MICROSECONDS_TO_A_MINUTE as TEN_US
from paceline.router.statistics.interval import Interval
from paceline.router.statistics.latency import Belief

from .keeping import histogram

NOW_S = 0.5
LOADS = (1, 4, 8, 16)


def true_s(in_flight: int) -> float:
    return 0.010 + 0.001 * in_flight


def by_load(*samples: tuple[float, int], believed: Belief | None = None) -> ByLoad:
    made = ByLoad(TEN_US, WindowShape(), believed)
    for value_s, in_flight in samples:
        made.record(value_s, in_flight, 0.0)
    return made


def test_before_the_first_sample_every_load_is_as_believed() -> None:
    believed = by_load(believed=Prior(0.020, 0.026))

    assert believed.at(1).quantile(0.5, NOW_S) == pytest.approx(0.020)
    assert believed.at(50).quantile(0.5, NOW_S) == pytest.approx(0.020)
    assert believed.overall.quantile(0.5, NOW_S) == pytest.approx(0.020)
    assert by_load().at(1).quantile(0.5, NOW_S) is None


@pytest.mark.parametrize("in_flight", [1, 2, 12, 16, 32])
def test_a_load_has_its_own_pace_seen_or_not(in_flight: int) -> None:
    known = by_load(*((true_s(load), load) for _ in range(250) for load in LOADS))

    assert known.at(in_flight).quantile(0.5, NOW_S) == pytest.approx(true_s(in_flight), rel=0.04)


def test_where_the_load_is_other_peoples_nothing_is_lost() -> None:
    dice = random.Random(7)
    spread = Prior(0.020, 0.026)
    known = by_load(*((spread.quantile(dice.random()), dice.choice(LOADS)) for _ in range(1000)))

    for load in LOADS:
        for q in (0.1, 0.5, 0.9):
            assert known.at(load).quantile(q, NOW_S) == pytest.approx(spread.quantile(q), rel=0.08)


def test_all_loads_together_are_as_they_were_met() -> None:
    known = by_load(*[(0.010, 1)] * 60, *[(0.040, 16)] * 40)

    assert known.overall.samples(NOW_S) == 100
    assert known.overall.within(0.020, NOW_S) == pytest.approx(0.6)


def paces(*units: int, age_s: float = 0.0) -> list[Interval]:
    """In hundredths of a millisecond."""
    return [Interval(age_s=age_s, length_s=10.0, events=histogram(*units, scale=TEN_US))]


def test_what_was_recorded_elsewhere_holds_for_every_load_where_none_is_known() -> None:
    known = by_load(believed=Prior(0.5, 0.6))

    known.merge(paces(*[2000] * 980), NOW_S)

    for load in (1, 16):
        assert known.at(load).quantile(0.5, NOW_S) == pytest.approx(0.98 * 0.020 + 0.02 * 0.5, rel=0.02)
    assert known.overall.samples(NOW_S) == 980


def test_what_was_recorded_elsewhere_does_not_blur_what_is_known_of_loads() -> None:
    known = by_load(*((true_s(load), load) for _ in range(250) for load in LOADS))

    known.merge(paces(*[8000] * 1000), NOW_S)

    assert known.at(1).quantile(0.5, NOW_S) == pytest.approx(true_s(1), rel=0.04)
    assert known.overall.samples(NOW_S) == 2000


def test_what_was_recorded_long_ago_is_believed() -> None:
    known = by_load(believed=Prior(0.5, 0.6))

    known.merge(paces(*[2000] * 100, age_s=3600.0), NOW_S)

    assert known.at(1).quantile(0.5, NOW_S) == known.at(16).quantile(0.5, NOW_S) == pytest.approx(0.020, rel=0.01)
    assert known.overall.quantile(0.5, NOW_S) == pytest.approx(0.020, rel=0.01)
    assert known.overall.samples(NOW_S) == 0
