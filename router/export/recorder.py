"""Events made into numbers: which metric, under which labels, which value. Both exporters get theirs from here.

This runs within calls, so it looks up and adds. A call that was answered at the first try costs about fifteen
additions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import AttemptTimeout
from ..events import AttemptEnded, CallEnded, CallOutcome
from ..ledger import Outcome
from . import names
from .accounts import AttemptSeries, EndpointAccount, RouteAccount
from .book import Book, Series
from .endings import ending_of
from .labels import Labels, Words

if TYPE_CHECKING:
    from ..chunk import Usage
    from ..endpoint import Endpoint
    from ..events import Event
    from ..ledger import Attempt, Ledger

MOST_KEPT = 4096
"""Endpoints, and routes, whose accounts are at hand. There are more only where routers come and go."""


class Recorder:
    """Adds what events say to the series of a book."""

    def __init__(self, book: Book[Series]) -> None:
        self._book = book
        self._endpoints: dict[str, EndpointAccount] = {}
        self._routes: dict[str, RouteAccount] = {}
        self._errors = Words()
        self._reasons = Words()

    def __call__(self, event: Event) -> None:
        """Record one event; those of other kinds are passed over."""
        if isinstance(event, AttemptEnded):
            self._attempt_ended(event)
        elif isinstance(event, CallEnded):
            self._call_ended(event)

    def endpoint(self, endpoint: Endpoint) -> EndpointAccount:
        """The account of *endpoint*."""
        account = self._endpoints.get(endpoint.name)
        if account is None or account.endpoint is not endpoint:
            if len(self._endpoints) >= MOST_KEPT:
                self._endpoints.clear()
            account = self._endpoints[endpoint.name] = EndpointAccount(endpoint, self._book, self._errors)
        return account

    def _route(self, name: str) -> RouteAccount:
        account = self._routes.get(name)
        if account is None:
            if len(self._routes) >= MOST_KEPT:
                self._routes.clear()
            account = self._routes[name] = RouteAccount(name, self._book, self._reasons)
        return account

    # -- an attempt

    def _attempt_ended(self, event: AttemptEnded) -> None:
        attempt = event.attempt
        account = self.endpoint(attempt.endpoint)
        ending = ending_of(attempt)
        series = account.attempts(ending, account.versions.name(attempt.served_model), attempt.operation)
        took_s = event.at_s - attempt.sent_s
        series.duration(took_s)
        series.service(took_s)
        account.slot_wait(attempt.slot_wait_s)
        if attempt.streamed:
            _record_stream(series, attempt)
        if attempt.usage is not None:
            _record_usage(series, attempt.usage)
        if attempt.connect_s is not None:
            series.connect(attempt.connect_s)
        if attempt.keepalives:
            self._count(names.KEEPALIVES, account.who, attempt.keepalives)
        if attempt.outcome is Outcome.TIMED_OUT:
            limit = attempt.error.limit if isinstance(attempt.error, AttemptTimeout) else "deadline"
            self._count(names.ATTEMPT_TIMEOUTS, (*account.who, self._reasons.word(limit)))
        self._route(event.call.route.name).count_attempt(ending)

    # -- a call

    def _call_ended(self, event: CallEnded) -> None:
        route, ledger, outcome = event.call.route, event.call.ledger, event.outcome
        account = self._route(route.name)
        account.count_call(outcome, event.reason)
        answered = outcome is CallOutcome.ANSWERED
        answer = ledger.answered_by if answered else None
        last = answer if answer is not None or not ledger.attempts else ledger.attempts[-1]
        series = account.calls(None if last is None else last.endpoint.model, outcome)
        took_s = event.at_s - ledger.began_s
        series.duration(took_s)
        ttft_s = None
        if last is not None and last.first_progress_s is not None and (answered or ledger.committed):
            ttft_s = (ledger.spoke_s(last) or last.first_progress_s) - ledger.began_s
            if last.streamed:
                series.ttft(ttft_s)
        if answered and route.objective.met_by(ttft_s, took_s):
            account.in_time(1)
        if answer is None or len(ledger.attempts) > 1 or ledger.models_left:
            self._count_detours(route.name, ledger, answer)
        if outcome is CallOutcome.FAILED and not ledger.attempts:
            self._count(names.REFUSALS, (route.name, self._reasons.word(event.reason)))

    def _count_detours(self, route: str, ledger: Ledger, answer: Attempt | None) -> None:
        """All that was not the straight way to the answer."""
        for reason in ledger.retries:
            self._count(names.RETRIES, (route, self._reasons.word(reason)))
        for left in ledger.models_left:
            self._count(names.FALLBACKS, (route, "timeout" if left.timed_out else "failure"))
        for attempt in ledger.attempts:
            if attempt is not answer and attempt.usage is not None:
                tokens = (attempt.usage.input_tokens or 0) + (attempt.usage.output_tokens or 0)
                self._count(names.DISCARDED, (route, attempt.outcome.value), tokens)

    def _count(self, metric: names.Metric, labels: Labels, value: float = 1) -> None:
        """Count what is rare, and so looked up each time."""
        if value:
            self._book.series(metric, labels).add(value)


def _record_stream(series: AttemptSeries, attempt: Attempt) -> None:
    if attempt.first_event_s is not None:
        series.first_chunk(attempt.first_event_s - attempt.sent_s)
    if attempt.first_progress_s is None:
        return
    series.ttft(attempt.first_progress_s - attempt.sent_s)
    if attempt.longest_gap_s is not None:
        series.gap(attempt.longest_gap_s)
    tpot_s = attempt.tpot_s
    if tpot_s is not None:
        series.tpot(tpot_s)


def _record_usage(series: AttemptSeries, usage: Usage) -> None:
    if usage.input_tokens is not None:
        series.input(usage.input_tokens)
    if usage.output_tokens is not None:
        series.output(usage.output_tokens)
