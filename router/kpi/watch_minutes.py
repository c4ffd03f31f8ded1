"""The calls of a route by the minute: what they are like of late, and what is usual.

*Of late* is the shortest time that reaches back over a whole minute and has 300 calls, a quarter of an hour at most: so
a busy route is judged by the last minute or two and a quiet one by what there is. What is older becomes *the usual*,
which fades to a third in an hour, or in a thousand calls if that is longer; so it follows the rhythm of a day.

Latencies are counted by grades of 5 %, as a dict of the grades that occur: a few dozen numbers a minute, and a count
costs a tenth of a microsecond.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Mapping
from itertools import accumulate

MINUTE_S = 60.0
ENOUGH = 300
REACHES_BACK = 15
"""Minutes that "of late" may reach back, without the one under way."""

HOUR = 60
USUAL_CALLS = 1_000
"""What the usual is made of: so many minutes with calls, and at least so many calls."""

GONE = 1e-3
"""A faded count below this is forgotten."""

GRADES = 20.0
"""Latency grades for each factor of e: 5 % wide."""

SHORTEST_S = 1e-3


def grade_of(seconds: float) -> int:
    """The grade of a latency; what is below a millisecond counts as one."""
    return math.floor(math.log(max(SHORTEST_S, seconds)) * GRADES)


def seconds_of(grade: int) -> float:
    """The middle of a grade."""
    return math.exp((grade + 0.5) / GRADES)


def fading(calls: int) -> float:
    """What is left of the usual when a minute with so many calls is learned."""
    return math.exp(-min(1.0 / HOUR, calls / USUAL_CALLS))


def quantile(grades: Mapping[int, float], q: float) -> int:
    """The grade of a quantile of some latencies, at least one."""
    order = sorted(grades)
    reached = list(accumulate(grades[grade] for grade in order))
    return order[bisect_left(reached, q * reached[-1])]


def above(grades: Mapping[int, float], limit: int) -> float:
    """How many are of a higher grade than *limit*."""
    return math.fsum(count for grade, count in grades.items() if grade > limit)


class Minute:
    """Counts of some calls. calls: all but cancelled ones. grades: of those that were answered. reasons: of retries."""

    __slots__ = ("calls", "grades", "number", "reasons", "retried")

    def __init__(self, number: int) -> None:
        self.number = number
        self.calls = 0
        self.retried = 0
        self.reasons: dict[str, int] = {}
        self.grades: dict[int, int] = {}

    def add(self, other: Minute) -> None:
        """Take in the calls of another minute."""
        self.calls += other.calls
        self.retried += other.retried
        for reason, count in other.reasons.items():
            self.reasons[reason] = self.reasons.get(reason, 0) + count
        for grade, count in other.grades.items():
            self.grades[grade] = self.grades.get(grade, 0) + count


class Minutes:
    """The minute under way and the quarter of an hour before it."""

    __slots__ = ("_past", "ends_s", "now")

    def __init__(self, now_s: float) -> None:
        self._past: deque[Minute] = deque()
        self._begin(now_s)

    def _begin(self, now_s: float) -> None:
        number = int(now_s // MINUTE_S)
        self.now = Minute(number)
        self.ends_s = (number + 1) * MINUTE_S

    def turn(self, now_s: float) -> list[Minute]:
        """Begin the minute of *now_s*. Gives those that are too old now to be of late, the oldest first."""
        self._past.append(self.now)
        self._begin(now_s)
        old: list[Minute] = []
        while self._past and self._past[0].number < self.now.number - REACHES_BACK:
            old.append(self._past.popleft())
        return old

    def of_late(self) -> Minute:
        """The calls of late, in one."""
        late = Minute(self.now.number)
        late.add(self.now)
        for minute in reversed(self._past):
            late.add(minute)
            if late.calls >= ENOUGH:
                break
        return late

    def after(self, number: int) -> Minute:
        """The calls of all minutes after one, in one."""
        since = Minute(self.now.number)
        for minute in (*self._past, self.now):
            if minute.number > number:
                since.add(minute)
        return since
