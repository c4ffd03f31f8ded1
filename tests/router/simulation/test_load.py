"""The shapes of traffic: as many calls as each says, when it says, and the same again with the same dice."""

from __future__ import annotations

import random
from bisect import bisect_left

import pytest

from paceline.router.errors import ConfigurationError
from paceline.router.simulation import Daily, FlashCrowd, Load, Replay, Steady, Steps

SHAPES: list[tuple[Load, float]] = [
    (Steady(10.0), 600.0),
    (Steps([(0.0, 5.0), (100.0, 50.0), (200.0, 5.0)]), 300.0),
    (Daily(mean_per_s=5.0, day_s=600.0), 600.0),
    (FlashCrowd(usual_per_s=5.0, peak_per_s=50.0, at_s=60.0), 600.0),
    (Replay([3.0, 1.0, 2.0]), 600.0),
]


def instants(load: Load, seconds: float, seed: int = 1) -> list[float]:
    return list(load.instants(seconds, random.Random(seed)))


def between(load: Load, from_s: float, to_s: float) -> float:
    """Calls a second between two instants, of twenty runs."""
    calls = [instants(load, to_s, seed) for seed in range(20)]
    return sum(len(each) - bisect_left(each, from_s) for each in calls) / (20 * (to_s - from_s))


@pytest.mark.parametrize(("load", "seconds"), SHAPES)
def test_calls_come_in_order_within_the_time_and_the_same_with_the_same_dice(load: Load, seconds: float) -> None:
    once, again = instants(load, seconds), instants(load, seconds)

    assert once == again == sorted(once)
    assert all(0.0 <= at_s < seconds for at_s in once)
    assert isinstance(load, Load)


def test_a_steady_load_has_its_rate() -> None:
    assert between(Steady(10.0), 0.0, 500.0) == pytest.approx(10.0, rel=0.05)


def test_steps_have_each_their_rate_and_nothing_comes_before_the_first() -> None:
    steps = Steps([(10.0, 5.0), (100.0, 50.0), (200.0, 0.0)])

    assert between(steps, 0.0, 10.0) == 0.0
    assert between(steps, 10.0, 100.0) == pytest.approx(5.0, rel=0.05)
    assert between(steps, 100.0, 200.0) == pytest.approx(50.0, rel=0.05)
    assert between(steps, 200.0, 300.0) == 0.0


def test_steps_that_are_all_silent_bring_nothing() -> None:
    assert instants(Steps([(0.0, 0.0)]), 100.0) == []


def test_a_day_has_its_peak_its_night_and_its_mean() -> None:
    daily = Daily(mean_per_s=10.0, swing=0.8, peak_at_s=300.0, day_s=1200.0)

    assert between(daily, 290.0, 310.0) == pytest.approx(18.0, rel=0.1)
    assert between(daily, 890.0, 910.0) == pytest.approx(2.0, rel=0.3)
    assert between(daily, 0.0, 1200.0) == pytest.approx(10.0, rel=0.05)


def test_a_crowd_comes_fast_and_halves_slowly() -> None:
    crowd = FlashCrowd(usual_per_s=2.0, peak_per_s=42.0, at_s=100.0, rises_in_s=10.0, halves_in_s=60.0)

    assert [crowd.rate_per_s(at_s) for at_s in (0.0, 100.0, 105.0, 110.0, 170.0, 230.0)] == [2, 2, 22, 42, 22, 12]
    assert between(crowd, 0.0, 100.0) == pytest.approx(2.0, rel=0.1)
    assert between(crowd, 110.0, 115.0) == pytest.approx(41.0, rel=0.1)


def test_a_recording_is_told_from_its_first_instant_and_can_be_played_faster() -> None:
    recorded = [1_700_000_010.0, 1_700_000_000.0, 1_700_000_004.0]

    assert instants(Replay(recorded), 100.0) == [0.0, 4.0, 10.0]
    assert instants(Replay(recorded), 10.0) == [0.0, 4.0]
    assert instants(Replay(recorded, speed=2.0), 100.0) == [0.0, 2.0, 5.0]
    assert instants(Replay([]), 100.0) == []
    assert repr(Replay(recorded)) == "Replay(timestamps=<3>, speed=1.0)"


@pytest.mark.parametrize("steps", [[], [(5.0, 1.0), (0.0, 1.0)], [(0.0, 1.0), (0.0, 2.0)], [(0.0, -1.0)]])
def test_steps_out_of_order_or_below_zero_are_refused(steps: list[tuple[float, float]]) -> None:
    with pytest.raises(ConfigurationError, match=r"^Steps: steps must be pairs"):
        Steps(steps)


def test_a_crowd_that_is_less_than_usual_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^FlashCrowd: peak_per_s \(1\) must be at least usual_per_s \(2\)"):
        FlashCrowd(usual_per_s=2.0, peak_per_s=1.0, at_s=0.0)
