"""A latency distribution at one instant, ready for binary search.

Adding up a ring of histograms costs a tenth of a millisecond, so it is done a few times a second; asking the result
costs a microsecond, so it can be done on every call.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING

from .hdr import bucket_of, highest_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .hdr import Histogram, Scale

ROUNDING = 1e-9
"""What floats may be off by: ceil(0.07 * 100) would be 8 without it."""


class Fold:
    """The distribution of what a window held when it was folded.

    count: latencies seen to their end. censored: latencies cut off, known only to be longer.
    """

    __slots__ = ("_cumulative", "_scale", "_whole", "censored", "count", "longest_s")

    def __init__(self, events: Histogram, censored: Histogram | None, scale: Scale) -> None:
        self._scale = scale
        self.count = events.count
        self.censored = 0 if censored is None else censored.count
        self._cumulative: Sequence[float]
        seen = events.counts
        self.longest_s: float | None = None
        """The longest that was cut off, seconds; None if nothing was."""
        if censored is None:
            self._cumulative, self._whole = list(accumulate(seen)), self.count
        else:
            cut = censored.counts
            self._cumulative, self._whole = kaplan_meier(seen, cut), 1
            self.longest_s = self._in_seconds(max(bucket for bucket, count in enumerate(cut) if count))

    @property
    def samples(self) -> int:
        """Latencies the distribution is made of, those cut off included."""
        return self.count + self.censored

    def quantile(self, q: float) -> float | None:
        """Seconds at or below which a share *q* (above 0, up to 1) lies; None if unknown.

        Unknown with nothing seen, and where so much was cut off that the quantile lies beyond all that was seen.
        """
        if not self.count:
            return None
        rank = q if self.censored else max(1, math.ceil(q * self.count - ROUNDING))
        bucket = bisect_left(self._cumulative, rank - ROUNDING)
        return None if bucket == len(self._cumulative) else self._in_seconds(bucket)

    def cdf(self, t_s: float) -> float | None:
        """P(T <= t), 0..1; None with nothing seen. A lower bound beyond the latencies that were cut off."""
        if not self.samples:
            return None
        units = int(t_s / self._scale.unit_s + ROUNDING)
        if units < 1:
            return 0.0
        return self._cumulative[bucket_of(min(units, self._scale.highest))] / self._whole

    def _in_seconds(self, bucket: int) -> float:
        return highest_in(bucket) * self._scale.unit_s


def kaplan_meier(events: Sequence[int], censored: Sequence[int]) -> list[float]:
    """F = 1 - S on a grid of buckets, events before censorings within a bucket.

        at_risk_i = sum over j >= i of (events_j + censored_j)
        S_i = product over j <= i of (1 - events_j / at_risk_j)

    F stays below 1 where the longest latencies were cut off. It is unbiased as long as what cuts is independent of
    the rest of the latency, as a fixed limit is. Source: Kaplan and Meier 1958.
    """
    at_risk = sum(events) + sum(censored)
    survival = 1.0
    cumulative: list[float] = []
    for seen, cut in zip(events, censored, strict=True):
        if seen or cut:
            survival *= 1.0 - seen / at_risk
            at_risk -= seen + cut
        cumulative.append(1.0 - survival)
    return cumulative
