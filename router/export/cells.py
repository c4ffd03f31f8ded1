"""Where numbers are added up until somebody collects them.

Only the router's own thread adds, and any thread may read: each read is one step, so that nothing is torn but for a
sum that may be one value ahead of its count.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Total:
    """A sum that only grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def add(self, value: float) -> None:
        """Add *value*, at least 0."""
        self.value += value


class Buckets:
    """A histogram: how many values lie above one boundary and at or below the next.

    boundaries: rising. counts: one more than boundaries; the last is of what lies above them all. total: the sum.
    """

    __slots__ = ("_boundaries", "counts", "total")

    def __init__(self, boundaries: Sequence[float]) -> None:
        self._boundaries = boundaries
        self.counts = [0] * (len(boundaries) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Add *value* to its bucket and to the sum."""
        self.counts[bisect_left(self._boundaries, value)] += 1
        self.total += value
