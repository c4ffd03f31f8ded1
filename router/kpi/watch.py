"""What should worry somebody: watches on every route that raise a typed alarm, once an incident.

    def page(event: Event) -> None:
        if isinstance(event, TailRising):
            print(event)  # chat: the tail is rising: p95 2.41 s, usually 0.71 s; ...

    async with Router(endpoints, routes, stack, listeners=[Watches(tell=[page])]) as router: ...

A `Watches` is a listener like any other, so that a router need not know of it. Three things are watched:

    TailRising       the p95 rises while the median stays
    RetriesRising    more calls than usual need another try
    PromptGrew       prompts are larger than at this hour of the last days

The first two are told within five minutes or 300 calls, whichever is later, if one call in five is concerned; prompts
that double within half an hour, since an hour's mean moves slowly. A route with fewer calls than four a minute has too
few to tell a tail or a share of retries from chance.

What is usual is learned for each route, and until it is known the watch on it is silent: a quarter of an hour and 500
calls for the first two, three days for prompts. While an alarm is raised nothing is learned, so that an incident does
not become the usual; once it has been calm for a quarter of an hour, an `AllClear` is told.

Figures are judged when a call ends, every five seconds at most: there is no timer, and a call costs a microsecond or
two. An alarm says that something is wrong; `diagnosis` says what.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import attrs

from .. import check
from ..errors import ConfigurationError
from ..events import CallEnded, CallOutcome, Event, Listener, Listeners
from ..request import Priority
from ..route import Route
from .row import CallRow
from .watch_glimpse import glimpse
from .watch_minutes import Minutes, grade_of
from .watch_prompt import PromptWatch
from .watch_retries import RetryWatch
from .watch_tail import TailWatch

JUDGED_EVERY_S = 5.0

RowOf: TypeAlias = Callable[[CallEnded], CallRow]


def _a_rise(instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    check.positive(instance, attribute, value)
    if value < LEAST_RISE:
        raise ConfigurationError(
            f"Thresholds: {attribute.name} must be a factor of at least {LEAST_RISE:g}, not {value!r}: 1.5 is half as "
            "much again, and below the least it would be told of noise"
        )


LEAST_RISE = 1.1


@attrs.frozen(kw_only=True)
class Thresholds:
    """What is worth an alarm. Each takes more than chance besides.

    tail: factor on the p95. Default 1.5; at least 1.1.
    prompt: factor on the usual size of a prompt at this hour. Default 1.3; at least 1.1.
    retries: rise of the share of calls that need another try; above 0, up to 1. Default 0.05: from 2 % to 7 %, say.
    """

    tail: float = attrs.field(default=1.5, validator=_a_rise)
    prompt: float = attrs.field(default=1.3, validator=_a_rise)
    retries: float = attrs.field(default=0.05, validator=check.share)


class Watches:
    """A listener that watches the routes it hears of, and tells others.

    tell: called with each `Alarm` and `AllClear`. They must be quick: they are called in the middle of a call.
    thresholds: what is worth an alarm.
    row: makes the row of a call. Default: one with what is looked at here and no more. Rows that are there already can
        be handed to `see` instead.
    """

    __slots__ = ("_row", "_tell", "_thresholds", "_watched")

    def __init__(self, tell: Sequence[Listener], *, thresholds: Thresholds | None = None, row: RowOf = glimpse) -> None:
        self._tell = Listeners(tell)
        self._thresholds = thresholds or Thresholds()
        self._row = row
        self._watched: dict[str, _Watched] = {}

    def __call__(self, event: Event) -> None:
        """Hear an event; those other than `CallEnded` are none of its business."""
        if isinstance(event, CallEnded):
            self.see(event.call.route, self._row(event))

    def see(self, route: Route, row: CallRow) -> None:
        """Look at a finished call of *route*. Constant time, but for a judgement now and then."""
        watched = self._watched.get(route.name)
        if watched is None:
            watched = self._watched[route.name] = _Watched(route, self._thresholds, row.ended_s)
        watched.see(row)
        if row.ended_s >= watched.judged_again_s:
            for told in watched.judge(row.ended_s):
                self._tell.tell(told)


class _Watched:
    """One route under watch."""

    __slots__ = ("_by_ttft", "_minutes", "_prompt", "_retries", "_route", "_tail", "judged_again_s")

    def __init__(self, route: Route, thresholds: Thresholds, now_s: float) -> None:
        self._route = route.name
        self._by_ttft = route.priority is Priority.TTFT
        self._minutes = Minutes(now_s)
        self._tail = TailWatch(thresholds.tail)
        self._retries = RetryWatch(thresholds.retries)
        self._prompt = PromptWatch(thresholds.prompt, now_s)
        self.judged_again_s = now_s + JUDGED_EVERY_S

    def see(self, row: CallRow) -> None:
        """Count a call."""
        now_s = row.ended_s
        if now_s >= self._minutes.ends_s:
            for old in self._minutes.turn(now_s):
                self._tail.learn(old, now_s)
                self._retries.learn(old, now_s)
        if now_s >= self._prompt.ends_s:
            self._prompt.turn(now_s)
        hour, tokens = self._prompt.now, row.input_tokens
        hour.calls += 1
        hour.tokens += tokens
        hour.squares += tokens * tokens
        if row.outcome is CallOutcome.CANCELLED:
            return
        minute = self._minutes.now
        minute.calls += 1
        if row.retries:
            minute.retried += 1
            for reason in row.retries:
                minute.reasons[reason] = minute.reasons.get(reason, 0) + 1
        if row.outcome is CallOutcome.ANSWERED:
            seconds = row.ttft_s if self._by_ttft and row.ttft_s is not None else row.total_s
            grade = grade_of(seconds)
            minute.grades[grade] = minute.grades.get(grade, 0) + 1

    def judge(self, now_s: float) -> list[Event]:
        """What there is to tell."""
        self.judged_again_s = now_s + JUDGED_EVERY_S
        late = self._minutes.of_late()
        judged = (
            self._tail.judge(self._route, self._minutes, late, now_s),
            self._retries.judge(self._route, late, now_s),
            self._prompt.judge(self._route, now_s),
        )
        return [event for event in judged if event is not None]
