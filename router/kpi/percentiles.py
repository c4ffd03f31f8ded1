"""Percentiles of what was measured, never of other percentiles.

A percentile is one of the values: the least at or below which that share of all lies. Where rows are a sample, a value
counts for as many as its row stands for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate

import msgspec

SHARES = (0.5, 0.95, 0.99)

TOLERANCE = 1e-9
"""Shares of a count are inexact: 0.95 * 20 is 19 and a bit, and the 19th value is meant."""


class Percentiles(msgspec.Struct, frozen=True, kw_only=True):
    """The values that 50, 95 and 99 % of all stay within; None of none.

    samples: how many values these are made of. Of fewer than 20 the 95th percentile is no more than the greatest.
    """

    samples: int = 0
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


class Values:
    """Values, each with a weight. There are few different weights: one, or one for each period that was sampled."""

    __slots__ = ("_by_weight",)

    def __init__(self) -> None:
        self._by_weight: dict[float, list[float]] = {}

    def add(self, values: Iterable[float], weight: float = 1.0) -> None:
        """Take *values*, all of one *weight*, above 0."""
        self._by_weight.setdefault(weight, []).extend(values)

    def merge(self, other: Values) -> None:
        """Take all that *other* has."""
        for weight, values in other._by_weight.items():
            self.add(values, weight)

    def percentiles(self) -> Percentiles:
        """Those that are reported."""
        for values in self._by_weight.values():
            values.sort()  # in place: what is merged in order sorts fast
        samples = sum(map(len, self._by_weight.values()))
        if not samples:
            return Percentiles()
        if len(self._by_weight) == 1:
            (ordered,) = self._by_weight.values()
            heaped: range | list[float] = range(1, samples + 1)
        else:
            pairs = sorted((value, weight) for weight, values in self._by_weight.items() for value in values)
            ordered = [value for value, _ in pairs]
            heaped = list(accumulate(weight for _, weight in pairs))
        p50, p95, p99 = (ordered[bisect_left(heaped, heaped[-1] * (share - TOLERANCE))] for share in SHARES)
        return Percentiles(samples=samples, p50=p50, p95=p95, p99=p99)
