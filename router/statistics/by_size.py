"""A latency that depends on the size of the prompt: one window for each class of sizes, and all of them together.

A class has a window from its first sample on, and loses it when it has been idle for as long as the window is. It leans
on the distribution of all sizes by its sample count, and that one on the profile: so a rare size is not unknown, and a
common one is judged by its own kind.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .fold import Fold, added
from .latency import Latency
from .window import REFOLD_AFTER_S, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .hdr import Scale
    from .latency import Belief, Samples
    from .window import WindowShape


class BySize:
    """One metric of one endpoint, in seconds, by class of prompt size.

    overall: of all sizes, leaning on what is believed of the endpoint.
    """

    __slots__ = (
        "_fold", "_folded_at_s", "_latencies", "_new", "_rotates_s", "_scale", "_shape", "_windows", "overall",
    )  # fmt: skip

    def __init__(self, scale: Scale, shape: WindowShape, believed: Belief | None) -> None:
        self._scale = scale
        self._shape = shape
        self._windows: dict[int, Window] = {}
        self._latencies: dict[int, Latency[Samples]] = {}
        self._fold = Fold((), (), scale)
        self._folded_at_s = -math.inf
        self._rotates_s = -math.inf
        self._new = 0
        self.overall: Latency[Samples] = Latency(self, believed)

    def of(self, size: int | None) -> Latency[Samples]:
        """The latency of a class; of all sizes if it was not seen, or None is asked for."""
        return self.overall if size is None else self._latencies.get(size, self.overall)

    def record(self, value_s: float, size: int, now_s: float) -> None:
        """Add a latency that was seen to its end. Constant time."""
        self._new += 1
        self.window(size).record(value_s, now_s)

    def record_censored(self, at_least_s: float, size: int, now_s: float) -> None:
        """Add a latency that was cut off. Constant time."""
        self._new += 1
        self.window(size).record_censored(at_least_s, now_s)

    def window(self, size: int) -> Window:
        """The window of a class, made when first asked for."""
        window = self._windows.get(size)
        if window is None:
            window = self._windows[size] = Window(self._scale, self._shape)
            self._latencies[size] = Latency(window, self.overall)
        return window

    def windows(self) -> Iterator[tuple[int, Window]]:
        """The classes that have a window."""
        yield from self._windows.items()

    @property
    def clamped(self) -> int:
        """Values outside the range, recorded at its edge, in the windows there are."""
        return sum(window.clamped for window in self._windows.values())

    def fold(self, now_s: float) -> Fold:
        """The distribution of all sizes as of now: at most 0.25 s old, and younger while it is made of few samples."""
        is_due = now_s - self._folded_at_s >= REFOLD_AFTER_S or self._new > self._fold.samples
        if now_s >= self._rotates_s or (self._new and is_due):
            self._fold = self._refold(now_s)
            self._folded_at_s = now_s
            self._rotates_s = (now_s // self._shape.period_s + 1) * self._shape.period_s
            self._new = 0
        return self._fold

    def _refold(self, now_s: float) -> Fold:
        held = {size: window.filled(now_s) for size, window in self._windows.items()}
        for size, (events, censored) in held.items():
            if not events and not censored:
                del self._windows[size], self._latencies[size]
        return Fold(
            added(events for events, _ in held.values()), added(censored for _, censored in held.values()), self._scale
        )
