"""The histogram under the windows: the library's own layout, with its traps closed."""

from typing import Any

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from paceline.router.statistics.hdr import (
    DIGITS,
    MILLISECONDS_TO_AN_HOUR,
    TEN_MICROSECONDS_TO_A_MINUTE,
    WORD_BYTES,
    Histogram,
    Scale,
    bucket_of,
    highest_in,
)

SCALES = [MILLISECONDS_TO_AN_HOUR, TEN_MICROSECONDS_TO_A_MINUTE]
MOST = max(scale.highest for scale in SCALES)


def library(scale: Scale = TEN_MICROSECONDS_TO_A_MINUTE) -> Any:
    return HdrHistogram(1, scale.highest, DIGITS, word_size=WORD_BYTES)


ORIGINAL = library()


@given(st.integers(1, MOST))
def test_a_value_belongs_to_the_counter_the_library_puts_it_in(units: int) -> None:
    assert bucket_of(units) == ORIGINAL._counts_index_for(units)


@pytest.mark.parametrize("scale", SCALES)
def test_the_highest_value_of_every_counter_is_the_librarys(scale: Scale) -> None:
    original = library(scale)
    buckets = range(bucket_of(scale.highest) + 1)

    expected = [original.get_highest_equivalent_value(original.get_value_from_index(bucket)) for bucket in buckets]

    assert [highest_in(bucket) for bucket in buckets] == expected


@given(st.integers(1, MOST))
def test_a_value_is_told_apart_to_better_than_one_percent(units: int) -> None:
    assert units <= highest_in(bucket_of(units)) < units * 1.01


@given(st.lists(st.integers(1, MILLISECONDS_TO_AN_HOUR.highest), max_size=50))
def test_what_is_recorded_is_what_the_library_would_have_recorded(values: list[int]) -> None:
    ours, original = Histogram(MILLISECONDS_TO_AN_HOUR), library(MILLISECONDS_TO_AN_HOUR)

    for value in values:
        ours.record(value)
        original.record_value(value)

    assert ours.count == original.total_count == len(values)
    assert list(ours.counts) == list(original.counts)


def test_adding_another_adds_every_count() -> None:
    one, other = Histogram(MILLISECONDS_TO_AN_HOUR), Histogram(MILLISECONDS_TO_AN_HOUR)
    for units in (1, 250, 3_600_000):
        one.record(units)
        other.record(units)

    one.add(other)

    assert one.count == 6
    assert [one.counts[bucket_of(units)] for units in (1, 250, 3_600_000)] == [2, 2, 2]


def test_what_was_added_can_be_taken_away_again() -> None:
    histogram = Histogram(MILLISECONDS_TO_AN_HOUR)
    histogram.record(250)
    histogram.record(7)

    histogram.count_in(bucket_of(250), -1)

    assert histogram.count == sum(histogram.counts) == 1
    assert histogram.filled() == [(bucket_of(7), 1)]
