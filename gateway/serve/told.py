"""What the headers of an answer tell of how it came about, and how much of its time was ours."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from multidict import CIMultiDict

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


def story(call: Call, began_s: float, now_s: float, *, streamed: bool) -> CIMultiDict[str]:
    """The headers of an answer: who gives it, after how many tries, and what the gateway took of the time until now.

    *streamed*: it is a stream, and not JSON.
    """
    ledger, attempt = call.ledger, speaker(call)
    tries = str(len(ledger.attempts)), str(len(ledger.models_left))
    if attempt is None:
        told = _of_no_one(call.route.name, *tries, streamed=streamed).copy()
    else:
        endpoint = attempt.endpoint
        region = attempt.served_region or endpoint.region
        who = endpoint.name, region, endpoint.model
        told = _of(who, call.route.name, *tries, streamed=streamed).copy()
    told["x-paceline-gateway-ms"] = f"{own_s(call, began_s, now_s) * 1000:.3f}"
    return told


@lru_cache(maxsize=1024)
def _of(who: tuple[str, str, str], route: str, attempts: str, fallbacks: str, /, *, streamed: bool) -> CIMultiDict[str]:
    """What is the same for most calls of a route: to be copied, not changed."""
    told = _of_no_one(route, attempts, fallbacks, streamed=streamed).copy()
    endpoint, region, model = who
    told["x-paceline-endpoint"] = in_a_header(endpoint)
    told["x-paceline-region"] = in_a_header(region)
    told["x-paceline-model"] = in_a_header(model)
    return told


@lru_cache(maxsize=1024)
def _of_no_one(route: str, attempts: str, fallbacks: str, /, *, streamed: bool) -> CIMultiDict[str]:
    told = CIMultiDict(OF_A_STREAM if streamed else OF_JSON)
    told["x-paceline-route"] = in_a_header(route)
    told["x-paceline-attempts"] = attempts
    told["x-paceline-fallbacks"] = fallbacks
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
    ended_s = first.finished_s or first.last_progress_s or now_s
    if len(attempts) > 1:
        ended_s = max((attempt.finished_s or attempt.last_progress_s or now_s) for attempt in attempts)
    own = now_s - ended_s if ended_s < now_s else 0.0
    return own + before_s if before_s > 0.0 else own


@lru_cache(maxsize=1024)
def in_a_header(text: str) -> str:
    """A name from the configuration, in characters that a header may have."""
    return quote(text, safe=" !#$&'()*+,-./:;<=>?@[]^_`{|}~")
