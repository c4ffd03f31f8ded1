"""What is counted of a call or an attempt, without the rest of its row.

On a busy route most rows are left out of the history and only counted, and for that the times, which are most of the
work of making a row, are not needed. A row has all of these fields too, and is counted by the same code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ..events import CallOutcome
from ..ledger import Outcome
from ..statistics.size_class import class_of
from .account import answering, cost, is_in_time, reason_of_attempt, reason_of_call, retried_from, spent, tokens_of

if TYPE_CHECKING:
    from ..events import AttemptEnded, CallEnded


class CallCounts(msgspec.Struct, frozen=True):
    """The fields of `CallRow` that are counted."""

    outcome: CallOutcome
    reason: str | None
    size: int
    cap: int | None
    input_tokens: int
    output_tokens: int | None
    attempts: int
    retries: tuple[str, ...]
    retried_from: tuple[str | None, ...]
    fallbacks: int
    hedges: int
    timeouts: int
    in_time: bool
    cost: float | None


class AttemptCounts(msgspec.Struct, frozen=True):
    """The fields of `AttemptRow` that are counted."""

    outcome: Outcome
    reason: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost: float | None


def counts_of_call(event: CallEnded) -> CallCounts:
    """What is counted of a call."""
    call, outcome = event.call, event.outcome
    ledger, answered = call.ledger, outcome is CallOutcome.ANSWERED
    attempt = answering(ledger, answered=answered)
    tokens_in, tokens_out = tokens_of(call, None if attempt is None else attempt.usage)
    timeouts, money = spent(ledger.attempts)
    return CallCounts(
        outcome,
        reason_of_call(event),
        class_of(call.size),
        call.max_tokens,
        tokens_in,
        tokens_out,
        len(ledger.attempts),
        tuple(ledger.retries),
        retried_from(ledger) if ledger.retries else (),
        len(ledger.models_left),
        ledger.hedges,
        timeouts,
        attempt is not None and answered and is_in_time(event, attempt),
        money,
    )


def counts_of_attempt(event: AttemptEnded) -> AttemptCounts:
    """What is counted of an attempt."""
    attempt = event.attempt
    usage = attempt.usage
    return AttemptCounts(
        attempt.outcome,
        reason_of_attempt(attempt),
        None if usage is None else usage.input_tokens,
        None if usage is None else usage.output_tokens,
        cost(attempt.endpoint, usage),
    )
