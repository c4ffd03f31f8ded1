"""What the headers of an answer tell of how it came about, and how much of its time was ours."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from ...router.ledger import Outcome

if TYPE_CHECKING:
    from ...router import Attempt, Call

PLAIN = {
    "Server": "paceline",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
"""On every answer: what no browser may keep or take for something else."""

OF_A_STREAM = {
    **PLAIN,
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-store, no-transform",
    "X-Accel-Buffering": "no",
}
"""Proxies in between must pass on what comes as it comes."""

OF_JSON = {**PLAIN, "Content-Type": "application/json"}


def story(call: Call, began_s: float, now_s: float) -> dict[str, str]:
    """Who answers, after how many tries, and what the gateway took of the time until now."""
    ledger = call.ledger
    told = {
        "x-paceline-route": in_a_header(call.route.name),
        "x-paceline-attempts": str(len(ledger.attempts)),
        "x-paceline-fallbacks": str(len(ledger.models_left)),
        "x-paceline-gateway-ms": f"{own_s(call, began_s, now_s) * 1000:.3f}",
    }
    attempt = speaker(call)
    if attempt is not None:
        endpoint = attempt.endpoint
        told["x-paceline-endpoint"] = in_a_header(endpoint.name)
        told["x-paceline-region"] = in_a_header(attempt.served_region or endpoint.region)
        told["x-paceline-model"] = in_a_header(endpoint.model)
    return told


def speaker(call: Call) -> Attempt | None:
    """The attempt whose answer the client has or is getting; of none, the last one; None if none was made."""
    ledger = call.ledger
    answered = ledger.answered_by
    if answered is not None:
        return answered
    for attempt in reversed(ledger.attempts):
        if attempt.outcome is Outcome.RUNNING and attempt.first_event_s is not None:
            return attempt
    return ledger.attempts[-1] if ledger.attempts else None


def own_s(call: Call, began_s: float, now_s: float) -> float:
    """Seconds that were the gateway's own: before the first try was sent, and after the last was over.

    Waiting for a slot is not among them, nor what lies between two tries: that is the fleet's.
    """
    attempts = call.ledger.attempts
    if not attempts:
        return max(0.0, now_s - began_s)
    first = attempts[0]
    before_s = first.sent_s - began_s - first.slot_wait_s
    ended_s = max((attempt.finished_s or attempt.last_progress_s or now_s) for attempt in attempts)
    return max(0.0, before_s) + max(0.0, now_s - ended_s)


@lru_cache(maxsize=1024)
def in_a_header(text: str) -> str:
    """A name from the configuration, in characters that a header may have."""
    return quote(text, safe=" !#$&'()*+,-./:;<=>?@[]^_`{|}~")
