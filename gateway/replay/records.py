"""A call that has ended, as it is recorded. Replayed calls are told in the same way, so that both can be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...router import CallOutcome, Outcome
from ...router.kpi.account import cost
from .recording import AttemptRecord, CallRecord

if TYPE_CHECKING:
    from ...router import Attempt, CallEnded, Ledger

DIGITS = 6
"""Microseconds: finer, a line would be a third longer and say no more."""


def call_record(event: CallEnded, began_s: float, *, decisions: bool) -> CallRecord:
    """What became of a call. began_s: the beginning of the recording, on the router's clock.

    Attempts that go on after it, as losers of a race may, are told as cut off here.
    """
    call, ledger = event.call, event.call.ledger
    request, arrived_s = call.request, ledger.began_s
    answered = event.outcome is CallOutcome.ANSWERED
    attempt = ledger.answered_by if answered else None
    total_s = event.at_s - arrived_s
    spoke_s = None if attempt is None or not attempt.streamed else ledger.spoke_s(attempt)
    ttft_s = None if spoke_s is None else spoke_s - arrived_s
    first_s = total_s if ttft_s is None else ttft_s
    return CallRecord(
        at_s=round(arrived_s - began_s, DIGITS),
        route=call.route.name,
        outcome=event.outcome.value,
        total_s=round(total_s, DIGITS),
        budget_s=round(call.deadline_s - arrived_s, DIGITS),
        prompt_tokens=call.prompt_tokens,
        model=request.model,
        reason=event.reason,
        tokens_out=None if attempt is None or attempt.usage is None else attempt.usage.output_tokens,
        max_tokens=request.max_tokens,
        priority=None if request.priority is None else request.priority.value,
        urgency=None if request.urgency is None else request.urgency.value,
        min_quality=request.min_quality,
        residency=None if request.residency is None else tuple(sorted(request.residency)),
        location=request.location,
        streamed=ledger.streamed,
        asks_stream=request.stream,
        ttft_s=None if ttft_s is None else round(ttft_s, DIGITS),
        in_time=answered and call.route.objective.met_by(first_s, total_s),
        cost=round(sum(cost(attempt.endpoint, attempt.usage) or 0.0 for attempt in ledger.attempts), 9),
        hedges=ledger.hedges,
        retries=tuple(ledger.retries),
        fallbacks=len(ledger.models_left),
        attempts=tuple(_attempt_record(each, ledger, event.at_s) for each in ledger.attempts),
        decisions=tuple(map(str, ledger.decisions)) if decisions else (),
        operation=request.operation.value,
    )


def _attempt_record(attempt: Attempt, ledger: Ledger, now_s: float) -> AttemptRecord:
    usage, error = attempt.usage, attempt.error
    ended_s = now_s if attempt.finished_s is None else attempt.finished_s
    outcome = Outcome.CANCELLED if attempt.outcome is Outcome.RUNNING else attempt.outcome
    return AttemptRecord(
        endpoint=attempt.endpoint.name,
        at_s=round(attempt.sent_s - ledger.began_s, DIGITS),
        outcome=outcome.value,
        total_s=round(ended_s - attempt.sent_s, DIGITS),
        reason=None if error is None else error.reason,
        in_flight=attempt.in_flight,
        slot_wait_s=round(attempt.slot_wait_s, DIGITS),
        streamed=attempt.streamed,
        hedge=attempt.hedge,
        ttft_s=None if attempt.ttft_s is None else round(attempt.ttft_s, DIGITS),
        tpot_s=None if attempt.tpot_s is None else round(attempt.tpot_s, DIGITS + 2),
        tokens_in=None if usage is None else usage.input_tokens,
        tokens_out=None if usage is None else usage.output_tokens,
        retry_after_s=None if error is None else error.retry_after_s,
    )
