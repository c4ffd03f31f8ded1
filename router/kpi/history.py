"""What became of the calls and attempts of the last while: a listener that every router has.

It is told in the middle of a call, so it takes down what there is to say in a few microseconds and thinks about it
only when somebody asks. It is bounded whether or not anybody ever does.

Calls are kept by route and attempts by endpoint, each in a log of its own, so that a busy one does not crowd out the
rows of a quiet one.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TypeAlias

from ..events import AttemptEnded, CallEnded, Event
from .account import pack_attempt, pack_call
from .counts import AttemptCounts, CallCounts, counts_of_attempt, counts_of_call
from .log import HistoryShape, Kind, Log, Weighed
from .row import AttemptRow, CallRow
from .tally import AttemptTally, GroupTallies

CALLS: Kind[CallRow, CallCounts, GroupTallies] = Kind(
    row=CallRow, totals=GroupTallies, count=GroupTallies.count, add=GroupTallies.add
)
ATTEMPTS: Kind[AttemptRow, AttemptCounts, AttemptTally] = Kind(
    row=AttemptRow, totals=AttemptTally, count=AttemptTally.count, add=AttemptTally.add
)

CallLog: TypeAlias = Log[CallRow, CallCounts, GroupTallies]
AttemptLog: TypeAlias = Log[AttemptRow, AttemptCounts, AttemptTally]


class History:
    """Calls by route and attempts by endpoint, as `CallRow` and `AttemptRow`.

    shape: how much is kept. dice: draw the sample where there is more.
    """

    __slots__ = ("_dice", "_shape", "attempts_by_endpoint", "calls_by_route", "opened_s")

    def __init__(self, shape: HistoryShape, dice: random.Random) -> None:
        self._shape = shape
        self._dice = dice
        self.calls_by_route: dict[str, CallLog] = {}
        self.attempts_by_endpoint: dict[str, AttemptLog] = {}
        self.opened_s: float | None = None
        """When calls could first be made, on the router's clock; None: not yet."""

    def open(self, now_s: float) -> None:
        """Calls can be made from now on."""
        if self.opened_s is None:
            self.opened_s = now_s

    def __call__(self, event: Event) -> None:
        """Take down a call or an attempt that has ended."""
        if isinstance(event, CallEnded):
            calls = self.calls(event.call.route.name)
            place = calls.place(event.at_s)
            if place is None:
                calls.leave_out(counts_of_call(event))
            else:
                calls.put(place, pack_call(event))
        elif isinstance(event, AttemptEnded):
            attempts = self.attempts_at(event.attempt.endpoint.name)
            place = attempts.place(event.at_s)
            if place is None:
                attempts.leave_out(counts_of_attempt(event))
            else:
                attempts.put(place, pack_attempt(event))

    def calls(self, route: str) -> CallLog:
        """The log of a route, made when first asked for."""
        log = self.calls_by_route.get(route)
        if log is None:
            log = self.calls_by_route[route] = Log(CALLS, self._shape, self._dice)
        return log

    def attempts_at(self, endpoint: str) -> AttemptLog:
        """The log of an endpoint, likewise."""
        log = self.attempts_by_endpoint.get(endpoint)
        if log is None:
            log = self.attempts_by_endpoint[endpoint] = Log(ATTEMPTS, self._shape, self._dice)
        return log

    def rows(self, route: str, from_s: float, until_s: float) -> Sequence[CallRow]:
        """Calls of *route* that ended after *from_s* and up to *until_s*; of a crowded period, a sample."""
        log = self.calls_by_route.get(route)
        return () if log is None else log.rows(from_s, until_s)

    def attempts(self, endpoint: str, from_s: float, until_s: float) -> Sequence[AttemptRow]:
        """Attempts at *endpoint*, likewise."""
        log = self.attempts_by_endpoint.get(endpoint)
        return () if log is None else log.rows(from_s, until_s)

    def weighed_calls(
        self, route: str, from_s: float, until_s: float
    ) -> tuple[Sequence[Weighed[CallRow]], GroupTallies]:
        """What `rows` gives, each with the number it stands for, and the totals of all."""
        log = self.calls_by_route.get(route)
        return ((), GroupTallies()) if log is None else log.weighed(from_s, until_s)

    def weighed_attempts(
        self, endpoint: str, from_s: float, until_s: float
    ) -> tuple[Sequence[Weighed[AttemptRow]], AttemptTally]:
        """What `attempts` gives, likewise."""
        log = self.attempts_by_endpoint.get(endpoint)
        return ((), AttemptTally()) if log is None else log.weighed(from_s, until_s)

    def window(self, over_s: float | None, now_s: float) -> tuple[float, float]:
        """The last *over_s* seconds before *now_s*, as far as they are kept: after the first, up to the second.

        It begins earlier, with a period, where counts of only a part of that period are not known.
        """
        oldest_s = self._shape.oldest_s(now_s)
        from_s = oldest_s if over_s is None else max(now_s - over_s, oldest_s)
        logs: Iterable[CallLog | AttemptLog] = chain(self.calls_by_route.values(), self.attempts_by_endpoint.values())
        return min((log.whole_from(from_s) for log in logs), default=from_s), now_s
