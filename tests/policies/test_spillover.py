"""The 1.4 rule: the tables of its source, exactly, and what must hold whatever the numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.policies.spillover import health, locality_shares, priority_loads

HEALTHY = st.floats(0.0, 1.0)
SOME = st.lists(HEALTHY, min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("x_healthy", "x_share"),
    [(1.0, 0.3333), (0.7, 0.3289), (0.69, 0.3257), (0.5, 0.2593), (0.25, 0.1489), (0.0, 0.0)],
)
def test_the_table_of_weights_one_to_two(x_healthy: float, x_share: float) -> None:
    assert locality_shares([1.0, 2.0], [x_healthy, 1.0]) == pytest.approx((x_share, 1.0 - x_share), abs=5e-5)


@pytest.mark.parametrize(
    ("healthy", "shares", "panics"),
    [
        ((1.0, 1.0), (1.0, 0.0), (False, False)),
        ((0.72, 0.72), (1.0, 0.0), (False, False)),
        ((0.71, 0.71), (0.994, 0.006), (False, False)),
        ((0.5, 1.0), (0.7, 0.3), (False, False)),
        ((0.5, 0.6), (0.7, 0.3), (False, False)),
        ((0.25, 1.0), (0.35, 0.65), (False, False)),
        ((0.25, 0.25), (0.5, 0.5), (True, True)),
        ((0.05, 0.65), (0.0714, 0.9286), (True, False)),
        ((0.0, 1.0), (0.0, 1.0), (False, False)),
    ],
)
def test_the_table_of_priorities(
    healthy: tuple[float, float], shares: tuple[float, float], panics: tuple[bool, bool]
) -> None:
    loads = priority_loads(healthy)
    assert loads.shares == pytest.approx(shares, abs=5e-5)
    assert loads.panics == panics


def test_each_priority_takes_what_the_ones_before_it_leave() -> None:
    assert priority_loads([0.25, 0.25, 1.0]).shares == pytest.approx((0.35, 0.35, 0.3))


@pytest.mark.parametrize(("well", "of"), [(5, 7), (10, 14), (50, 70)])
def test_five_sevenths_are_all_that_is_needed(well: int, of: int) -> None:
    assert health(well / of) == 1.0
    assert health((well - 1) / of) < 1.0
    assert priority_loads([well / of, 1.0]).shares == (1.0, 0.0)


def test_where_nothing_is_healthy_every_priority_gets_the_same_and_panics() -> None:
    loads = priority_loads([0.0, 0.0])
    assert (loads.shares, loads.panics) == ((0.5, 0.5), (True, True))


def test_where_nothing_is_healthy_the_weights_alone_count() -> None:
    assert locality_shares([1.0, 3.0], [0.0, 0.0]) == (0.25, 0.75)


@given(healthy=SOME)
def test_everything_is_divided_and_nothing_twice(healthy: list[float]) -> None:
    assert sum(priority_loads(healthy).shares) == pytest.approx(1.0)
    assert sum(locality_shares([1.0] * len(healthy), healthy)) == pytest.approx(1.0)


@given(healthy=SOME)
def test_without_a_panic_no_priority_gets_more_than_it_can_take(healthy: list[float]) -> None:
    loads = priority_loads(healthy)
    if not any(loads.panics) and sum(map(health, healthy)) >= 1.0:
        assert all(share <= health(well) + 1e-9 for share, well in zip(loads.shares, healthy, strict=True))


@given(healthy=SOME)
def test_there_is_no_panic_while_somebody_can_take_it(healthy: list[float]) -> None:
    loads = priority_loads(healthy)
    if any(loads.panics):
        assert sum(map(health, healthy)) < 1.0
    for well, panic in zip(healthy, loads.panics, strict=True):
        assert not (panic and well >= 0.5)


@given(healthy=SOME, worse=HEALTHY)
def test_the_first_gets_no_more_when_it_is_worse(healthy: list[float], worse: float) -> None:
    before = priority_loads([*healthy, 1.0]).shares[0]
    after = priority_loads([min(worse, healthy[0]), *healthy[1:], 1.0]).shares[0]
    assert after <= before + 1e-9
