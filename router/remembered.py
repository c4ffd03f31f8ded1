"""Rankings that are kept for a moment, so that choosing among a thousand endpoints costs little more than among ten.

What a ranking is made of (distributions, levels, loads) changes little in a twentieth of a second. A failure, a
timeout or the first answer of an unknown endpoint changes much: those beat the fleet's `Pulse`, and nothing older than
the last beat is used.
"""

from __future__ import annotations

import math
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

KEPT_S = 0.05
"""Seconds a ranking is good for."""

LEAST_APART_S = 0.001
"""Seconds between two beats: in a storm of failures rankings are still made a thousand times a second, not per call."""

MOST_KEPT = 256
"""Rankings kept at once; more questions than this do not repeat."""


class Pulse:
    """Counts what changes a fleet's standing at once, a thousand times a second at most. One a fleet."""

    __slots__ = ("_beaten_s", "beats", "gated_until_s")

    def __init__(self) -> None:
        self.beats = 0
        self.gated_until_s = -math.inf
        """From here on no endpoint is gated, so that whoever asks need not look at each."""
        self._beaten_s = -math.inf

    def beat(self, now_s: float) -> None:
        """Something has changed. What comes within a millisecond of the last beat is seen with the next."""
        if now_s - self._beaten_s >= LEAST_APART_S:
            self._beaten_s = now_s
            self.beats += 1


class Remembered(Generic[K, V]):
    """Values by key, each good for a twentieth of a second and until the pulse beats."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[K, tuple[float, int, V]] = {}

    def get(self, key: K, pulse: Pulse, now_s: float) -> V | None:
        """The value, if it is still good; else None."""
        kept = self._kept.get(key)
        if kept is None or now_s >= kept[0] or kept[1] != pulse.beats:
            return None
        return kept[2]

    def keep(self, key: K, value: V, pulse: Pulse, now_s: float) -> None:
        """Keep a value that was made now."""
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[key] = (now_s + KEPT_S, pulse.beats, value)
