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

import msgspec

from ..events import ANSWERED, CallOutcome
from ..ledger import OK, TIMED_OUT, Outcome
from ..statistics.size_class import class_of
from .row import AttemptRow, CallRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..call import Call
    from ..chunk import Usage
    from ..endpoint import Endpoint
    from ..events import AttemptEnded, CallEnded
    from ..ledger import Attempt, Ledger

FAILED = CallOutcome.FAILED

UNTOLD = "failed"
"""The reason of a failure that has none of its own."""

TOKENS_A_PRICE = 1_000_000

_SNAP_S = 1.5 * 2.0**22
"""Floats around this number lie 2^-30 apart: adding it rounds to the grid, and taking it away again is exact.

Both are written out wherever a mark is taken: a function for it would take longer than it does.
"""

_encode = msgspec.msgpack.Encoder().encode


def pack_call(event: CallEnded) -> bytes:
    """The row of a call, packed: the fields of `CallRow` in their order, as msgpack.

    Made without the row itself, which is wanted later, if ever, and would double the cost.
    """
    call, outcome = event.call, event.outcome
    ledger, answered = call.ledger, outcome is ANSWERED
    attempts, attempt = ledger.attempts, answering(ledger, answered=answered)
    reason = reason_of_call(event)
    total_s = event.at_s - ledger.began_s + _SNAP_S - _SNAP_S
    if attempt is None:
        return _encode((
            event.at_s, outcome, reason, None, None, None, class_of(call.size), call.max_tokens, None, total_s,
            total_s, 0.0, 0.0, 0.0, 0.0, None, None,  # elsewhere from beginning to end
            call.prompt_tokens, None, None, 0, 0.0,
            0, ledger.retries, retried_from(ledger), len(ledger.models_left), ledger.hedges, 0, False, None,
        ))  # fmt: skip
    endpoint, usage = attempt.endpoint, attempt.usage
    wanted_s, sent_s, connected_s, first_s, stopped_s = marks(attempt, ledger.began_s, total_s, answered=answered)
    generation_s = stopped_s - first_s
    spoke = answered and attempt.streamed and attempt.first_progress_s is not None
    heard_s = heard_after_s(ledger, attempt, first_s)
    tokens_in, tokens_out = tokens_of(call, usage)
    timeouts, money = spent(attempts)
    return _encode((
        event.at_s, outcome, reason, endpoint.name, endpoint.model, endpoint.region,
        class_of(call.size), call.max_tokens, heard_s if spoke else None, total_s,
        wanted_s + (total_s - stopped_s), sent_s - wanted_s, connected_s - sent_s, first_s - connected_s, generation_s,
        attempt.tpot_s, None if attempt.processing_s is None else way_there(attempt, first_s - connected_s),
        tokens_in, None if usage is None else usage.cached_tokens, tokens_out,
        attempt.keepalives, min(attempt.held_s, generation_s),
        len(attempts), ledger.retries, retried_from(ledger) if ledger.retries else (), len(ledger.models_left),
        ledger.hedges, timeouts, answered and call.route.objective.met_by(heard_s, total_s), money,
    ))  # fmt: skip


def pack_attempt(event: AttemptEnded) -> bytes:
    """The row of an attempt, packed: the fields of `AttemptRow` in their order."""
    attempt = event.attempt
    usage = attempt.usage
    return _encode((
        event.at_s, attempt.endpoint.name, attempt.outcome, reason_of_attempt(attempt),
        class_of(attempt.size), attempt.slot_wait_s,
        attempt.ttft_s if attempt.streamed else None, event.at_s - attempt.sent_s, attempt.held_s, attempt.tpot_s,
        None if usage is None else usage.input_tokens, None if usage is None else usage.output_tokens,
        cost(attempt.endpoint, usage),
    ))  # fmt: skip


def answering(ledger: Ledger, *, answered: bool) -> Attempt | None:
    """The attempt that answered; of a call without an answer, its last one."""
    attempt = ledger.attempts[-1] if ledger.attempts else None
    if answered and attempt is not None and attempt.outcome is not OK:
        return ledger.answered_by
    return attempt


def is_in_time(event: CallEnded, attempt: Attempt) -> bool:
    """Whether a call that *attempt* answered was within its objective."""
    began_s = event.call.ledger.began_s
    total_s = event.at_s - began_s + _SNAP_S - _SNAP_S
    first_s = total_s
    if attempt.first_progress_s is not None and attempt.streamed:
        first_s = min(attempt.first_progress_s - began_s + _SNAP_S - _SNAP_S, total_s)
    ledger = event.call.ledger
    heard_s = heard_after_s(ledger, attempt, first_s) if ledger.spliced else first_s
    return event.call.route.objective.met_by(heard_s, total_s)


def heard_after_s(ledger: Ledger, attempt: Attempt, first_s: float) -> float:
    """When the caller heard the first progress, in seconds since arrival: *first_s*, or that of an earlier leg."""
    if not ledger.spliced:
        return first_s
    return min(first_s, (ledger.spoke_s(attempt) or attempt.sent_s) - ledger.began_s + _SNAP_S - _SNAP_S)


def reason_of_call(event: CallEnded) -> str | None:
    """Of a failure, one word."""
    return event.reason or UNTOLD if event.outcome is FAILED else None


def reason_of_attempt(attempt: Attempt) -> str | None:
    """Of a failure or timeout, one word."""
    if attempt.error is not None:
        return attempt.error.reason
    if attempt.outcome is TIMED_OUT:
        return "deadline"
    return UNTOLD if attempt.outcome is Outcome.FAILED else None


def tokens_of(call: Call, usage: Usage | None) -> tuple[int, int | None]:
    """Tokens in, as the vendor says, else as the request does; and tokens out, as the vendor says."""
    if usage is None:
        return call.prompt_tokens, None
    return call.prompt_tokens if usage.input_tokens is None else usage.input_tokens, usage.output_tokens


def of_call(event: CallEnded) -> CallRow:
    """The row of a call."""
    return msgspec.msgpack.decode(pack_call(event), type=CallRow)


def of_attempt(event: AttemptEnded) -> AttemptRow:
    """The row of an attempt."""
    return msgspec.msgpack.decode(pack_attempt(event), type=AttemptRow)


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
    wanted_s = connected_s = sent_s = min(after_s + _SNAP_S - _SNAP_S, first_s)
    if attempt.connect_s is not None:
        connected_s = min(after_s + attempt.connect_s + _SNAP_S - _SNAP_S, first_s)
    if attempt.slot_wait_s:
        wanted_s = min(max(after_s - attempt.slot_wait_s + _SNAP_S - _SNAP_S, 0.0), sent_s)
    return wanted_s, sent_s, connected_s, first_s, stopped_s


def way_there(attempt: Attempt, first_token_s: float) -> float:
    """What of the wait for the first token was the network's, as the vendor's own time tells."""
    network_s = (attempt.network_s or 0.0) - (attempt.connect_s or 0.0)
    return min(max(0.0, network_s), first_token_s)


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


def spent(attempts: Sequence[Attempt]) -> tuple[int, float | None]:
    """How many ran into a limit, and the money for all of which it is known; None if it is of none."""
    timeouts, total = 0, None
    for attempt in attempts:
        if attempt.outcome is TIMED_OUT:
            timeouts += 1
        money = cost(attempt.endpoint, attempt.usage)
        if money is not None:
            total = money if total is None else total + money
    return timeouts, total


def cost(endpoint: Endpoint, usage: Usage | None) -> float | None:
    """Money for these tokens; None unless both prices and both counts are known. Cached tokens at the full price."""
    price_in, price_out = endpoint.price_in_per_m, endpoint.price_out_per_m
    if price_in is None or price_out is None or usage is None:
        return None
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    return (usage.input_tokens * price_in + usage.output_tokens * price_out) / TOKENS_A_PRICE
