"""How fast to send where nothing is known of a limit but that it was hit: CUBIC, as for TCP.

A refusal cuts the rate by three tenths. From there it climbs back: fast at first, slowly around the rate at which it
was refused, and then faster again, to find out whether the limit has moved.

    rate(t) = 0.4 * (t - K)³ + refused,   K = ³√(refused * 0.3 / 0.4),   t seconds after the refusal

It never exceeds twice what is really being sent, so that an idle hour does not buy a burst. Refusals of what was sent
before the last cut are old news and cut nothing.

Sources: Ha, Rhee, Xu, "CUBIC" (2008); the adaptive mode of botocore, whose constants these are. Rates are calls a
second.
"""

from __future__ import annotations

import math

CUT = 0.7
SCALE = 0.4

MOST_TIMES_MEASURED = 2.0

SLOT_S = 0.5
WEIGHT = 0.8
"""Of the newest slot in the measured rate."""

LEAST_PER_S = 0.1
"""A trickle goes on, or nobody would notice that the limit has gone."""


class MeasuredRate:
    """Calls a second, smoothed over slots of half a second."""

    __slots__ = ("_count", "_ends_s", "_per_s")

    def __init__(self, now_s: float) -> None:
        self._count = 0.0
        self._per_s = 0.0
        self._ends_s = now_s + SLOT_S

    def sent(self, now_s: float, calls: float = 1.0) -> None:
        """So many were sent."""
        if now_s >= self._ends_s:
            self._close(now_s)
        self._count += calls

    def per_s(self, now_s: float) -> float:
        """As of the last whole slot; of the running one, before there is any."""
        if now_s >= self._ends_s:
            self._close(now_s)
        return self._per_s or self._count / SLOT_S

    def _close(self, now_s: float) -> None:
        slots = 1 + int((now_s - self._ends_s) / SLOT_S)
        newest = self._count / (slots * SLOT_S)
        self._per_s = newest if not self._per_s else WEIGHT * newest + (1.0 - WEIGHT) * self._per_s
        self._count = 0
        self._ends_s += slots * SLOT_S


class Cubic:
    """A rate after a refusal.

    refused_per_s: the rate that was refused, above 0.
    """

    __slots__ = ("_climb_s", "_refused_per_s", "cut_at_s")

    def __init__(self, refused_per_s: float, now_s: float) -> None:
        self.cut_at_s = now_s
        self._refused_per_s = refused_per_s
        self._climb_s = math.cbrt(refused_per_s * (1.0 - CUT) / SCALE)

    def per_s(self, now_s: float) -> float:
        """Calls a second that may be sent now."""
        since_s = now_s - self.cut_at_s
        return max(LEAST_PER_S, SCALE * math.pow(since_s - self._climb_s, 3) + self._refused_per_s)

    def refused(self, sent_s: float, now_s: float) -> Cubic:
        """What holds after another refusal, of a call sent at *sent_s*."""
        return self if sent_s < self.cut_at_s else Cubic(self.per_s(now_s), now_s)
