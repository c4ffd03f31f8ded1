"""`Snapshot`: what is known, outside of a router; merged without loss, and bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.router import Fold
from paceline.router.errors import ConfigurationError, CorruptStatistics
from paceline.router.statistics import snapshot as subject
from paceline.router.statistics.hdr import (
    MILLISECONDS_TO_AN_HOUR,
    MOST_IN_A_COUNTER,
    TEN_MICROSECONDS_TO_A_MINUTE,
    Histogram,
)
from paceline.router.statistics.interval import Series
from paceline.router.statistics.snapshot import Intake, Snapshot, pour
from paceline.router.statistics.tag import Tag

from .keeping import TTFT, histogram, interval, snapshot, told

MILLISECONDS = st.lists(st.integers(1, 3_600_000), max_size=30)
SHARES = (0.01, 0.5, 0.9, 0.99, 1.0)


def test_what_is_known_of_an_endpoint_is_found_by_its_name() -> None:
    taken = Snapshot({"eu": {TTFT: [interval(250)]}})

    assert [each.events.count for each in taken.of("eu")[TTFT]] == [1]
    assert taken.of("us") == {}


def test_a_snapshot_stays_as_it_was_taken() -> None:
    given_intervals = [interval(250)]
    given_series = {TTFT: given_intervals}
    taken = Snapshot({"eu": given_series})

    given_intervals.append(interval(300))
    given_series[Series("total")] = []

    assert [(endpoint, series) for endpoint, series, _ in taken] == [("eu", TTFT)]


def test_two_snapshots_together_hold_the_intervals_of_both() -> None:
    together = snapshot(250).with_(snapshot(300)).with_(snapshot(4, endpoint="us"))

    assert [each.events.filled() for each in together.of("eu")[TTFT]] == [
        histogram(250).filled(),
        histogram(300).filled(),
    ]
    assert len(together.of("us")[TTFT]) == 1


def test_histograms_that_hold_nothing_are_left_out() -> None:
    taken = Snapshot({"eu": {TTFT: [interval(), interval(cut=[9]), interval(7)]}})

    assert [str(tag) for tag, _, _ in taken.histograms()] == ["eu/ttft/censored", "eu/ttft"]


@given(st.lists(st.tuples(MILLISECONDS, MILLISECONDS), min_size=1, max_size=5))
def test_quantiles_of_the_sum_are_those_of_all_samples_together(parts: list[tuple[list[int], list[int]]]) -> None:
    events, censored = Histogram(MILLISECONDS_TO_AN_HOUR), Histogram(MILLISECONDS_TO_AN_HOUR)
    for seen, cut in parts:
        pour(histogram(*seen), into=events)
        pour(histogram(*cut), into=censored)

    merged = fold(events, censored)
    whole = fold(
        histogram(*(value for seen, _ in parts for value in seen)),
        histogram(*(value for _, cut in parts for value in cut)),
    )

    assert [merged.quantile(q) for q in SHARES] == [whole.quantile(q) for q in SHARES]
    assert (merged.count, merged.censored) == (whole.count, whole.censored)


def fold(events: Histogram, censored: Histogram) -> Fold:
    return Fold.of(events, censored)


def test_values_of_another_scale_are_poured_into_the_buckets_of_this_one() -> None:
    coarse = histogram(1)
    fine = histogram(30, 5_000, 6_000_000, scale=TEN_MICROSECONDS_TO_A_MINUTE)

    pour(fine, into=coarse)

    found_s = [coarse.highest_s(bucket) for bucket, count in coarse.filled() for _ in range(count)]
    assert found_s == pytest.approx([0.001, 0.001, 0.05, 60.0], rel=0.01)
    assert coarse.count == 4


def test_values_beyond_the_other_scale_are_poured_into_its_last_bucket() -> None:
    fine = Histogram(TEN_MICROSECONDS_TO_A_MINUTE)

    pour(histogram(3_600_000), into=fine)

    assert fine.highest_s(fine.filled()[0][0]) == pytest.approx(60.0, rel=0.01)


def test_a_counter_that_would_overflow_is_an_error_and_not_a_small_number() -> None:
    full = Histogram(MILLISECONDS_TO_AN_HOUR)
    full.count_in(7, MOST_IN_A_COUNTER)

    with pytest.raises(CorruptStatistics, match="more than 4,294,967,295 latencies"):
        pour(histogram(7), into=full)

    assert full.count == MOST_IN_A_COUNTER


def test_events_and_censored_of_one_time_become_one_interval_in_any_order() -> None:
    intake = Intake()
    for tag, units in (
        (Tag("eu", TTFT, censored=True), 900),
        (Tag("eu", TTFT), 250),
        (Tag("eu", TTFT, censored=True), 900),
        (Tag("eu", TTFT), 300),
    ):
        intake.add(tag, 5.0, 10.0, histogram(units))

    assert told(intake.snapshot()) == told(
        Snapshot({"eu": {TTFT: [interval(250, 300, cut=[900, 900], age_s=5.0, length_s=10.0)]}})
    )


def test_more_than_a_snapshot_holds_is_refused_before_it_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "MOST_HISTOGRAMS", 2)
    intake = Intake()
    intake.add(Tag("eu", TTFT), 0.0, 10.0, histogram(1))
    intake.add(Tag("eu", TTFT), 10.0, 10.0, histogram(1))

    with pytest.raises(CorruptStatistics, match="more than 2 histograms"):
        intake.add(Tag("eu", TTFT), 20.0, 10.0, histogram(1))


def test_more_latencies_than_a_snapshot_holds_are_refused() -> None:
    many = Histogram(MILLISECONDS_TO_AN_HOUR)
    many.count_in(7, 2**24 + 1)

    with pytest.raises(CorruptStatistics, match="16,777,216 latencies"):
        Intake().add(Tag("eu", TTFT), 0.0, 10.0, many)


def test_a_snapshot_that_nobody_could_read_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "MOST_HISTOGRAMS", 1)

    with pytest.raises(ConfigurationError, match="2 histograms of 3 latencies are more than 1 of 16,777,216: take it"):
        snapshot(1, 2, cut=[3])
