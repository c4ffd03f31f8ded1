"""A watch on slow calls that become slower while the median stays.

A call is *slow* if it is above what is usually the p95: one in twenty is. When more are than chance can explain, and
the p95 has risen by the factor that is asked for, the tail has risen. The limit moves with the median where that rises:
a busier hour with longer prompts makes everything a little slower, and that is no news of the tail.

When everything becomes much slower it looks the same at first: some calls are slow, the median is not yet. So a whole
minute must pass first. If the calls since then have a median that is no longer what it was, all is slower, and this
watch keeps out of it; if few of them are slow, it was a hiccup.
"""

from __future__ import annotations

import math

from ..events import Event
from .watch_chance import BEYOND_CHANCE, surprise
from .watch_events import AllClear, Concern, TailRising
from .watch_latch import Latch
from .watch_minutes import GONE, GRADES, Minute, Minutes, above, fading, quantile, seconds_of

FEWEST = 60
"""Answers of late that a tail can be seen in."""

FEWEST_USUAL = 500
"""Answers that make a usual."""

FEWEST_SINCE = 20
"""Answers since it was first suspected that the median can be seen in."""

STILL = 0.1
"""Share of them that must be slow: twice what is usual."""

STABLE = math.log(1.35) * GRADES
"""The median is stable up to a factor of 1.35; in grades."""


class TailWatch:
    """Of one route.

    rises: factor on the p95 that raises the alarm. It is calm below the square root of it.
    """

    __slots__ = ("_latch", "_rises", "_suspected", "_usual")

    def __init__(self, rises: float) -> None:
        self._rises = math.log(rises) * GRADES
        self._usual: dict[int, float] = {}
        self._latch = Latch()
        self._suspected: tuple[int, int] | None = None
        """The minute from which on the tail has looked risen, and the median then, which was not of slow calls yet."""

    def learn(self, minute: Minute, now_s: float) -> None:
        """A minute has become part of the past."""
        if minute.grades and self._latch.learns(now_s):
            left = fading(minute.calls)
            faded = {grade: count * left for grade, count in self._usual.items() if count > GONE}
            for grade, count in minute.grades.items():
                faded[grade] = faded.get(grade, 0.0) + count
            self._usual = faded

    def judge(self, route: str, minutes: Minutes, late: Minute, now_s: float) -> Event | None:
        """What there is to tell, if anything. *late*: the calls of late."""
        known = math.fsum(self._usual.values())
        answers = sum(late.grades.values())
        if answers < FEWEST or known < FEWEST_USUAL:
            return None
        p50, p95 = quantile(late.grades, 0.5), quantile(late.grades, 0.95)
        usual_p50, usual_p95 = quantile(self._usual, 0.5), quantile(self._usual, 0.95)
        limit = usual_p95 + max(0, p50 - usual_p50)
        if self._latch.is_raised:
            raised_at_s = self._latch.release(now_s, calm=p95 - limit < 0.5 * self._rises)
            if raised_at_s is None:
                return None
            return AllClear(at_s=now_s, route=route, concern=Concern.TAIL, raised_at_s=raised_at_s)
        share = (above(self._usual, usual_p95) + 1.0) / (known + 2.0)
        surprising = surprise(above(late.grades, limit), answers, share) >= BEYOND_CHANCE
        if not (surprising and p95 - limit >= self._rises):
            self._suspected = None
        elif self._is_no_hiccup(minutes, limit, p50):
            self._suspected = None
            self._latch.set(now_s)
            return TailRising(
                at_s=now_s,
                route=route,
                calls=answers,
                p50_s=seconds_of(p50),
                p95_s=seconds_of(p95),
                usual_p50_s=seconds_of(usual_p50),
                usual_p95_s=seconds_of(usual_p95),
            )
        return None

    def _is_no_hiccup(self, minutes: Minutes, limit: int, p50: int) -> bool:
        """Whether a risen tail has lasted for a whole minute since it was suspected, and is not of all calls."""
        if self._suspected is None:
            self._suspected = minutes.now.number, p50
        minute, p50_then = self._suspected
        since = minutes.after(minute).grades
        answers = sum(since.values())
        return (
            minutes.now.number >= minute + 2
            and answers >= FEWEST_SINCE
            and above(since, limit) >= STILL * answers
            and quantile(since, 0.5) - p50_then <= STABLE
        )
