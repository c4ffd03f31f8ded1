"""What a latency has been of late: a sliding window over HDR histograms.

A window counts its samples in one HDR histogram, and remembers them by periods of a few seconds. Recording adds to the
newest period, in constant time; as time moves on, the oldest period's samples are taken out of the counts again. So
nothing is lost and nothing counted twice. Reading goes to the `Fold` of the counts, made anew a few times a second.

Two things keep the window honest. A latency that was cut off (a timeout, a caller who left) is recorded as *censored*:
it took at least this long. Leaving those out would make the endpoint that is cut off most look fastest. And an empty
window answers None: unknown is not fast.

A period keeps its samples as bucket numbers, two bytes each: at a hundred calls a second a window takes 12 KB beside
the 9 KB of its histogram, where a ring of whole histograms would take 55.

Sources: HdrHistogram; rotation as in Finagle's WindowedPercentileHistogram.
"""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING

import attrs

from .. import check
from .fold import Fold
from .hdr import EXACT, HALF_BITS, SUB_BUCKET_BITS, Histogram, bucket_of
from .interval import Interval
from .periods import BUCKET_NUMBER, Periods

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .hdr import Filled, Scale

REFOLD_AFTER_S = 0.25
"""A fold is made anew no sooner, unless more samples came than it is made of."""

REFOLD_BY_S = 2.0
"""Nor later, if there are new samples at all."""

NEWS = 1 / 32
"""New samples, as a share of those in a fold, that are worth another before that. They could move a chance by as much;
chances within 5 % of each other count as equal."""

MANY = 64
"""Samples of a fold from which on nobody counts what came since until it may be made anew."""

SHORTEST_S = 0.001
"""An interval lasted at least so long."""


@attrs.frozen(kw_only=True)
class WindowShape:
    """How much of the past a window holds.

    periods: parts it is made of, at least 2. Default 6.
    period_s: seconds each; above 0. Default 10, so that the whole window is a minute.
    """

    periods: int = attrs.field(default=6, validator=check.count(2))
    period_s: float = attrs.field(default=10.0, validator=check.positive)


def merged(windows: Iterable[Window], now_s: float, scale: Scale) -> Fold:
    """Windows of one scale as one distribution."""
    events, censored = Histogram(scale), Histogram(scale)
    for window in windows:
        window.add_to(events, censored, now_s)
    return Fold.of(events, censored)


def is_due(new: int, samples: int, age_s: float) -> bool:
    """Whether so many new samples are worth another fold beside one of so many samples, so many seconds old."""
    if new > samples:
        return True
    return new > 0 and age_s >= REFOLD_AFTER_S and (age_s >= REFOLD_BY_S or new >= NEWS * samples)


class Window:
    """Sliding distribution of one metric of one endpoint. All times are seconds on the router's clock.

    clamped: values outside the range, recorded at its edge; since the start. good_until_s: as of `latency.Samples`.
    """

    __slots__ = (
        "_censored", "_changed", "_ends_s", "_events", "_fold", "_folded", "_folded_at_s", "_highest", "_period",
        "_shape", "_unit_s", "clamped", "good_until_s", "scale",
    )  # fmt: skip

    def __init__(self, scale: Scale, shape: WindowShape) -> None:
        self.scale = scale
        self._unit_s, self._highest = scale.unit_s, scale.highest
        self._shape = shape
        self._events = Periods(scale, shape.periods)
        self._censored: Periods | None = None
        self._period: int | None = None
        self._ends_s = -math.inf
        self._fold = Fold(scale)
        self._folded_at_s = self.good_until_s = -math.inf
        self._folded = 0
        self._changed = False
        self.clamped = 0

    def record(self, value_s: float, now_s: float) -> None:
        """Add a latency that was seen to its end. Constant time."""
        if now_s >= self._ends_s:
            self._rotate(now_s)
        units = int(value_s / self._unit_s + 0.5)
        if EXACT < units <= self._highest:
            doublings = units.bit_length() - SUB_BUCKET_BITS  # `bucket_of`, written out: the hot path
            units = (doublings << HALF_BITS) + (units >> doublings)
        elif not 1 <= units <= EXACT:
            units = bucket_of(self._clamp(units))
        self._events.newest.append(units)

    def record_censored(self, at_least_s: float, now_s: float) -> None:
        """Add a latency that was cut off after *at_least_s*. Constant time."""
        if now_s >= self._ends_s:
            self._rotate(now_s)
        units = int(at_least_s / self._unit_s + 0.5)
        self._cut().newest.append(bucket_of(units if 1 <= units <= self._highest else self._clamp(units)))

    def fold(self, now_s: float) -> Fold:
        """The distribution as of now: what came in the last two seconds may be missing if it would hardly change it."""
        return self._fold if now_s < self.good_until_s else self._looked_at(now_s)

    def filled(self, now_s: float) -> tuple[list[Filled], list[Filled]]:
        """What it holds now: latencies seen to their end, and those cut off."""
        if now_s >= self._ends_s:
            self._rotate(now_s)
        return self._events.all().filled(), [] if self._censored is None else self._censored.all().filled()

    def add_to(self, events: Histogram, censored: Histogram, now_s: float) -> None:
        """Add what it holds now to two histograms of its scale."""
        if now_s >= self._ends_s:
            self._rotate(now_s)
        events.add(self._events.all())
        if self._censored is not None:
            censored.add(self._censored.all())

    def count(self, now_s: float) -> int:
        """Latencies seen to their end that it holds now."""
        if now_s >= self._ends_s:
            self._rotate(now_s)
        return self._events.count

    def is_empty(self, now_s: float) -> bool:
        """Whether it holds nothing now."""
        return not self.count(now_s) and (self._censored is None or not self._censored.count)

    def intervals(self, now_s: float) -> list[Interval]:
        """What it holds now, period by period, the oldest first; periods without a sample are left out."""
        if now_s >= self._ends_s:
            self._rotate(now_s)
        found: list[Interval] = []
        if self._period is None:
            return found
        shape = self._shape
        for period in range(self._period - shape.periods + 1, self._period + 1):
            place = period % shape.periods
            events = self._events.histogram(place)
            censored = None if self._censored is None else self._censored.histogram(place)
            if events.count or (censored is not None and censored.count):
                began_s, ended_s = period * shape.period_s, min(now_s, (period + 1) * shape.period_s)
                found.append(
                    Interval(
                        age_s=now_s - ended_s,
                        length_s=max(SHORTEST_S, ended_s - began_s),
                        events=events,
                        censored=censored,
                    )
                )
        return found

    def merge(self, intervals: Iterable[Interval], now_s: float, per_s: float = 1.0) -> list[Interval]:
        """Add what another process recorded, each interval in the period in which it ended. Gives what is too old.

        per_s: seconds there that count as one here, above 0.
        """
        if self._period is None or now_s >= self._ends_s:
            self._rotate(now_s)
        period, shape = self._period or 0, self._shape
        too_old: list[Interval] = []
        for interval in intervals:
            ended = min(period, math.ceil((now_s - interval.age_s) / shape.period_s) - 1)
            if ended <= period - shape.periods:
                too_old.append(interval)
                continue
            self._changed = True
            self.good_until_s = -math.inf
            self._events.insert(self._buckets(interval.events, per_s), ended % shape.periods)
            if interval.censored is not None and interval.censored.count:
                self._cut().insert(self._buckets(interval.censored, per_s), ended % shape.periods)
        return too_old

    def _buckets(self, histogram: Histogram, per_s: float) -> array[int]:
        """The samples of a histogram, in buckets of this scale."""
        samples = array(BUCKET_NUMBER)
        is_alike = histogram.scale == self.scale and per_s == 1.0
        for bucket, count in histogram.filled():
            mine = bucket if is_alike else self._bucket(histogram.highest_s(bucket) / per_s)
            samples.extend([mine] * count)
        return samples

    def _bucket(self, value_s: float) -> int:
        units = int(value_s / self._unit_s + 0.5)
        return bucket_of(units if 1 <= units <= self._highest else self._clamp(units))

    def _cut(self) -> Periods:
        if self._censored is None:
            self._censored = Periods(self.scale, self._shape.periods)
            if self._period is not None:
                self._censored.turn_to(self._period % self._shape.periods)
        return self._censored

    def _clamp(self, units: int) -> int:
        self.clamped += 1
        return 1 if units < 1 else self._highest

    @property
    def _appended(self) -> int:
        return self._events.appended + (0 if self._censored is None else self._censored.appended)

    def _looked_at(self, now_s: float) -> Fold:
        """The fold, made anew if that is due. Where there are many samples, nobody need look again for a while."""
        if now_s >= self._ends_s:
            self._rotate(now_s)
        appended = self._appended
        if self._changed or is_due(appended - self._folded, self._fold.samples, now_s - self._folded_at_s):
            self._fold = Fold.of(self._events.all(), None if self._censored is None else self._censored.all())
            self._folded_at_s = now_s
            self._folded = appended
            self._changed = False
        if self._fold.samples >= MANY:
            self.good_until_s = min(now_s + REFOLD_AFTER_S, self._ends_s)
        else:
            self.good_until_s = -math.inf
        return self._fold

    def _rotate(self, now_s: float) -> None:
        """Move on to the period of now, and empty every one that time has passed over."""
        periods = self._shape.periods
        period = int(now_s // self._shape.period_s)
        if self._period is not None and period > self._period:
            for passed in range(max(self._period + 1, period - periods + 1), period + 1):
                self._events.empty(passed % periods)
                if self._censored is not None:
                    self._censored.empty(passed % periods)
            self._changed = True
        if self._period is None or period > self._period:
            self._period = period
            self._events.turn_to(period % periods)
            if self._censored is not None:
                self._censored.turn_to(period % periods)
        self._ends_s = (self._period + 1) * self._shape.period_s
