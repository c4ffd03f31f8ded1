"""A distribution that was measured long ago, believed in until there are new samples."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Self

from .fold import Fold
from .hdr import added
from .latency import BELIEF_WEIGHT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .interval import Interval


class Memory:
    """A `Belief` made of old intervals. It does not age: what is measured now outweighs it soon."""

    __slots__ = ("_fold",)

    good_until_s = math.inf

    def __init__(self, fold: Fold) -> None:
        self._fold = fold

    @classmethod
    def of(cls, intervals: Sequence[Interval]) -> Self | None:
        """The belief that these intervals of one scale make; None if they hold fewer samples than a belief is worth."""
        if not intervals:
            return None
        scale = intervals[0].events.scale
        events = added(scale, (interval.events for interval in intervals))
        cut = added(scale, (interval.censored for interval in intervals if interval.censored is not None))
        fold = Fold.of(events, cut)
        return cls(fold) if fold.count >= BELIEF_WEIGHT else None

    def as_of(self, _now_s: float, /) -> Self:
        """Itself, at any time."""
        return self

    def within(self, t_s: float, /) -> float:
        """P(T <= t), 0..1."""
        return self._fold.cdf(t_s) or 0.0

    def mean_within(self, times_s: Sequence[float], /) -> float:
        """The mean of P(T <= t) over several times, at least one."""
        return self._fold.mean_cdf(times_s) or 0.0

    def quantile(self, q: float, /) -> float | None:
        """Seconds below which a share *q* (above 0, below 1) lies; None where too much was cut off to tell."""
        return self._fold.quantile(q)
