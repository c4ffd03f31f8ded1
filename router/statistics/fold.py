"""A latency distribution at one instant, ready for binary search.

Adding up what a window holds costs some tens of microseconds, so it is done a few times a second; asking the result
costs a microsecond, so it can be done on every call. What is kept is how many lie at or below each bucket, from the
first that holds something to the last: so a chance is one look at one place.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from itertools import accumulate, compress
from typing import TYPE_CHECKING

from .hdr import Scale, bucket_of, highest_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from .hdr import Histogram

ROUNDING = 1e-9
"""What floats may be off by: ceil(0.07 * 100) would be 8 without it."""


GOLDEN = 0.618_033_988_749_894_9

MOST_IN_TWO_BYTES = (1 << 16) - 1


class Fold:
    """The distribution of what a window held when it was folded.

    count: latencies seen to their end. censored: those cut off, known only to be longer. samples: both.
    scale: of the buckets. longest_s: the longest that was cut off, seconds; None if nothing was.
    """

    __slots__ = ("_cumulative", "_lowest", "_unit_s", "_whole", "censored", "count", "longest_s", "samples", "scale")

    def __init__(self, scale: Scale) -> None:
        """Of nothing."""
        self.scale = scale
        self._unit_s = scale.unit_s
        self.count = self.censored = self.samples = self._lowest = 0
        self.longest_s: float | None = None
        self._cumulative: Sequence[float] = ()
        self._whole = 1

    @classmethod
    def of(cls, events: Histogram, censored: Histogram | None = None) -> Self:
        """The distribution that two histograms of one scale make: latencies seen to their end, and those cut off."""
        fold = cls(events.scale)
        fold.count = fold.samples = events.count
        span = events.span
        if censored is None or not censored.count:
            sums = accumulate(events.counts_in(span))
            fold._cumulative = array("H" if events.count <= MOST_IN_TWO_BYTES else "I", sums)
            fold._whole = events.count
        else:
            fold.censored = censored.count
            fold.samples += censored.count
            span = range(min(span.start, censored.span.start), max(span.stop, censored.span.stop))
            cut = censored.counts_in(span)
            fold._cumulative = array("d", kaplan_meier(events.counts_in(span), cut))
            fold.longest_s = fold._in_seconds(max(compress(span, cut)))
        fold._lowest = span.start
        return fold

    def quantile(self, q: float) -> float | None:
        """Seconds at or below which a share *q* (above 0, up to 1) lies; None if unknown.

        Unknown with nothing seen, and where so much was cut off that the quantile lies beyond all that was seen.
        """
        if not self.count:
            return None
        rank = max(q, 2 * ROUNDING) if self.censored else max(1, math.ceil(q * self.count - ROUNDING))
        place = bisect_left(self._cumulative, rank - ROUNDING)
        return None if place == len(self._cumulative) else self._in_seconds(self._lowest + place)

    def sample(self, most: int) -> list[float]:
        """So many values of the distribution, or as many as were seen if that is less, spread evenly and out of order.

        Source: the additive recurrence of the golden ratio, a sequence of low discrepancy.
        """
        shares = ((number * GOLDEN) % 1.0 for number in range(1, min(most, self.count) + 1))
        return [value_s for q in shares if (value_s := self.quantile(max(q, ROUNDING))) is not None]

    def times(self, factor: float) -> Fold:
        """The distribution of what takes so many times as long, *factor* above 0. It shares the counts of this one."""
        longer = Fold(Scale(self._unit_s * factor, self.scale.highest))
        longer.count, longer.censored, longer.samples = self.count, self.censored, self.samples
        longer.longest_s = None if self.longest_s is None else self.longest_s * factor
        longer._lowest, longer._cumulative, longer._whole = self._lowest, self._cumulative, self._whole
        return longer

    def cdf(self, t_s: float) -> float | None:
        """P(T <= t), 0..1; None with nothing seen. A lower bound beyond the latencies that were cut off."""
        if not self.count:
            return 0.0 if self.censored else None
        units = int(t_s / self._unit_s + ROUNDING)
        if units < 1:
            return 0.0
        place = bucket_of(units) - self._lowest
        if place < 0:
            return 0.0
        cumulative = self._cumulative
        return (cumulative[place] if place < len(cumulative) else cumulative[-1]) / self._whole

    def mean_cdf(self, times_s: Sequence[float]) -> float | None:
        """The mean of P(T <= t) over several times, at least one; None with nothing seen. One loop, for speed."""
        if not self.count:
            return 0.0 if self.censored else None
        cumulative, lowest, unit_s = self._cumulative, self._lowest, self._unit_s
        last = len(cumulative) - 1
        total = 0.0
        for t_s in times_s:
            units = int(t_s / unit_s + ROUNDING)
            if units < 1:
                continue
            place = bucket_of(units) - lowest
            if place >= 0:
                total += cumulative[min(place, last)]
        return total / self._whole / len(times_s)

    def _in_seconds(self, bucket: int) -> float:
        return highest_in(bucket) * self._unit_s


def kaplan_meier(events: Sequence[int], censored: Sequence[int]) -> list[float]:
    """F = 1 - S at each bucket, of the counts in the same buckets; events come before censorings within one.

        at_risk_i = sum over j >= i of (events_j + censored_j)
        S_i = product over j <= i of (1 - events_j / at_risk_j)

    F stays below 1 where the longest latencies were cut off. It is unbiased as long as what cuts is independent of
    the rest of the latency, as a fixed limit is. Source: Kaplan and Meier 1958.
    """
    at_risk = sum(events) + sum(censored)
    survival, failed = 1.0, 0.0
    cumulative: list[float] = []
    for seen, cut in zip(events, censored, strict=True):
        if seen:
            survival *= 1.0 - seen / at_risk
            failed = 1.0 - survival
        cumulative.append(failed)
        at_risk -= seen + cut
    return cumulative
