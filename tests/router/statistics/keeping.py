"""Snapshots to keep, to send and to compare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from hypothesis import strategies as st

from paceline.router.statistics.hdr import MILLISECONDS_TO_AN_HOUR as MS
from paceline.router.statistics.hdr import TEN_MICROSECONDS_TO_A_MINUTE as TEN_US
from paceline.router.statistics.hdr import Filled, Histogram, Scale, bucket_of
from paceline.router.statistics.interval import Interval, Series
from paceline.router.statistics.snapshot import Snapshot

Told: TypeAlias = Mapping[str, Mapping[Series, Sequence[tuple[float, float, float, list[Filled], list[Filled]]]]]
"""A snapshot as what can be compared."""

TTFT = Series("ttft")


def histogram(*units: int, scale: Scale = MS) -> Histogram:
    made = Histogram(scale)
    for value in units:
        made.record(value)
    return made


def interval(*units: int, cut: Iterable[int] = (), age_s: float = 0.0, length_s: float = 10.0) -> Interval:
    censored = histogram(*cut)
    return Interval(
        age_s=age_s, length_s=length_s, events=histogram(*units), censored=censored if censored.count else None
    )


def snapshot(*units: int, cut: Iterable[int] = (), endpoint: str = "eu", series: Series = TTFT) -> Snapshot:
    """One interval of one distribution."""
    return Snapshot({endpoint: {series: [interval(*units, cut=cut)]}})


def told(what: Snapshot, *, digits: int = 9) -> Told:
    return {
        endpoint: {
            series: sorted(
                (
                    round(each.age_s, digits),
                    round(each.length_s, digits),
                    each.events.scale.unit_s,
                    each.events.filled(),
                    [] if each.censored is None else each.censored.filled(),
                )
                for each in intervals
            )
            for series, intervals in of.items()
        }
        for endpoint, of in what.endpoints.items()
    }


def histograms(scale: Scale) -> st.SearchStrategy[Histogram]:
    """Any histogram that holds something."""

    def made(counts: Mapping[int, int]) -> Histogram:
        histogram = Histogram(scale)
        for bucket, count in counts.items():
            histogram.count_in(bucket, count)
        return histogram

    counts = st.one_of(st.integers(1, 5), st.integers(1, 20_000))
    return st.dictionaries(st.integers(1, bucket_of(scale.highest)), counts, min_size=1, max_size=30).map(made)


NAMES = st.text(min_size=1, max_size=12)
SERIES = st.builds(Series, st.sampled_from(["ttft", "total", "tpot", "slot_wait"]), st.none() | st.integers(0, 31))


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Any snapshot whose intervals hold something, at times a whole number of milliseconds ago."""

    def intervals(scale: Scale) -> list[Interval]:
        times = draw(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 10**5)), max_size=3, unique=True))
        return [
            Interval(
                age_s=age_ms / 1000,
                length_s=length_ms / 1000,
                events=draw(histograms(scale)),
                censored=draw(st.none() | histograms(scale)),
            )
            for age_ms, length_ms in times
        ]

    return Snapshot(
        {
            endpoint: {
                series: made
                for series in draw(st.lists(SERIES, max_size=3, unique=True))
                if (made := intervals(TEN_US if series.metric == "tpot" else MS))
            }
            for endpoint in draw(st.lists(NAMES, max_size=3, unique=True))
        }
    )


def without_nothing(what: Told) -> Told:
    """Endpoints of which nothing is known leave no trace."""
    return {endpoint: of for endpoint, of in what.items() if of}
