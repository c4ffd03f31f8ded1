"""The listener behind the dashboard: it counts what has ended, and keeps a little of what was decided.

It runs within calls, so it adds to counters and goes: a few microseconds a call, in bounded memory, whether or not
anybody looks. Everything that takes longer is done by the feed, once a second, while somebody does.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import msgspec

from ...router import (
    Alarm,
    AllClear,
    AttemptEnded,
    CallEnded,
    CallOutcome,
    EndpointEjected,
    EndpointReturned,
    KeySetAside,
    Outcome,
    Watches,
)
from .bins import Bins, RouteBin, count_reason
from .decisions import Decisions
from .histogram import count

if TYPE_CHECKING:
    from ...router import Attempt, Event, Ledger, RateLimits

INCIDENTS = 60
"""That are kept."""

MOST_ENDPOINTS = 512
"""Whose last words are kept."""


WAITS = "waits"
"""In what `Slots` and `Pace` note when they have a call wait."""


class Incident(msgspec.Struct, frozen=True):
    """Something worth telling once. about: an endpoint or a route. bad: whether it is the beginning, not the end."""

    id: int
    at_s: float
    kind: str
    about: str
    words: str
    bad: bool


class LastWords:
    """What an endpoint was last heard to say: times are seconds on the routers' clock, None: nothing yet."""

    __slots__ = ("failed_s", "failure", "rates", "rates_s", "trouble", "trouble_s")

    def __init__(self) -> None:
        self.failure: str | None = None
        self.failed_s = 0.0
        self.rates: RateLimits | None = None
        self.rates_s = 0.0
        self.trouble: str | None = None
        self.trouble_s = 0.0


class Collector:
    """Counts calls and attempts. Give it to `Running` as a listener, and to `routes`."""

    def __init__(self) -> None:
        self.bins = Bins()
        self.decisions = Decisions()
        self.incidents: deque[Incident] = deque(maxlen=INCIDENTS)
        self.last_words: dict[str, LastWords] = {}
        self._watches = Watches(tell=[self._told])
        self.last_incident = 0
        """Number of the newest; 0 before the first."""

    def __call__(self, event: Event) -> None:
        """Hear of an event."""
        if isinstance(event, AttemptEnded):
            self._attempt_ended(event)
        elif isinstance(event, CallEnded):
            self._call_ended(event)
            self._watches(event)
        elif isinstance(event, EndpointEjected):
            name, ejection = event.endpoint.name, event.ejection
            words = self._words_of(name)
            words.trouble, words.trouble_s = ejection.why, event.at_s
            self._incident(event.at_s, "out", name, f"out for {ejection.until_s - event.at_s:.1f} s: {ejection.why}")
        elif isinstance(event, EndpointReturned):
            self._incident(event.at_s, "back", event.endpoint.name, f"back after {event.away_s:.1f} s", bad=False)
        elif isinstance(event, KeySetAside):
            told = f"key {event.key} of {event.of} set aside: {event.reason}"
            self._incident(event.at_s, "key", event.endpoint.name, told)

    def _told(self, event: Event) -> None:
        """A watch has something to tell."""
        if isinstance(event, Alarm | AllClear):
            self._incident(event.at_s, "watch", event.route, str(event), bad=isinstance(event, Alarm))

    def _incident(self, at_s: float, kind: str, about: str, words: str, *, bad: bool = True) -> None:
        self.last_incident += 1
        self.incidents.append(Incident(self.last_incident, at_s, kind, about, words, bad))

    def _words_of(self, name: str) -> LastWords:
        words = self.last_words.get(name)
        if words is None:
            if len(self.last_words) >= MOST_ENDPOINTS:
                self.last_words.clear()
            words = self.last_words[name] = LastWords()
        return words

    # -- an attempt

    def _attempt_ended(self, event: AttemptEnded) -> None:
        attempt = event.attempt
        endpoint = attempt.endpoint
        now = self.bins.at(event.at_s)
        group = now.group(endpoint.model, endpoint.region)
        counted = now.endpoint(endpoint.name)
        counted.attempts += 1
        if attempt.outcome is Outcome.OK:
            counted.answered += 1
            count(group.total, event.at_s - attempt.sent_s)
            tpot_s = attempt.tpot_s
            if tpot_s is not None:
                count(group.tpot, tpot_s)
        elif attempt.outcome is Outcome.CANCELLED:
            counted.cancelled += 1
        else:
            self._failed(counted.failures, attempt, event.at_s)
        if attempt.first_progress_s is not None and attempt.streamed:
            ttft_s = attempt.first_progress_s - attempt.sent_s
            count(group.ttft, ttft_s)
            count(counted.ttft, ttft_s)
            if attempt.longest_gap_s is not None:
                count(group.gap, attempt.longest_gap_s)
        if attempt.rate_limits is not None:
            words = self._words_of(endpoint.name)
            words.rates = attempt.rate_limits
            words.rates_s = attempt.sent_s if attempt.headers_s is None else attempt.headers_s

    def _failed(self, failures: dict[str, int], attempt: Attempt, now_s: float) -> None:
        reason = "deadline" if attempt.error is None else attempt.error.reason
        count_reason(failures, reason)
        words = self._words_of(attempt.endpoint.name)
        words.failure, words.failed_s = reason, now_s

    # -- a call

    def _call_ended(self, event: CallEnded) -> None:
        call, ledger = event.call, event.call.ledger
        now = self.bins.at(event.at_s)
        route = now.route(call.route.name)
        route.calls += 1
        route.attempts += len(ledger.attempts)
        route.tokens_in += call.prompt_tokens
        count(route.prompt, call.prompt_tokens)
        if len(ledger.attempts) != 1 or ledger.models_left:
            _count_detours(route, ledger)
        ttft_s: float | None = None
        in_time: bool | None = None
        if event.outcome is CallOutcome.ANSWERED:
            ttft_s, in_time = _answered(route, event)
            router_s = _router_s(event)
            if router_s is not None:
                now.count_router(router_s)
        elif event.outcome is CallOutcome.FAILED:
            in_time = False
            count_reason(route.failures, event.reason or "failed")
            if not ledger.attempts:
                route.refused += 1
        else:
            route.cancelled += 1
        self.decisions.take(event, ttft_s, in_time=in_time)


def _answered(route: RouteBin, event: CallEnded) -> tuple[float | None, bool]:
    """Count an answer. Gives its time to the first token, None unless it came as a stream, and whether it was in time.

    Of an answer in one piece the first token is there when all is: so an objective is held against the whole.
    """
    call, ledger = event.call, event.call.ledger
    route.answered += 1
    total_s = event.at_s - ledger.began_s
    count(route.total, total_s)
    answer = ledger.answered_by
    ttft_s: float | None = None
    if answer is not None:
        spoke_s = ledger.spoke_s(answer)
        if answer.streamed and spoke_s is not None:
            ttft_s = spoke_s - ledger.began_s
            count(route.ttft, ttft_s)
        if answer.usage is not None and answer.usage.output_tokens is not None:
            route.tokens_out += answer.usage.output_tokens
            count(route.answer, answer.usage.output_tokens)
    in_time = call.route.objective.met_by(total_s if ttft_s is None else ttft_s, total_s)
    if in_time:
        route.in_time += 1
    if answer is not None and answer.number > 1:
        route.hedges_won += answer.hedge
        if in_time:
            _saved(route, ledger, answer)
    return ttft_s, in_time


def _router_s(event: CallEnded) -> float | None:
    """Seconds of an answered call that were neither its endpoint's nor a wait; None where that cannot be told.

    Retries, fallbacks and hedges wait on purpose, and a layer that has a call wait for something says so.
    """
    ledger = event.call.ledger
    if len(ledger.attempts) != 1 or ledger.models_left:
        return None
    attempt = ledger.attempts[0]
    if attempt.slot_wait_s or attempt.finished_s is None:
        return None
    for decision in ledger.decisions:
        if WAITS in decision.words:
            return None
    return event.at_s - ledger.began_s - (attempt.finished_s - attempt.sent_s)


def _saved(route: RouteBin, ledger: Ledger, answer: Attempt) -> None:
    """A call that is in time though its first attempt was not its answer: by the outermost of what has helped."""
    if answer.hedge:
        route.by_hedge += 1
    elif ledger.models_left:
        route.by_fallback += 1
    elif ledger.retries:
        route.by_retry += 1


def _count_detours(route: RouteBin, ledger: Ledger) -> None:
    """All that was not the straight way to the answer."""
    route.hedges += ledger.hedges
    for reason in ledger.retries:
        count_reason(route.retries, reason)
    for left in ledger.models_left:
        errors = [attempt.error for attempt in ledger.attempts if attempt.endpoint.model == left.model]
        last = next((error for error in reversed(errors) if error is not None), None)
        count_reason(route.fallbacks, "timeout" if left.timed_out else "no_endpoint" if last is None else last.reason)
