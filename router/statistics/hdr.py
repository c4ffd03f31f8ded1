"""The one place that touches hdrhistogram: typed, and with its traps closed.

The library ships no types, answers 0 for an empty histogram, drops values out of range without a word, and scans all
its counters in Python for a quantile or a reset. Here an unknown is never 0, values are clamped and the caller is
told, and nothing scans but `fold`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias, cast

import attrs
from hdrh.histogram import HdrHistogram

DIGITS = 2
"""Significant decimal digits: values are told apart to better than 1 %."""

WORD_BYTES = 4
"""Bytes a counter: 4,294,967,295 samples in a bucket are enough."""

MOST_IN_A_COUNTER = 2 ** (8 * WORD_BYTES) - 1
"""One more is a ValueError here, and 0 without a word in the library: who adds what comes from outside must look."""


@attrs.frozen
class Scale:
    """The unit and range of a histogram: 1 to ``highest`` units of ``unit_s`` seconds each."""

    unit_s: float
    highest: int


MILLISECONDS_TO_AN_HOUR = Scale(0.001, 3_600_000)
"""For time to first token and total time: exact to 256 ms, then better than 0.8 %."""

TEN_MICROSECONDS_TO_A_MINUTE = Scale(0.000_01, 6_000_000)
"""For time per token: 3.7 ms occurs in real data, where whole milliseconds would be 27 % coarse."""


SUB_BUCKET_BITS = 8
"""Two digits need 256 sub-buckets, half of them in every bucket but the first."""

HALF_BITS = SUB_BUCKET_BITS - 1

EXACT = (1 << SUB_BUCKET_BITS) - 1
"""The largest value that has a counter to itself, of its own number."""


def bucket_of(units: int) -> int:
    """Index of the counter a value belongs to, in HdrHistogram's layout.

    The library's own function goes through a string of bits. Tests hold both of these against it.
    """
    doublings = units.bit_length() - SUB_BUCKET_BITS
    if doublings <= 0:
        return units
    return (doublings << HALF_BITS) + (units >> doublings)


def highest_in(bucket: int) -> int:
    """The largest value, in units, that belongs to a counter: the other way round of `bucket_of`."""
    doublings = max(0, (bucket >> HALF_BITS) - 1)
    return ((bucket - (doublings << HALF_BITS) + 1) << doublings) - 1


Filled: TypeAlias = tuple[int, int]
"""A bucket and its count, above 0."""


NOWHERE = (1 << 16, -1)
"""The buckets between which all samples lie, where there are none; they only move apart while there are some."""


class Histogram:
    """Counts of values in units of a scale."""

    __slots__ = ("_counts", "_hdr", "_highest", "_lowest", "scale")

    def __init__(self, scale: Scale) -> None:
        self.scale = scale
        self._hdr: Any = HdrHistogram(1, scale.highest, DIGITS, word_size=WORD_BYTES)
        self._counts = memoryview(self._hdr.counts).cast("B").cast("I")
        self._lowest, self._highest = NOWHERE

    @property
    def count(self) -> int:
        """Values recorded."""
        return cast("int", self._hdr.total_count)

    @property
    def counts(self) -> Sequence[int]:
        """Counts by bucket, the smallest values first: a copy, as iterating over the library's array is slow."""
        return self._counts.tolist()

    @property
    def span(self) -> range:
        """Buckets outside of which there is nothing."""
        return range(self._lowest, self._highest + 1)

    def counts_in(self, span: range) -> list[int]:
        """The counts of these buckets, one after the other."""
        return self._counts[span.start : span.stop].tolist()

    def filled(self) -> list[Filled]:
        """The buckets that hold something, with their counts."""
        return [(bucket, count) for bucket, count in zip(self.span, self.counts_in(self.span), strict=True) if count]

    def highest_s(self, bucket: int) -> float:
        """The largest value, in seconds, that belongs to a bucket."""
        return highest_in(bucket) * self.scale.unit_s

    def record(self, units: int) -> None:
        """Add a value within the range: the library's `record_value`, at a third of its time."""
        self.count_in(bucket_of(units), 1)

    def count_in(self, bucket: int, more: int) -> None:
        """Add *more* to a bucket's count; below zero, take away what was added before."""
        self._counts[bucket] += more
        self._changed(more, bucket, bucket)

    def count_each(self, buckets: Sequence[int], by: int = 1) -> None:
        """Add *by* to a bucket's count each time it is named; -1 takes away what was added before."""
        if not buckets:
            return
        counts = self._counts
        for bucket in buckets:
            counts[bucket] += by
        self._changed(by * len(buckets), min(buckets), max(buckets))

    def add(self, other: Histogram) -> None:
        """Add another's counts, of the same scale."""
        self._hdr.add(other._hdr)
        self._changed(0, other._lowest, other._highest)

    def _changed(self, more: int, lowest: int, highest: int) -> None:
        hdr = self._hdr
        hdr.total_count += more
        if not hdr.total_count:
            self._lowest, self._highest = NOWHERE
            return
        self._lowest = min(self._lowest, lowest)
        self._highest = max(self._highest, highest)


def added(scale: Scale, parts: Iterable[Histogram]) -> Histogram:
    """Several histograms of one scale as one."""
    total = Histogram(scale)
    for part in parts:
        total.add(part)
    return total
