"""`LeastLoaded`: load alone, as a share of the slots where there are any."""

from __future__ import annotations

import pytest

from paceline.policies import LeastLoaded

from .bench import alike, come_back, drawn, targets, under_load


def test_the_less_loaded_of_two_is_picked_however_slow() -> None:
    quick, _ = among = targets({"quick": 0.25, "slow": 8.0})
    quick.slots.acquire_over_limit()

    assert set(drawn(LeastLoaded(), among, 20)) == {"slow"}


def test_load_is_a_share_of_the_slots() -> None:
    large, small = among = targets({"large": 0.25, "small": 0.25}, slots={"large": 100, "small": 10})
    large.slots.acquire_over_limit(20)
    small.slots.acquire_over_limit(3)

    assert set(drawn(LeastLoaded(), among, 20)) == {"large"}


def test_where_one_has_no_limit_numbers_are_compared() -> None:
    limited, unlimited = among = [*alike(1, slots=100), *targets({"unlimited": 0.25})]
    limited.slots.acquire_over_limit(20)
    unlimited.slots.acquire_over_limit(3)

    assert set(drawn(LeastLoaded(), among, 20)) == {"unlimited"}


def test_one_that_comes_back_counts_as_more_loaded_by_its_weight() -> None:
    back, usual = among = alike(2)
    usual.slots.acquire_over_limit()
    come_back(back)

    assert set(drawn(LeastLoaded(), among, 20)) == {usual.name}


def test_throughput_follows_speed_under_load() -> None:
    takes_s = {"one": 0.4, "two": 0.2, "four": 0.1}
    run = under_load(LeastLoaded(), targets(takes_s), takes_s, rate_per_s=2000.0, seconds=10.0)

    total = sum(run.picked.values())
    for name, speed in (("one", 1), ("two", 2), ("four", 4)):
        assert run.picked[name] / total == pytest.approx(speed / 7, rel=0.05)
