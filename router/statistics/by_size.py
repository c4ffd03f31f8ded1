"""A latency that depends on the size of the prompt: one window for each class of sizes, and what they have in common.

A class has a window from its first sample on, and loses it when it has been idle for as long as the window is. With few
samples it leans on all sizes together, by sample count (`Latency`): not on their seconds, which are those of other
prompts, but on their ratios to what is to be expected of their size (`Relative`), and those on the profile. So a size
that was never seen is not unknown, a rare one is not taken for a common one, a common one is judged by its own kind.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .fold import Fold
from .latency import Latency
from .memory import Memory
from .relative import RATIO, Relative
from .size_class import HALF_AN_OCTAVE, class_of, middle_of, middle_of_class, octaves_of
from .window import Window, is_due, merged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .hdr import Scale
    from .interval import Interval
    from .latency import Belief, Samples
    from .window import WindowShape


class BySize:
    """One metric of one endpoint, in seconds, by octave of prompt sizes.

    overall: of all sizes, in seconds, leaning on what is believed of the endpoint.
    """

    good_until_s = -math.inf

    __slots__ = (
        "_changed", "_classes", "_fold", "_folded_at_s", "_new", "_octaves", "_period_ends_s", "_relative", "_scale",
        "_shape", "overall",
    )  # fmt: skip

    def __init__(self, scale: Scale, shape: WindowShape, believed: Belief | None) -> None:
        self._scale = scale
        self._shape = shape
        self._classes: dict[int, Window] = {}
        self._octaves: dict[int, Latency[Samples]] = {}
        self._relative = Relative(shape, believed)
        self._fold = Fold(scale)
        self._folded_at_s = self._period_ends_s = -math.inf
        self._changed = False
        self._new = 0
        self.overall: Latency[Samples] = Latency(self, believed)

    def of(self, octave: int | None) -> Latency[Samples]:
        """The latency of a size; of all sizes if None is asked for, and before the first sample."""
        if octave is None or not self._classes:
            return self.overall
        known = self._octaves.get(octave)
        if known is None:
            samples: Samples = self._classes.get(class_of(octave), NOTHING)
            known = self._octaves[octave] = Latency(samples, self._relative.at(middle_of(octave)))
        return known

    def record(self, value_s: float, octave: int, now_s: float) -> float:
        """Add a latency that was seen to its end, and give its ratio to what its size explains. Constant time."""
        self._new += 1
        window = self._classes.get(octave >> 1) or self.window(class_of(octave))
        window.record(value_s, now_s)
        return self._relative.record(value_s, HALF_AN_OCTAVE * (1 << octave), now_s)  # `middle_of`: the hot path

    def record_censored(self, at_least_s: float, octave: int, now_s: float) -> None:
        """Add a latency that was cut off. Constant time."""
        self._new += 1
        self.window(class_of(octave)).record_censored(at_least_s, now_s)
        self._relative.record_censored(at_least_s, middle_of(octave), now_s)

    def window(self, size: int) -> Window:
        """The window of a class, made when first asked for."""
        window = self._classes.get(size)
        if window is None:
            window = self._classes[size] = Window(self._scale, self._shape)
            self._octaves.clear()
        return window

    def merge(self, known: Mapping[int, Sequence[Interval]], now_s: float) -> None:
        """Add what was recorded before, or in another process, by class. What is too old for a window is believed."""
        self._relative.merge({middle_of_class(size): intervals for size, intervals in known.items()}, now_s)
        old = {size: self.window(size).merge(intervals, now_s) for size, intervals in known.items()}
        self._period_ends_s = -math.inf
        remembered = Memory.of([interval for intervals in old.values() for interval in intervals])
        if remembered is not None:
            self.overall.believe(remembered)
            self._relative.believe(
                remembered, {middle: each for size in old for middle, each in _of_class(size, old[size])}
            )
            self._octaves.clear()

    def windows(self) -> Iterator[tuple[int, Window]]:
        """The classes that have a window."""
        yield from self._classes.items()

    @property
    def clamped(self) -> int:
        """Values outside the range, recorded at its edge, in the windows there are."""
        return sum(window.clamped for window in self._classes.values())

    def is_known(self, now_s: float) -> bool:
        """Whether a latency of any size was seen to its end."""
        self._forget_idle(now_s)
        return any(window.count(now_s) for window in self._classes.values())

    def fold(self, now_s: float) -> Fold:
        """The distribution of all sizes as of now, as fresh as those of windows are."""
        self._forget_idle(now_s)
        if self._changed or is_due(self._new, self._fold.samples, now_s - self._folded_at_s):
            self._fold = merged(self._classes.values(), now_s, self._scale)
            self._folded_at_s = now_s
            self._changed = False
            self._new = 0
        return self._fold

    def _forget_idle(self, now_s: float) -> None:
        """Once a period: give the memory of classes back that have nothing any more."""
        if now_s < self._period_ends_s:
            return
        self._period_ends_s = (now_s // self._shape.period_s + 1) * self._shape.period_s
        self._changed = True
        for size, window in list(self._classes.items()):
            if window.is_empty(now_s):
                del self._classes[size]
                self._octaves.clear()


def _of_class(size: int, intervals: Sequence[Interval]) -> Iterator[tuple[float, Memory]]:
    """What is remembered of a class, at the middles of its octaves."""
    remembered = Memory.of(intervals)
    if remembered is not None:
        for octave in octaves_of(size):
            yield middle_of(octave), remembered


class _Nothing:
    """No samples."""

    good_until_s = math.inf

    def __init__(self) -> None:
        self._fold = Fold(RATIO)

    def fold(self, _now_s: float, /) -> Fold:
        return self._fold


NOTHING = _Nothing()
