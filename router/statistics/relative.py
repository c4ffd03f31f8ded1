"""A latency as a multiple of what was to be expected, so that calls of every size and load can learn from one another.

Each sample is divided by what the `Line` expected of its x (the size of its prompt, the load it met); the ratios of all
samples make one distribution. At any x, seen before or not, the latency is that distribution times the line:

    P(T <= t | x) = P(ratio <= t / line(x))

It leans on what is believed of the endpoint by sample count, as every `Latency` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .hdr import Scale
from .latency import blend
from .line import Line
from .window import Window

if TYPE_CHECKING:
    from .latency import Belief
    from .window import WindowShape

RATIO = Scale(0.001, 3_600_000)
"""Thousandths."""

SHORTEST_S = 0.000_01
"""The finest resolution of what is measured: what takes no time at all counts as this long."""


class Relative:
    """Ratios of one metric of one endpoint to its line.

    believed: before anything is measured; None: nothing.
    """

    __slots__ = ("_ratios", "believed", "line")

    def __init__(self, shape: WindowShape, believed: Belief | None) -> None:
        self._ratios = Window(RATIO, shape)
        self.line = Line()
        self.believed = believed

    def record(self, value_s: float, x: float, now_s: float) -> None:
        """Add a latency that was seen to its end. Constant time."""
        value_s = max(value_s, SHORTEST_S)
        self._ratios.record(value_s / (self.line.at(x) or value_s), now_s)
        self.line.sample(value_s, x)

    def record_censored(self, at_least_s: float, x: float, now_s: float) -> None:
        """Add a latency that was cut off; before anything was seen to its end, it says nothing. Constant time."""
        expected_s = self.line.at(x)
        if expected_s is not None:
            self._ratios.record_censored(at_least_s / expected_s, now_s)

    def at(self, x: float) -> Belief:
        """The latency to believe in at *x*."""
        return _At(self, x)

    def within(self, t_s: float, x: float, now_s: float) -> float | None:
        """P(T <= t) at *x*, 0..1; None if nothing is known."""
        ratios, expected_s = self._ratios.fold(now_s), self.line.at(x)
        measured = None if expected_s is None else ratios.cdf(t_s / expected_s)
        return blend(ratios.samples, measured, None if self.believed is None else self.believed.within(t_s, now_s))

    def quantile(self, q: float, x: float, now_s: float) -> float | None:
        """Seconds at *x* below which a share *q* (above 0, below 1) lies; None if nothing is known."""
        ratios, expected_s = self._ratios.fold(now_s), self.line.at(x)
        ratio = ratios.middle(q)
        measured = None if expected_s is None or ratio is None else ratio * expected_s
        return blend(ratios.samples, measured, None if self.believed is None else self.believed.quantile(q, now_s))


class _At:
    """A relative latency at one x: a `Belief`."""

    __slots__ = ("_relative", "_x")

    def __init__(self, relative: Relative, x: float) -> None:
        self._relative = relative
        self._x = x

    def within(self, t_s: float, now_s: float, /) -> float | None:
        return self._relative.within(t_s, self._x, now_s)

    def quantile(self, q: float, now_s: float, /) -> float | None:
        return self._relative.quantile(q, self._x, now_s)
