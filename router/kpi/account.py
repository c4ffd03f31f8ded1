"""Where the time and the money of a call went: a finished call, or an attempt, made into its row.

A call is cut at the marks of the attempt that answered it:

    arrival ... slot wanted ... sent ... connected ... first progress ... end
       elsewhere_s    slot_wait_s  connect_s  first_token_s  generation_s

The marks are rounded to a grid of 2^-30 s, about a nanosecond, before their differences are taken. Sums and differences
of such numbers are exact in any order, as long as they stay below 2^23 s; those of other floats are not.

Attempts may overlap, as hedged ones do, and end after their call: only the one that answered is cut, and what went on
before it, or beside it, is ``elsewhere_s``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..events import CallOutcome
from ..ledger import Outcome
from .row import AttemptRow, CallRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..chunk import Usage
    from ..endpoint import Endpoint
    from ..events import AttemptEnded, CallEnded
    from ..ledger import Attempt, Ledger

UNTOLD = "failed"
"""The reason of a failure that has none of its own."""

TOKENS_A_PRICE = 1_000_000

_SNAP_S = 1.5 * 2.0**22
"""Floats around this number lie 2^-30 apart: adding it rounds to the grid, and taking it away again is exact."""


def of_call(event: CallEnded) -> CallRow:
    """The row of a call."""
    call, outcome = event.call, event.outcome
    ledger, answered = call.ledger, outcome is CallOutcome.ANSWERED
    attempt = ledger.answered_by if answered else None
    if attempt is None and ledger.attempts:
        attempt = ledger.attempts[-1]
    total_s = event.at_s - ledger.began_s + _SNAP_S - _SNAP_S
    reason = event.reason or UNTOLD if outcome is CallOutcome.FAILED else None
    if attempt is None:
        return CallRow(
            ended_s=event.at_s,
            outcome=outcome,
            reason=reason,
            size=call.size,
            cap=call.max_tokens,
            total_s=total_s,
            elsewhere_s=total_s,
            input_tokens=call.prompt_tokens,
            attempts=0,
            fallbacks=len(ledger.models_left),
            in_time=False,
        )
    wanted_s, sent_s, connected_s, first_s, stopped_s = marks(attempt, ledger.began_s, total_s, answered=answered)
    endpoint, usage = attempt.endpoint, attempt.usage
    told_in = None if usage is None else usage.input_tokens
    generation_s = stopped_s - first_s
    spoke = answered and attempt.streamed and attempt.first_progress_s is not None
    return CallRow(
        ended_s=event.at_s,
        outcome=outcome,
        reason=reason,
        endpoint=endpoint.name,
        model=endpoint.model,
        region=endpoint.region,
        size=call.size,
        cap=call.max_tokens,
        ttft_s=first_s if spoke else None,
        total_s=total_s,
        elsewhere_s=wanted_s + (total_s - stopped_s),
        slot_wait_s=sent_s - wanted_s,
        connect_s=connected_s - sent_s,
        first_token_s=first_s - connected_s,
        generation_s=generation_s,
        tpot_s=attempt.tpot_s,
        input_tokens=call.prompt_tokens if told_in is None else told_in,
        cached_tokens=None if usage is None else usage.cached_tokens,
        output_tokens=None if usage is None else usage.output_tokens,
        keepalives=attempt.keepalives,
        held_s=min(attempt.held_s, generation_s),
        attempts=len(ledger.attempts),
        retries=tuple(ledger.retries),
        retried_from=retried_from(ledger) if ledger.retries else (),
        fallbacks=len(ledger.models_left),
        hedges=ledger.hedges,
        timeouts=timeouts(ledger.attempts),
        in_time=answered and call.route.objective.met_by(first_s, total_s),
        cost=cost_of_all(ledger.attempts),
    )


def of_attempt(event: AttemptEnded) -> AttemptRow:
    """The row of an attempt."""
    attempt = event.attempt
    outcome, usage, error = attempt.outcome, attempt.usage, attempt.error
    reason = None if error is None else error.reason
    if error is None and outcome is Outcome.TIMED_OUT:
        reason = "deadline"
    elif error is None and outcome is Outcome.FAILED:
        reason = UNTOLD
    return AttemptRow(
        ended_s=event.at_s,
        endpoint=attempt.endpoint.name,
        outcome=outcome,
        reason=reason,
        size=attempt.size,
        slot_wait_s=attempt.slot_wait_s,
        ttft_s=attempt.ttft_s if attempt.streamed else None,
        total_s=event.at_s - attempt.sent_s,
        held_s=attempt.held_s,
        tpot_s=attempt.tpot_s,
        input_tokens=None if usage is None else usage.input_tokens,
        output_tokens=None if usage is None else usage.output_tokens,
        cost=cost(attempt.endpoint, usage),
    )


def marks(
    attempt: Attempt, began_s: float, total_s: float, *, answered: bool
) -> tuple[float, float, float, float, float]:
    """When its slot was wanted, it was sent, connected, spoke and stopped: seconds since arrival, never falling.

    total_s: where the last one ends at the latest, on the grid. An attempt that answered stops with its call; one that
    was not streamed, or never spoke, is taken to speak when it stops.
    """
    stopped_s = total_s
    if not answered and attempt.finished_s is not None:
        stopped_s = min(attempt.finished_s - began_s + _SNAP_S - _SNAP_S, total_s)
    first_s = stopped_s
    if attempt.first_progress_s is not None and attempt.streamed:
        first_s = min(attempt.first_progress_s - began_s + _SNAP_S - _SNAP_S, stopped_s)
    after_s = attempt.sent_s - began_s
    sent_s = min(after_s + _SNAP_S - _SNAP_S, first_s)
    connected_s = sent_s
    if attempt.connect_s is not None:
        connected_s = min(after_s + attempt.connect_s + _SNAP_S - _SNAP_S, first_s)
    wanted_s = sent_s
    if attempt.slot_wait_s:
        wanted_s = min(max(after_s - attempt.slot_wait_s + _SNAP_S - _SNAP_S, 0.0), sent_s)
    return wanted_s, sent_s, connected_s, first_s, stopped_s


def retried_from(ledger: Ledger) -> tuple[str | None, ...]:
    """The endpoint behind each retry: the next one in order that failed for that reason and was not its model's last.

    A fallback leaves a model after its last attempt, so that one made no retry.
    """
    last = {attempt.endpoint.model: attempt for attempt in ledger.attempts}
    causes = [attempt for attempt in ledger.attempts if attempt is not last[attempt.endpoint.model]]
    found: list[str | None] = []
    for reason in ledger.retries:
        failed = (at for at, attempt in enumerate(causes) if _failed_of(attempt, reason))
        at = next(failed, None)
        found.append(None if at is None else causes[at].endpoint.name)
        causes = causes if at is None else causes[at + 1 :]
    return tuple(found)


def _failed_of(attempt: Attempt, reason: str) -> bool:
    return attempt.error is not None and attempt.error.reason == reason


def timeouts(attempts: Sequence[Attempt]) -> int:
    """Attempts that ran into a limit."""
    count = 0
    for attempt in attempts:
        if attempt.outcome is Outcome.TIMED_OUT:
            count += 1
    return count


def cost_of_all(attempts: Sequence[Attempt]) -> float | None:
    """Money for every attempt of which it is known; None if it is of none."""
    total: float | None = None
    for attempt in attempts:
        money = cost(attempt.endpoint, attempt.usage)
        if money is not None:
            total = money if total is None else total + money
    return total


def cost(endpoint: Endpoint, usage: Usage | None) -> float | None:
    """Money for these tokens; None unless both prices and both counts are known. Cached tokens at the full price."""
    price_in, price_out = endpoint.price_in_per_m, endpoint.price_out_per_m
    if price_in is None or price_out is None or usage is None:
        return None
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    return (usage.input_tokens * price_in + usage.output_tokens * price_out) / TOKENS_A_PRICE
