"""What a router knows of latency at one instant, outside of the router: to be kept, sent, and added to another.

It is made of interval histograms, and histograms merge without loss: the quantiles of a sum are those of all samples
together. Averages of percentiles are wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from types import MappingProxyType

import attrs

from ..errors import ConfigurationError, CorruptStatistics
from .hdr import MOST_IN_A_COUNTER, Histogram, bucket_of
from .interval import Interval, Series
from .tag import Tag

MOST_HISTOGRAMS = 50_000
"""In a snapshot. Each takes some 10 KB of memory."""

MOST_SAMPLES = 2**24
"""Latencies in a snapshot. A window keeps two bytes of each."""


def _frozen(
    given: Mapping[str, Mapping[Series, Sequence[Interval]]],
) -> Mapping[str, Mapping[Series, tuple[Interval, ...]]]:
    return MappingProxyType(
        {
            endpoint: MappingProxyType({series: tuple(intervals) for series, intervals in of.items()})
            for endpoint, of in given.items()
        }
    )


@attrs.frozen(eq=False)
class Snapshot:
    """Intervals by the name of their endpoint and their series. Iterating gives every interval, with these two.

    endpoints: at most 50,000 histograms and 16,777,216 latencies in all; readers of snapshots refuse more.

    Raises:
        ConfigurationError: there are more.
    """

    endpoints: Mapping[str, Mapping[Series, tuple[Interval, ...]]] = attrs.field(converter=_frozen)

    def __attrs_post_init__(self) -> None:
        counts = [histogram.count for _, _, histogram in self.histograms()]
        if len(counts) > MOST_HISTOGRAMS or sum(counts) > MOST_SAMPLES:
            raise ConfigurationError(
                f"Snapshot: {len(counts):,} histograms of {sum(counts):,} latencies are more than "
                f"{MOST_HISTOGRAMS:,} of {MOST_SAMPLES:,}: take it of fewer endpoints, or of a shorter window"
            )

    def __iter__(self) -> Iterator[tuple[str, Series, Interval]]:
        for endpoint, of in self.endpoints.items():
            for series, intervals in of.items():
                for interval in intervals:
                    yield endpoint, series, interval

    def histograms(self) -> Iterator[tuple[Tag, Interval, Histogram]]:
        """Every histogram that holds something, with its tag and the interval it is of."""
        for endpoint, series, interval in self:
            if interval.events.count:
                yield Tag(endpoint, series), interval, interval.events
            if interval.censored is not None and interval.censored.count:
                yield Tag(endpoint, series, censored=True), interval, interval.censored

    def of(self, endpoint: str) -> Mapping[Series, tuple[Interval, ...]]:
        """What is known of an endpoint; nothing, if it is not in here."""
        return self.endpoints.get(endpoint, MappingProxyType({}))

    def with_(self, other: Snapshot) -> Snapshot:
        """Both together, as of two processes that call the same endpoints.

        Raises:
            ConfigurationError: together they are too large.
        """
        together: dict[str, dict[Series, list[Interval]]] = {}
        for endpoint, series, interval in chain(self, other):
            together.setdefault(endpoint, {}).setdefault(series, []).append(interval)
        return Snapshot(together)


class Intake:
    """A snapshot in the making, from a source that is not trusted with memory."""

    def __init__(self) -> None:
        self._endpoints: dict[str, dict[Series, _Held]] = {}
        self._histograms = 0
        self._samples = 0

    def add(self, tag: Tag, age_s: float, length_s: float, histogram: Histogram) -> None:
        """Take a histogram in, for keeps. One of the same distribution and time adds to it.

        Raises:
            CorruptStatistics: there are more than a snapshot holds.
        """
        self._histograms += 1
        self._samples += histogram.count
        if self._histograms > MOST_HISTOGRAMS or self._samples > MOST_SAMPLES:
            raise CorruptStatistics(
                f"there are more than {MOST_HISTOGRAMS:,} histograms or {MOST_SAMPLES:,} latencies: "
                "give a snapshot that Paceline wrote, none is as large"
            )
        series = self._endpoints.setdefault(tag.endpoint, {}).setdefault(tag.series, _Held())
        held = series.censored if tag.censored else series.events
        if (age_s, length_s) in held:
            pour(histogram, held[age_s, length_s])
        else:
            held[age_s, length_s] = histogram

    def snapshot(self) -> Snapshot:
        """What was taken in, the oldest intervals first."""
        return Snapshot(
            {
                endpoint: {series: held.intervals() for series, held in of.items()}
                for endpoint, of in self._endpoints.items()
            }
        )


class _Held:
    """The histograms of one series, by age and length of their interval."""

    __slots__ = ("censored", "events")

    def __init__(self) -> None:
        self.events: dict[tuple[float, float], Histogram] = {}
        self.censored: dict[tuple[float, float], Histogram] = {}

    def intervals(self) -> list[Interval]:
        """The oldest first."""
        return [
            Interval(
                age_s=age_s,
                length_s=length_s,
                events=self._events((age_s, length_s)),
                censored=self.censored.get((age_s, length_s)),
            )
            for age_s, length_s in sorted(self.events.keys() | self.censored.keys(), reverse=True)
        ]

    def _events(self, time: tuple[float, float]) -> Histogram:
        return self.events[time] if time in self.events else Histogram(self.censored[time].scale)


def pour(more: Histogram, into: Histogram) -> None:
    """Add a histogram to another. Values of another scale go to the buckets of this one.

    Raises:
        CorruptStatistics: a counter would overflow.
    """
    if into.count + more.count > MOST_IN_A_COUNTER:
        raise CorruptStatistics(f"one distribution has more than {MOST_IN_A_COUNTER:,} latencies: read fewer at once")
    if more.scale == into.scale:
        into.add(more)
        return
    for bucket, count in more.filled():
        units = round(more.highest_s(bucket) / into.scale.unit_s)
        into.count_in(bucket_of(min(max(1, units), into.scale.highest)), count)
