"""Counts in growing buckets: close to the values, and adding up to the same as all values together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from paceline.gateway.dashboard.histogram import Counts, bucket_of, count, middle_of, pour, quantiles
from paceline.router.testing import quantile

VALUES = st.floats(min_value=2e-6, max_value=1e6)


@given(VALUES)
def test_the_middle_of_a_values_bucket_is_within_a_hundredth_and_a_half_of_it(value: float) -> None:
    assert abs(middle_of(bucket_of(value)) / value - 1.0) < 0.0147


@given(st.lists(VALUES, min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_a_quantile_is_that_of_the_values_but_for_the_width_of_a_bucket(values: list[float], share: float) -> None:
    counts: Counts = {}
    for value in values:
        count(counts, value)

    (told,) = quantiles(counts, share)

    exact = quantile(values, share)
    assert told is not None
    assert exact is not None
    assert abs(told / exact - 1.0) < 0.0147


@given(st.lists(st.lists(VALUES, max_size=50), max_size=5))
def test_counts_poured_together_are_those_of_all_values(parts: list[list[float]]) -> None:
    together: Counts = {}
    for part in parts:
        counts: Counts = {}
        for value in part:
            count(counts, value)
        pour(counts, together)

    at_once: Counts = {}
    for part in parts:
        for value in part:
            count(at_once, value)
    assert together == at_once


def test_of_no_values_nothing_is_known() -> None:
    assert quantiles({}, 0.5, 0.99) == [None, None]


def test_what_is_nothing_at_all_has_a_bucket_too() -> None:
    assert bucket_of(0.0) == 0
