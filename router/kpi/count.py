"""Counting what ended and is not kept, in the middle of the call that has ended.

Nearly every call is answered by its first attempt, and little is to be counted of such a one: it is counted straight
from the ledger, in a third of the time. The others go the general way, by their counts; a test holds both ways to one
result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..events import ANSWERED
from ..ledger import OK
from ..statistics.size_class import size_class
from .account import is_in_time
from .counts import counts_of_attempt, counts_of_call

if TYPE_CHECKING:
    from ..events import AttemptEnded, CallEnded
    from .tally import AttemptTally, GroupTallies


def count_call(totals: GroupTallies, event: CallEnded) -> None:
    """One more call."""
    call = event.call
    ledger = call.ledger
    others = ledger.retries or ledger.models_left or ledger.hedges
    if event.outcome is not ANSWERED or len(ledger.attempts) != 1 or others:
        totals.count(counts_of_call(event))
        return
    attempt, cap = ledger.attempts[0], call.max_tokens
    group = (call.size >> 1, None if cap is None else size_class(cap))
    tally = totals.by_group.get(group) or totals.of(group)
    tally.answered += 1
    tally.attempts += 1
    tally.in_time += is_in_time(event, attempt)
    usage = attempt.usage
    if usage is None:
        tally.input_tokens += call.prompt_tokens
    else:
        tally.count_usage(attempt.endpoint, usage, call.prompt_tokens)


def count_attempt(totals: AttemptTally, event: AttemptEnded) -> None:
    """One more attempt."""
    attempt = event.attempt
    if attempt.outcome is not OK:
        totals.count(counts_of_attempt(event))
        return
    totals.answered += 1
    if attempt.usage is not None:
        totals.count_usage(attempt.endpoint, attempt.usage)
