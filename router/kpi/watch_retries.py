"""A watch on the share of calls that need another try."""

from __future__ import annotations

from ..events import Event
from .watch_chance import BEYOND_CHANCE, surprise
from .watch_events import AllClear, Concern, RetriesRising
from .watch_latch import Latch
from .watch_minutes import Minute, fading

FEWEST = 50
"""Calls of late that a share can be taken of."""

FEWEST_USUAL = 500
"""Calls that make a usual."""

TWICE = 2.0
"""The share must also be this many times the usual: a route that lives with retries has more of them to lose."""


class RetryWatch:
    """Of one route.

    points: what the share must rise by, 0..1. It is calm again when half of that is gone.
    """

    __slots__ = ("_calls", "_latch", "_points", "_retried")

    def __init__(self, points: float) -> None:
        self._points = points
        self._calls = 0.0
        self._retried = 0.0
        self._latch = Latch()

    def learn(self, minute: Minute, now_s: float) -> None:
        """A minute has become part of the past."""
        if minute.calls and self._latch.learns(now_s):
            left = fading(minute.calls)
            self._calls = self._calls * left + minute.calls
            self._retried = self._retried * left + minute.retried

    def judge(self, route: str, late: Minute, now_s: float) -> Event | None:
        """What there is to tell, if anything."""
        if late.calls < FEWEST or self._calls < FEWEST_USUAL:
            return None
        share, usual = late.retried / late.calls, (self._retried + 1.0) / (self._calls + 2.0)
        if self._latch.is_raised:
            raised_at_s = self._latch.release(now_s, calm=share - usual < 0.5 * self._points)
            if raised_at_s is None:
                return None
            return AllClear(at_s=now_s, route=route, concern=Concern.RETRIES, raised_at_s=raised_at_s)
        if (
            share - usual < self._points
            or share < TWICE * usual
            or surprise(late.retried, late.calls, usual) < BEYOND_CHANCE
        ):
            return None
        self._latch.set(now_s)
        return RetriesRising(
            at_s=now_s,
            route=route,
            calls=late.calls,
            share=share,
            usual_share=self._retried / self._calls,
            reason=max(late.reasons, key=late.reasons.__getitem__),
        )
