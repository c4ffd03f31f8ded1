"""The level of a latency in its last few samples, for seeing a step long before a window does.

A window of a minute needs half a minute to believe in a step. The *median of the last five* sees it at once: one slow
answer does not move it, three do; after a lull, when there are fewer, what is usual makes up for those that are
missing, so that two do. Samples are compared with what is usual for their own kind (the size of their prompt, the load
they met), so that five large prompts in a row are not taken for a slow endpoint.

Sources: the running median as robust step detector, Tukey, "Exploratory Data Analysis" (1977); that old samples are
forgotten is Finagle's PeakEwma's, so that nobody is judged for ever by what he did last.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

LAST = 5
"""Samples the level is the median of."""

FEWEST = 3
"""What is usual stands in for samples missing to this many."""

FADE_S = 10.0
"""Seconds after which the last samples no longer speak of now."""

SHORTEST_S = 0.000_01
"""The finest resolution of what is measured: what takes no time at all counts as this long."""


Sample: TypeAlias = "tuple[float, int, bool]"
"""Seconds, their kind, and whether they were cut off."""


class Level:
    """The last few samples of one metric of one endpoint. Everything is O(1); seconds on the router's clock."""

    __slots__ = ("_last", "sampled_at_s")

    def __init__(self) -> None:
        self._last: deque[Sample] = deque(maxlen=LAST)
        self.sampled_at_s = -math.inf
        """When the last sample was taken; minus infinity before the first."""

    def sample(self, value_s: float, kind: int, now_s: float, *, cut_off: bool = False) -> None:
        """Take a sample. *cut_off*: it would have taken at least this long, and at least what is usual for its kind."""
        if now_s - self.sampled_at_s > FADE_S:
            self._last.clear()
        self._last.append((value_s, kind, cut_off))
        self.sampled_at_s = now_s

    @property
    def latest_s(self) -> float | None:
        """The last sample; None before the first."""
        return self._last[-1][0] if self._last else None

    def is_settled(self, now_s: float) -> bool:
        """Whether there are enough fresh samples to believe in the level."""
        return len(self._last) >= FEWEST and now_s - self.sampled_at_s <= FADE_S

    def slowness(self, usual_s: Callable[[int], float | None], now_s: float, besides: Collection[Sample] = ()) -> float:
        """How many times slower than usual the last few were, by their median; 1.0 where nothing is to be said.

        usual_s: what is usual for a kind; None if that is not known. besides: samples of this very instant, which
            are newer than all others.
        """
        samples = list(besides)
        if now_s - self.sampled_at_s <= FADE_S:
            samples = [*self._last, *samples][-LAST:]
        if not samples:
            return 1.0
        times = [1.0] * (FEWEST - len(samples))
        usual_of: dict[int, float | None] = {}
        for value_s, kind, cut_off in samples:
            if kind not in usual_of:
                usual_of[kind] = usual_s(kind)
            usual = usual_of[kind]
            if usual:
                slower = max(SHORTEST_S, value_s) / usual
                times.append(max(1.0, slower) if cut_off else slower)
        if not times:
            return 1.0
        return sorted(times)[len(times) // 2]
