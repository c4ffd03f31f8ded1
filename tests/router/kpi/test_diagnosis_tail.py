"""The band around a p95, and the test of whether two windows differ."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.router.kpi.diagnosis_tail import CERTAIN, band, quantile, slowest


def test_the_band_of_two_hundred_calls_is_the_ten_around_the_p95() -> None:
    found = band([float(value) for value in range(200)], [1.0] * 200)

    assert found == [(position, pytest.approx(0.1)) for position in range(185, 195)]


def test_calls_across_an_edge_count_with_their_share_of_the_band() -> None:
    found = band([float(value) for value in range(20)], [1.0] * 20)

    assert found == [(18, pytest.approx(0.5)), (19, pytest.approx(0.5))]


def test_a_call_that_weighs_more_takes_more_of_the_band() -> None:
    assert band([1.0, 2.0], [1.0, 1.0]) == [(1, 1.0)]
    assert band([1.0, 2.0], [999.0, 1.0]) == [(0, 1.0)]


@given(st.lists(st.tuples(st.floats(0.0, 1e3), st.floats(0.01, 10.0)), min_size=1, max_size=200))
def test_weights_add_up_to_one_and_the_band_surrounds_the_p95(calls: list[tuple[float, float]]) -> None:
    values, weights = [value for value, _ in calls], [1.0] * len(calls)

    found = band(values, weights)

    assert sum(weight for _, weight in found) == pytest.approx(1.0)
    inside = [values[position] for position, _ in found]
    assert min(inside) <= quantile(values, 0.95) <= max(inside)


def test_twice_as_slow_is_seen() -> None:
    dice = random.Random(1)
    before = [dice.lognormvariate(0.0, 0.5) for _ in range(400)]
    now = [2.0 * dice.lognormvariate(0.0, 0.5) for _ in range(400)]

    share_before, share_now, errors = slowest(before, now)

    assert share_before < 0.1 < share_now
    assert errors > CERTAIN


def test_one_outlier_is_not_a_difference() -> None:
    dice = random.Random(1)
    before = [dice.lognormvariate(0.0, 0.5) for _ in range(400)]

    assert abs(slowest(before, [*before, 1e6])[2]) < 1.0


def test_a_spell_of_slow_calls_is_a_difference() -> None:
    assert slowest([1.0] * 400, [1.0] * 200 + [5.0] * 25 + [1.0] * 175)[2] > CERTAIN


def test_calls_that_all_take_equally_long_do_not_differ() -> None:
    assert slowest([1.0] * 50, [1.0] * 50) == (0.0, 0.0, 0.0)
