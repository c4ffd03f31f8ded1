"""The little of a call that the watches look at, for a router that keeps no history of calls."""

from __future__ import annotations

from ..events import CallEnded, CallOutcome
from .row import CallRow


def glimpse(event: CallEnded) -> CallRow:
    """When and how the call ended, its times, its prompt and its retries; all else is left at its default."""
    ledger, outcome = event.call.ledger, event.outcome
    attempt = ledger.answered_by if outcome is CallOutcome.ANSWERED else None
    ttft_s, input_tokens = None, None
    if attempt is not None:
        spoke_s = ledger.spoke_s(attempt)
        if attempt.streamed and spoke_s is not None:
            ttft_s = spoke_s - ledger.began_s
        if attempt.usage is not None:
            input_tokens = attempt.usage.input_tokens
    return CallRow(
        ended_s=event.at_s,
        outcome=outcome,
        ttft_s=ttft_s,
        total_s=event.at_s - ledger.began_s,
        input_tokens=event.call.prompt_tokens if input_tokens is None else input_tokens,
        retries=tuple(ledger.retries),
    )
