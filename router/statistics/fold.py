"""A latency distribution at one instant, ready for binary search.

Adding up what a window holds costs some tens of microseconds, so it is done a few times a second; asking the result
costs a microsecond, so it can be done on every call. Only buckets that hold something are kept.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

from .hdr import Scale, bucket_of, highest_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Self

    from .hdr import Filled, Histogram

ROUNDING = 1e-9
"""What floats may be off by: ceil(0.07 * 100) would be 8 without it."""


GOLDEN = 0.618_033_988_749_894_9

NEVER = 1 << 16
"""A bucket behind all others."""


class Fold:
    """The distribution of what a window held when it was folded.

    events, censored: buckets that hold something, in order.
    count: latencies seen to their end. censored: those cut off, known only to be longer. samples: both.
    scale: of the buckets. longest_s: the longest that was cut off, seconds; None if nothing was.
    """

    __slots__ = ("_buckets", "_cumulative", "_unit_s", "_whole", "censored", "count", "longest_s", "samples", "scale")

    def __init__(self, events: Sequence[Filled], censored: Sequence[Filled], scale: Scale) -> None:
        self.scale = scale
        self._unit_s = scale.unit_s
        counts = [count for _, count in events]
        self.count = sum(counts)
        self.censored = sum(count for _, count in censored)
        self.samples = self.count + self.censored
        self.longest_s: float | None = None
        self._buckets = array("H", [bucket for bucket, _ in events])
        self._cumulative: Sequence[float]
        if censored:
            self._cumulative, self._whole = array("d", kaplan_meier(events, censored)), 1
            self.longest_s = self._in_seconds(censored[-1][0])
        else:
            self._cumulative, self._whole = array("I", accumulate(counts)), self.count

    @classmethod
    def of(cls, events: Histogram, censored: Histogram | None) -> Self:
        """The distribution that two histograms of one scale make; None: nothing was cut off."""
        if censored is not None and censored.count:
            return cls(events.filled(), censored.filled(), events.scale)
        fold = cls((), (), events.scale)
        buckets, counts = events.columns()
        fold.count = fold.samples = fold._whole = events.count
        fold._buckets, fold._cumulative = array("H", buckets), array("I", accumulate(counts))
        return fold

    def quantile(self, q: float) -> float | None:
        """Seconds at or below which a share *q* (above 0, up to 1) lies; None if unknown.

        Unknown with nothing seen, and where so much was cut off that the quantile lies beyond all that was seen.
        """
        if not self.count:
            return None
        rank = q if self.censored else max(1, math.ceil(q * self.count - ROUNDING))
        place = bisect_left(self._cumulative, rank - ROUNDING)
        return None if place == len(self._buckets) else self._in_seconds(self._buckets[place])

    def sample(self, most: int) -> list[float]:
        """So many values of the distribution, or as many as were seen if that is less, spread evenly and out of order.

        Source: the additive recurrence of the golden ratio, a sequence of low discrepancy.
        """
        shares = ((number * GOLDEN) % 1.0 for number in range(1, min(most, self.count) + 1))
        return [value_s for q in shares if (value_s := self.quantile(max(q, ROUNDING))) is not None]

    def times(self, factor: float) -> Fold:
        """The distribution of what takes so many times as long, *factor* above 0. It shares the counts of this one."""
        longer = object.__new__(Fold)
        longer._unit_s = self._unit_s * factor
        longer.scale = Scale(longer._unit_s, self.scale.highest)
        longer.count, longer.censored, longer.samples = self.count, self.censored, self.samples
        longer.longest_s = None if self.longest_s is None else self.longest_s * factor
        longer._buckets, longer._cumulative, longer._whole = self._buckets, self._cumulative, self._whole
        return longer

    def cdf(self, t_s: float) -> float | None:
        """P(T <= t), 0..1; None with nothing seen. A lower bound beyond the latencies that were cut off."""
        if not self.count:
            return 0.0 if self.censored else None
        units = int(t_s / self._unit_s + ROUNDING)
        if units < 1:
            return 0.0
        place = bisect_right(self._buckets, bucket_of(units))
        return self._cumulative[place - 1] / self._whole if place else 0.0

    def mean_cdf(self, times_s: Sequence[float]) -> float | None:
        """The mean of P(T <= t) over several times, at least one; None with nothing seen. One loop, for speed."""
        if not self.count:
            return 0.0 if self.censored else None
        buckets, cumulative, unit_s = self._buckets, self._cumulative, self._unit_s
        total = 0.0
        for t_s in times_s:
            units = int(t_s / unit_s + ROUNDING)
            if units < 1:
                continue
            place = bisect_right(buckets, bucket_of(units))
            if place:
                total += cumulative[place - 1]
        return total / self._whole / len(times_s)

    def _in_seconds(self, bucket: int) -> float:
        return highest_in(bucket) * self._unit_s


def added(parts: Iterable[Sequence[Filled]]) -> list[Filled]:
    """Several distributions of one scale as one."""
    total: dict[int, int] = {}
    for part in parts:
        for bucket, count in part:
            total[bucket] = total.get(bucket, 0) + count
    return sorted(total.items())


def kaplan_meier(events: Sequence[Filled], censored: Sequence[Filled]) -> list[float]:
    """F = 1 - S at each bucket of *events*, events before censorings within a bucket.

        at_risk_i = sum over j >= i of (events_j + censored_j)
        S_i = product over j <= i of (1 - events_j / at_risk_j)

    F stays below 1 where the longest latencies were cut off. It is unbiased as long as what cuts is independent of
    the rest of the latency, as a fixed limit is. Source: Kaplan and Meier 1958.
    """
    at_risk = sum(count for _, count in events) + sum(count for _, count in censored)
    cuts = iter([*censored, (NEVER, 0)])
    cut_bucket, cut = next(cuts)
    survival = 1.0
    cumulative: list[float] = []
    for bucket, seen in events:
        while cut_bucket < bucket:
            at_risk -= cut
            cut_bucket, cut = next(cuts)
        survival *= 1.0 - seen / at_risk
        at_risk -= seen
        cumulative.append(1.0 - survival)
    return cumulative
