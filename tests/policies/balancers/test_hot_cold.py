"""`HotCold`: who is busier than most is left out; of the others, the fastest."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from paceline.policies import HotCold
from paceline.policies.balancers.hot_cold import loads_at
from paceline.router.errors import ConfigurationError

from .bench import alike, come_back, drawn, failed, targets

FIVE = {"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4, "e": 0.5}


def loaded(used: Mapping[str, int], *, slots: int | Mapping[str, int] | None = 10) -> dict[str, int]:
    """Who is picked of five, `a` the fastest, under these loads."""
    among = targets(FIVE, slots=slots)
    for target in among:
        target.slots.acquire_over_limit(used.get(target.name, 0))
    return dict(drawn(HotCold(), among, 10))


@pytest.mark.parametrize(("count", "rank"), [(1, 1), (2, 1), (3, 2), (4, 3), (5, 4), (6, 5), (16, 13)])
def test_the_bar_leaves_the_busiest_of_a_few_above_it(count: int, rank: int) -> None:
    assert loads_at(0.84, [float(load) for load in range(count, 0, -1)]) == rank


def test_the_fastest_that_is_not_hot_is_picked() -> None:
    assert loaded({"a": 9, "b": 5, "c": 1, "d": 2, "e": 3}) == {"b": 10}
    assert loaded({"a": 5, "b": 9, "c": 1, "d": 2, "e": 3}) == {"a": 10}


def test_below_the_bar_load_does_not_count() -> None:
    assert loaded({"a": 3, "b": 0, "c": 0, "d": 0, "e": 4}) == {"a": 10}


def test_load_is_a_share_of_the_slots() -> None:
    slots = {"a": 100, "b": 10, "c": 10, "d": 10, "e": 10}
    assert loaded({"a": 9, "b": 1, "c": 1, "d": 1, "e": 2}, slots=slots) == {"a": 10}


def test_without_limits_it_is_a_number_of_calls() -> None:
    assert loaded({"a": 9, "b": 1, "c": 1, "d": 1, "e": 2}, slots=None) == {"b": 10}


def test_where_all_are_idle_the_fastest_is_picked() -> None:
    assert loaded({}) == {"a": 10}


def test_of_equals_no_place_is_a_favourite() -> None:
    seen = drawn(HotCold(), alike(5), 5000)
    assert all(800 < seen[f"t{number}"] < 1200 for number in range(5))


def test_who_fails_is_not_the_fastest() -> None:
    among = targets(FIVE)
    failed(among[0], 0.0)

    assert set(drawn(HotCold(), among, 10)) == {"b"}


def test_of_many_sixteen_are_looked_at() -> None:
    among = targets({f"t{number}": 0.25 + number for number in range(100)})

    seen = drawn(HotCold(), among, 2000)

    assert 0.1 < seen["t0"] / 2000 < 0.22  # in the draw 16 times of 100


def test_the_less_the_quantile_the_more_load_counts() -> None:
    among = targets(FIVE, slots=10)
    for used, target in enumerate(reversed(among)):
        target.slots.acquire_over_limit(used)  # the faster, the busier

    picks = [next(iter(drawn(HotCold(hot_above=q), among, 1))) for q in (0.1, 0.5, 1.0)]

    assert picks == ["e", "c", "a"]


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="HotCold: hot_above must be a share above 0"):
        HotCold(hot_above=0.0)


def test_one_that_comes_back_has_to_be_so_much_faster() -> None:
    among = targets({"back": 0.25, "slower": 0.5, "slowest": 1.0})
    come_back(among[0])  # a quarter of its part: as if it took a second

    assert drawn(HotCold(hot_above=1.0), among, 10) == {"slower": 10}


def test_where_one_has_no_limit_all_are_counted_by_their_calls() -> None:
    among = [*targets({"a": 0.1, "b": 0.2, "c": 0.3}, slots=10), *targets({"free": 0.4, "open": 0.5})]
    for target, used in zip(among, (4, 3, 2, 2, 5), strict=True):
        for _ in range(used):
            target.slots.acquire_over_limit()

    assert drawn(HotCold(hot_above=0.5), among, 10) == {"b": 10}
