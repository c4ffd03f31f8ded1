"""A watch on the size of prompts, hour by hour against the same hour of the last days.

Somebody adds a document to every prompt, and nothing breaks: until a limit does, or the bill comes. The size has a
rhythm, by the hour and by the day of the week, so an hour is compared with the same hour of each of the last seven
days: with their median, and with how far they usually stray from it, by the median of absolute deviations. An hour
must also stand out from the one a week ago, as a Saturday's does not. Until a whole week is known it takes more than
twice the usual size, since nobody knows yet what its Saturdays are like.

Kept are a count, a sum and a sum of squares for each hour of a week and for the one under way, whatever the traffic.
Hours are those of the router's clock, which need not begin when an hour of the day does.

Source: Rousseeuw and Croux, "Alternatives to the median absolute deviation" (1993), on the factor 1.4826.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from ..events import Event
from .watch_events import AllClear, Concern, PromptGrew
from .watch_latch import Latch

HOUR_S = 3600.0
DAY = 24
"""Hours."""

DAYS = 7
"""Days before this one that are compared with."""

FEWEST_DAYS = 3
"""Days that make a usual."""

FEWEST = 30
"""Calls that make an hour's mean."""

DEVIATIONS = 4.0
"""How far beyond its usual straying, in standard deviations, an hour must be."""

TO_SIGMA = 1.4826
"""From a median of absolute deviations to a standard deviation, if they are normal."""

EARLY = 2.0
"""The least factor until all `DAYS` are known."""


class Hour:
    """Sums over the calls of one hour. squares: of tokens."""

    __slots__ = ("calls", "squares", "tokens")

    def __init__(self) -> None:
        self.calls = 0
        self.tokens = 0
        self.squares = 0

    @property
    def mean(self) -> float:
        """Tokens of a prompt, of at least one."""
        return self.tokens / self.calls

    @property
    def error(self) -> float:
        """Standard error of the mean, of at least one call."""
        return math.sqrt(max(0.0, self.squares / self.calls - self.mean**2) / self.calls)


class PromptWatch:
    """Of one route.

    grows: factor on the usual size that raises the alarm. It is calm below the square root of it.
    """

    __slots__ = ("_grows", "_hours", "_latch", "_number", "ends_s", "now")

    def __init__(self, grows: float, now_s: float) -> None:
        self._grows = grows
        self._hours: dict[int, Hour] = {}
        self._latch = Latch()
        self.turn(now_s)

    def turn(self, now_s: float) -> None:
        """Begin the hour of *now_s*, and forget what is more than a week older."""
        self._number = int(now_s // HOUR_S)
        self.ends_s = (self._number + 1) * HOUR_S
        self.now = self._hours[self._number] = Hour()
        for number in [number for number in self._hours if number < self._number - DAYS * DAY]:
            del self._hours[number]

    def judge(self, route: str, now_s: float) -> Event | None:
        """What there is to tell, if anything."""
        same = [self._hours.get(self._number - day * DAY) for day in range(1, DAYS + 1)]
        days = [hour for hour in same if hour is not None and hour.calls >= FEWEST]
        if self.now.calls < FEWEST or len(days) < FEWEST_DAYS:
            return None
        usual, tokens = median(hour.mean for hour in days), self.now.mean
        if self._latch.is_raised:
            raised_at_s = self._latch.release(now_s, calm=tokens < usual * math.sqrt(self._grows))
            if raised_at_s is None:
                return None
            return AllClear(at_s=now_s, route=route, concern=Concern.PROMPT, raised_at_s=raised_at_s)
        limit = self._limit(days, usual)
        if tokens < limit:
            return None
        self._latch.set(now_s)
        return PromptGrew(
            at_s=now_s,
            route=route,
            calls=self.now.calls,
            tokens=tokens,
            usual_tokens=usual,
            limit_tokens=limit,
            days=len(days),
        )

    def _limit(self, days: Sequence[Hour], usual: float) -> float:
        """What it takes to raise the alarm. *days*: this hour of those that are known, yesterday's first."""
        strays = TO_SIGMA * median(abs(hour.mean - usual) for hour in days)
        chance = DEVIATIONS * math.hypot(strays, self.now.error)
        if len(days) < DAYS:
            return usual * max(self._grows, EARLY) + chance
        week_ago = days[-1]
        as_week_ago = week_ago.mean + DEVIATIONS * math.hypot(week_ago.error, self.now.error)
        return max(usual * self._grows, usual + chance, as_week_ago)
