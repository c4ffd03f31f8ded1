"""`Fold`: quantiles and chances of a distribution, with what was cut off reckoned in by Kaplan and Meier."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.router import Fold
from paceline.router.statistics.fold import kaplan_meier
from paceline.router.statistics.hdr import MILLISECONDS_TO_AN_HOUR as MS
from paceline.router.statistics.hdr import Histogram

MILLISECONDS = st.integers(1, 3_600_000)
SHARES = st.fractions(0, 1).filter(lambda share: share > 0).map(float)


def histogram(*units: int) -> Histogram:
    made = Histogram(MS)
    for value in units:
        made.record(value)
    return made


def fold(*events: int, cut: tuple[int, ...] = ()) -> Fold:
    return Fold.of(histogram(*events), histogram(*cut))


def test_nothing_seen_is_unknown_and_not_fast() -> None:
    assert fold().count == 0
    assert fold().quantile(0.5) is None
    assert fold().cdf(1.0) is None


def test_one_value_is_every_quantile() -> None:
    assert {fold(250).quantile(q) for q in (0.001, 0.5, 1.0)} == {0.25}


@given(st.lists(MILLISECONDS, min_size=1, max_size=60), SHARES)
def test_a_quantile_is_that_of_a_sorted_list_to_one_percent(values: list[int], q: float) -> None:
    rank = max(1, math.ceil(q * len(values) - 1e-9))

    found = fold(*values).quantile(q)

    assert found is not None
    exact = sorted(values)[rank - 1]
    assert exact <= round(found * 1000) <= exact * 1.01


@given(st.lists(MILLISECONDS, min_size=1, max_size=60), st.lists(MILLISECONDS, max_size=30), SHARES, SHARES)
def test_quantiles_never_fall_as_the_share_grows(events: list[int], cut: list[int], p: float, q: float) -> None:
    distribution = fold(*events, cut=tuple(cut))

    low, high = distribution.quantile(min(p, q)), distribution.quantile(max(p, q))

    assert high is None or (low is not None and low <= high)


@given(st.lists(MILLISECONDS, min_size=1, max_size=60), st.lists(MILLISECONDS, max_size=30), SHARES)
def test_the_chance_of_a_quantile_is_at_least_its_share(events: list[int], cut: list[int], q: float) -> None:
    distribution = fold(*events, cut=tuple(cut))
    value_s = distribution.quantile(q)

    if value_s is None:
        assert distribution.cdf(3600.0) == distribution.cdf(1e9)
        assert (distribution.cdf(3600.0) or 0.0) < q
    else:
        assert (distribution.cdf(value_s) or 0.0) >= q - 1e-9
        assert (distribution.cdf(value_s * 0.98 - 0.001) or 0.0) < q


@pytest.mark.parametrize(("t_s", "expected"), [(-1.0, 0.0), (0.0, 0.0), (0.0005, 0.0), (0.001, 0.5), (2.0, 1.0)])
def test_the_chance_is_the_share_of_what_was_as_fast(t_s: float, expected: float) -> None:
    assert fold(1, 2000).cdf(t_s) == expected


def test_every_latency_lies_within_more_than_the_range() -> None:
    assert fold(250, 3_600_000).cdf(1e9) == 1.0


TIMES = st.lists(st.floats(-1.0, 4000.0), min_size=1, max_size=20)


@given(st.lists(MILLISECONDS, max_size=60), st.lists(MILLISECONDS, max_size=30), TIMES)
def test_the_mean_chance_of_several_times_is_that_of_their_chances(
    events: list[int], cut: list[int], times_s: list[float]
) -> None:
    distribution = fold(*events, cut=tuple(cut))
    chances = [distribution.cdf(t_s) for t_s in times_s]

    mean = distribution.mean_cdf(times_s)

    if not events and not cut:
        assert mean is None
    else:
        assert mean == pytest.approx(sum(chance or 0.0 for chance in chances) / len(chances))


@pytest.mark.parametrize(("q", "value_s"), [(0.07, 0.007), (0.29, 0.029), (0.57, 0.057), (0.58, 0.058)])
def test_a_share_of_a_hundred_is_not_rounded_up_by_its_float(q: float, value_s: float) -> None:
    assert fold(*range(1, 101)).quantile(q) == value_s


def test_kaplan_meier_events_come_before_what_is_cut_at_the_same_value() -> None:
    survival = [1.0 - f for f in kaplan_meier([1, 1, 0, 1], [0, 1, 0, 0])]

    assert survival == [0.75, 0.5, 0.5, 0.0]


def test_kaplan_meier_stops_below_one_where_the_longest_were_cut() -> None:
    distribution = fold(1, 1, 1, cut=(5,) * 5)

    assert distribution.cdf(3600.0) == pytest.approx(3 / 8)
    assert distribution.quantile(3 / 8) == 0.001
    assert distribution.quantile(0.5) is None


def test_what_was_cut_early_does_not_make_the_rest_look_slower_or_faster() -> None:
    distribution = fold(1, 2, 4, cut=(2,))

    assert [distribution.cdf(t_s) for t_s in (0.001, 0.002, 0.003, 0.004)] == pytest.approx([0.25, 0.5, 0.5, 1.0])
    assert distribution.count == 3
    assert distribution.censored == 1


@given(st.lists(MILLISECONDS, min_size=1, max_size=60), st.lists(MILLISECONDS, min_size=1, max_size=30))
def test_what_was_cut_never_makes_an_endpoint_look_faster(events: list[int], cut: list[int]) -> None:
    known, with_cut = fold(*events), fold(*events, cut=tuple(cut))

    for q in (0.5, 0.9, 0.95, 0.99):
        slower = with_cut.quantile(q)
        assert slower is None or slower >= (known.quantile(q) or 0.0)


@given(st.lists(MILLISECONDS, min_size=1, max_size=60), st.lists(MILLISECONDS, max_size=30), SHARES)
def test_what_takes_twice_as_long_has_its_quantiles_twice_as_far(events: list[int], cut: list[int], q: float) -> None:
    distribution = fold(*events, cut=tuple(cut))
    longer = distribution.times(2.0)

    value_s, longest_s = distribution.quantile(q), distribution.longest_s

    assert (longer.count, longer.censored) == (distribution.count, distribution.censored)
    assert longer.quantile(q) == (None if value_s is None else 2.0 * value_s)
    assert longer.longest_s == (None if longest_s is None else 2.0 * longest_s)
    assert longer.cdf(2.0 * events[0] / 1000) == distribution.cdf(events[0] / 1000)


@pytest.mark.parametrize("most", [1, 10, 50])
def test_a_sample_of_a_distribution_is_spread_evenly(most: int) -> None:
    distribution = fold(*range(1, 101))

    sample = sorted(distribution.sample(most))

    assert len(sample) == most
    assert sample == pytest.approx([(place + 0.5) / most / 10 for place in range(most)], abs=0.1 / most + 0.008)


def test_a_sample_comes_out_of_order() -> None:
    """What learns from it in turn must not take it for a trend."""
    sample = fold(*range(1, 101)).sample(50)

    early, late = sample[:25], sample[25:]

    assert sum(early) / 25 == pytest.approx(sum(late) / 25, rel=0.1)


def test_a_sample_is_no_larger_than_what_was_seen() -> None:
    assert fold().sample(50) == []
    assert sorted(fold(100, 200).sample(50)) == [0.1, 0.2]


def test_a_sample_holds_nothing_of_what_was_not_seen_to_its_end() -> None:
    assert set(fold(*[100] * 50, cut=(900,) * 50).sample(50)) == {0.1}


def test_a_distribution_begins_where_the_first_was_cut_off_and_that_is_no_quantile() -> None:
    distribution = fold(100, cut=(3,))

    assert [distribution.quantile(q) for q in (1e-12, 0.5, 1.0)] == [0.1] * 3
    assert distribution.cdf(0.05) == 0.0


def test_many_samples_are_counted_without_overflow() -> None:
    distribution = fold(*[5] * 70_000, 10)

    assert distribution.cdf(0.005) == 70_000 / 70_001
    assert distribution.quantile(1.0) == 0.01
