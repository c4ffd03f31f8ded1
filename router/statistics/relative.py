"""A latency as a multiple of what was to be expected, so that calls of every size and load can learn from one another.

Each sample is divided by what the `Line` expected of its x (the size of its prompt, the load it met); the ratios of all
samples make one distribution. At any x, seen before or not, the latency is that distribution times the line:

    P(T <= t | x) = P(ratio <= t / line(x))

It leans on what is believed of the endpoint by sample count, as every `Latency` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from types import MappingProxyType
from typing import TYPE_CHECKING

from .fold import Fold
from .hdr import Scale, added
from .latency import Latency
from .line import Line
from .window import Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .interval import Interval
    from .latency import Belief, Samples
    from .window import WindowShape

RATIO = Scale(0.001, 3_600_000)
"""Thousandths."""

SHORTEST_S = 0.000_01
"""The finest resolution of what is measured: what takes no time at all counts as this long."""


MOST_KEPT = 64
"""Values of x whose latencies are kept at once: sizes are some twenty, loads mostly fewer."""


MOST_SAMPLED = 50
"""Latencies of another process that the line learns from, at each x."""


NOWHERE: Mapping[float, Belief] = MappingProxyType({})


class Relative:
    """Ratios of one metric of one endpoint to its line.

    believed: before anything is measured; None: nothing.
    """

    __slots__ = ("_believed", "_believed_at", "_known", "line", "ratios")

    def __init__(self, shape: WindowShape, believed: Belief | None) -> None:
        self.ratios = Window(RATIO, shape)
        self.line = Line()
        self._believed = believed
        self._believed_at = NOWHERE
        self._known: dict[float, Latency[Samples]] = {}

    def believe(self, belief: Belief, at: Mapping[float, Belief] = NOWHERE) -> None:
        """Lean on another belief from now on. *at*: on others, at some x."""
        self._believed, self._believed_at = belief, at
        self._known.clear()

    def record(self, value_s: float, x: float, now_s: float) -> float:
        """Add a latency that was seen to its end, and give its ratio to the line. Constant time."""
        ratio = self.line.sample(value_s if value_s > SHORTEST_S else SHORTEST_S, x)  # noqa: FURB136  the hot path
        self.ratios.record(ratio, now_s)
        return ratio

    def record_censored(self, at_least_s: float, x: float, now_s: float) -> None:
        """Add a latency that was cut off; before anything was seen to its end, it says nothing. Constant time."""
        expected_s = self.line.at(x)
        if expected_s is not None:
            self.ratios.record_censored(at_least_s / expected_s, now_s)

    def merge(self, known: Mapping[float, Sequence[Interval]], now_s: float) -> None:
        """Add what another process recorded, in seconds, by x. What is too old is left out.

        The line learns first, from some samples of every x in turn, so that the ratios are all to the same line.
        """
        few = [[(value_s, x) for value_s in _sampled(intervals)] for x, intervals in known.items()]
        for one_of_each in zip_longest(*few):
            for sample in one_of_each:
                if sample is not None:
                    self.line.sample(*sample)
        for x, intervals in known.items():
            self.ratios.merge(intervals, now_s, self.line.at(x) or 1.0)

    def at(self, x: float) -> Latency[Samples]:
        """The latency at *x*."""
        known = self._known.get(x)
        if known is None:
            if len(self._known) >= MOST_KEPT:
                self._known.clear()
            known = self._known[x] = Latency(_At(self, x), self._believed_at.get(x, self._believed))
        return known


def _sampled(intervals: Sequence[Interval]) -> list[float]:
    """Some of the latencies that were seen to their end, in seconds, spread over all of them."""
    if not intervals:
        return []
    return Fold.of(added(intervals[0].events.scale, (interval.events for interval in intervals))).sample(MOST_SAMPLED)


class _At:
    """The samples of a relative latency in seconds at one x. As fresh as the fold of the ratios, the line included."""

    __slots__ = ("_fold", "_ratios", "_relative", "_x")

    def __init__(self, relative: Relative, x: float) -> None:
        self._relative = relative
        self._x = x
        self._ratios: Fold | None = None
        self._fold = Fold(RATIO)

    @property
    def good_until_s(self) -> float:
        return self._relative.ratios.good_until_s

    def fold(self, now_s: float, /) -> Fold:
        ratios = self._relative.ratios.fold(now_s)
        if ratios is not self._ratios:
            self._ratios = ratios
            self._fold = ratios.times(self._relative.line.at(self._x) or 1.0)
        return self._fold
