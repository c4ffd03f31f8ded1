"""`ByLoad`: a time per token is told for the load that a call will meet."""

import random

import pytest

from paceline.router import Prior, WindowShape
from paceline.router.statistics.by_load import ByLoad
from paceline.router.statistics.hdr import TEN_MICROSECONDS_TO_A_MINUTE as TEN_US
from paceline.router.statistics.latency import Belief

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


def test_another_belief_is_leaned_on_from_now_on() -> None:
    known = by_load((0.010, 1), believed=Prior(0.020, 0.026))

    known.believe(Prior(0.080, 0.1))

    assert known.overall.quantile(0.5, 60.0) == known.at(3).quantile(0.5, 60.0) == pytest.approx(0.080)
