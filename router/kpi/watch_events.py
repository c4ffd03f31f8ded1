"""What the watches tell: that something has begun to go wrong on a route, and that it is over.

One incident is one `Alarm`, however long it lasts, and one `AllClear` when it has been over for a quarter of an hour.
``str()`` of either is a line for a person.
"""

from __future__ import annotations

import enum

from ..events import Event


class Concern(enum.StrEnum):
    """What is watched."""

    TAIL = "tail"
    PROMPT = "prompt"
    RETRIES = "retries"


class Alarm(Event, frozen=True, kw_only=True, eq=False):
    """Something has begun to go wrong.

    route: the class of traffic. calls: how many the figures of now are made of.
    """

    route: str
    calls: int


class TailRising(Alarm, frozen=True, kw_only=True, eq=False):
    """The slow calls have become slower, while the median stays where it was.

    That is a part of the calls, not all: one endpoint of several, a queue that catches some, retries. Seconds are to
    the first token on routes for which that is what fast means, else to the end; exact to 5 %.

    p50_s, p95_s: of late. usual_p50_s, usual_p95_s: in the hour or so before.
    """

    p50_s: float
    p95_s: float
    usual_p50_s: float
    usual_p95_s: float

    def __str__(self) -> str:
        return (
            f"{self.route}: the tail is rising: p95 {self.p95_s:.2f} s, usually {self.usual_p95_s:.2f} s; "
            f"median {self.p50_s:.2f} s, usually {self.usual_p50_s:.2f} s; of {self.calls:,} calls"
        )


class PromptGrew(Alarm, frozen=True, kw_only=True, eq=False):
    """Prompts are larger than at this hour of the last days. They cost more, take longer to read and meet limits.

    tokens: mean of this hour so far. usual_tokens: median of the same hour's means on the last ``days`` days, which
    are known. limit_tokens: what it took to raise the alarm.
    """

    tokens: float
    usual_tokens: float
    limit_tokens: float
    days: int

    def __str__(self) -> str:
        return (
            f"{self.route}: prompts grew: {self.tokens:,.0f} tokens on average of {self.calls:,} calls, usually "
            f"{self.usual_tokens:,.0f} at this hour (of {self.days} days)"
        )


class RetriesRising(Alarm, frozen=True, kw_only=True, eq=False):
    """More calls than usual need another try. They are slower, and what they ask of the endpoints grows.

    share: of late, of the calls that were not cancelled, 0..1. usual_share: in the hour or so before.
    reason: the commonest of late, one word.
    """

    share: float
    usual_share: float
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.route}: retries are rising: {self.share:.1%} of {self.calls:,} calls, usually "
            f"{self.usual_share:.1%}; mostly after {self.reason}"
        )


class AllClear(Event, frozen=True, kw_only=True, eq=False):
    """An incident is over: all has been as usual for a quarter of an hour.

    concern: which watch had raised the alarm, raised_at_s: when, on the router's clock.
    """

    route: str
    concern: Concern
    raised_at_s: float

    def __str__(self) -> str:
        return f"{self.route}: {self.concern} as usual again, {self.at_s - self.raised_at_s:.0f} s after the alarm"
