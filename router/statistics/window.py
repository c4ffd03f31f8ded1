"""What a latency has been of late: a sliding window of HDR histograms.

A window is a ring of histograms of a few seconds each. Recording goes to the newest, in constant time; the oldest is
zeroed as time moves on. Reading goes to the `Fold` of the ring, made anew at most a few times a second.

Two things keep the window honest. A latency that was cut off (a timeout, a caller who left) is recorded as *censored*:
it took at least this long. Leaving those out would make the endpoint that is cut off most look fastest. And an empty
window answers None: unknown is not fast.

Sources: HdrHistogram; rotation as in Finagle's WindowedPercentileHistogram.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import attrs

from .. import check
from .fold import Fold
from .hdr import Histogram, Scale

REFOLD_AFTER_S = 0.25


@attrs.frozen(kw_only=True)
class WindowShape:
    """How much of the past a window holds.

    periods: histograms in the ring, at least 2. Default 6.
    period_s: seconds each. Default 10, so that the whole window is a minute.
    """

    periods: int = attrs.field(default=6, validator=check.count(2))
    period_s: float = attrs.field(default=10.0, validator=check.positive)


Ring: TypeAlias = list[Histogram | None]
"""Histograms of one kind, one a period, made when first needed."""


def _ring(shape: WindowShape) -> Ring:
    return [None] * shape.periods


class Window:
    """Sliding distribution of one metric of one endpoint. All times are seconds on the router's clock."""

    __slots__ = (
        "_censored", "_current", "_ends_s", "_events", "_fold", "_folded_at_s", "_new", "_period", "_rotated", "_scale",
        "_shape", "clamped",
    )  # fmt: skip

    def __init__(self, scale: Scale, shape: WindowShape) -> None:
        self._scale = scale
        self._shape = shape
        self._events = _ring(shape)
        self._censored = _ring(shape)
        self._period: int | None = None
        self._current = 0
        self._ends_s = -math.inf
        self._fold: Fold | None = None
        self._folded_at_s = -math.inf
        self._new = 0
        self._rotated = False
        self.clamped = 0
        """Values outside the range, recorded at its edge; since the start."""

    def record(self, value_s: float, now_s: float) -> None:
        """Add a latency that was seen to its end. Constant time."""
        self._add(self._events, value_s, now_s)

    def record_censored(self, at_least_s: float, now_s: float) -> None:
        """Add a latency that was cut off after *at_least_s*. Constant time."""
        self._add(self._censored, at_least_s, now_s)

    def fold(self, now_s: float) -> Fold:
        """The distribution as of now: at most 0.25 s old, and younger while it is made of few samples."""
        if now_s >= self._ends_s:
            self._rotate(now_s)
        fold = self._fold
        if fold is None or self._rotated or (self._new and self._is_due(fold, now_s)):
            fold = self._fold = self._refold()
            self._folded_at_s = now_s
            self._new = 0
            self._rotated = False
        return fold

    def _add(self, ring: Ring, value_s: float, now_s: float) -> None:
        if now_s >= self._ends_s:
            self._rotate(now_s)
        histogram = ring[self._current]
        if histogram is None:
            histogram = ring[self._current] = Histogram(self._scale)
        units = int(value_s / self._scale.unit_s + 0.5)
        if not 1 <= units <= self._scale.highest:
            self.clamped += 1
            units = 1 if units < 1 else self._scale.highest
        histogram.record(units)
        self._new += 1

    def _is_due(self, fold: Fold, now_s: float) -> bool:
        return now_s - self._folded_at_s >= REFOLD_AFTER_S or self._new > fold.samples

    def _refold(self) -> Fold:
        censored = self._total(self._censored)
        return Fold(self._total(self._events), censored if censored.count else None, self._scale)

    def _total(self, ring: Ring) -> Histogram:
        total = Histogram(self._scale)
        for histogram in ring:
            if histogram is not None and histogram.count:
                total.add(histogram)
        return total

    def _rotate(self, now_s: float) -> None:
        """Move on to the period of now, and zero every one that time has passed over."""
        periods = self._shape.periods
        period = int(now_s // self._shape.period_s)
        if self._period is not None and period > self._period:
            for passed in range(max(self._period + 1, period - periods + 1), period + 1):
                for ring in (self._events, self._censored):
                    histogram = ring[passed % periods]
                    if histogram is not None:
                        histogram.clear()
            self._rotated = True
        if self._period is None or period > self._period:
            self._period = period
            self._current = period % periods
        self._ends_s = (self._period + 1) * self._shape.period_s
