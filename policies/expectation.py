"""What a call may expect of an endpoint: how long it has, its chance to make it, and what it will take or cost.

What "latency" means here is the call's priority, so these are the few places that ask for it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..router.request import Priority, expected_tokens

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.target import Target

MILLISECOND_S = 0.001
DEFAULT_SERVICE_S = 1.0
"""What a call is taken to occupy a slot for, where nothing is known of it."""


def priority_of(call: Call) -> Priority:
    """What "fast" means for this call: the request's word, else the route's."""
    return call.request.priority or call.route.priority


def left_s(call: Call, now_s: float) -> float:
    """Seconds the call has: to its objective, counted from its arrival, or to its limit if that is nearer.

    Rounded down to a millisecond, the resolution of what it is compared with, so that equal questions are equal.
    """
    objective, to_first_token = call.route.objective, priority_of(call) is Priority.TTFT
    promised_s = objective.ttft_s if to_first_token else objective.total_s
    until_s = call.start_by_s if to_first_token else call.deadline_s
    if promised_s is not None:
        until_s = min(until_s, call.ledger.began_s + promised_s)
    return math.floor((until_s - now_s) / MILLISECOND_S) * MILLISECOND_S


def chance(call: Call, target: Target, within_s: float, now_s: float) -> float | None:
    """P(latency <= within_s) at this endpoint, 0..1, its queue reckoned in; None if nothing is known of it."""
    outlook = target.outlook(now_s)
    within_s -= queue_s(target, now_s)
    priority = priority_of(call)
    if priority is Priority.TTFT:
        return outlook.p_first_token_within(within_s)
    if priority is Priority.TOTAL:
        return outlook.p_total_within(within_s)
    return outlook.p_tokens_within(within_s, expected_tokens(call.request, call.max_tokens))


def expected_s(call: Call, target: Target, now_s: float) -> float:
    """Seconds the call may expect to take there, its queue and failures of late reckoned in; infinite if unknown."""
    outlook = target.outlook(now_s)
    priority = priority_of(call)
    if priority is Priority.TTFT:
        expected = outlook.ttft_s
    elif priority is Priority.TOTAL:
        expected = outlook.total_s
    else:
        expected = outlook.tokens_s(expected_tokens(call.request, call.max_tokens))
    return math.inf if expected is None else expected + outlook.failure_s + queue_s(target, now_s)


def queue_s(target: Target, now_s: float) -> float:
    """Seconds a call would wait for a slot there; 0.0 while one is free."""
    slots = target.slots
    if slots.limit is None or slots.in_flight < slots.limit:
        return 0.0
    return slots.queue_delay_s(target.outlook(now_s).total_s or DEFAULT_SERVICE_S)


def money(call: Call, target: Target) -> float:
    """What the call may be expected to cost there; infinite where a price is unknown."""
    endpoint = target.endpoint
    if endpoint.price_in_per_m is None or endpoint.price_out_per_m is None:
        return math.inf
    tokens_in = call.request.estimated_prompt_tokens()
    tokens_out = expected_tokens(call.request, call.max_tokens)
    return (tokens_in * endpoint.price_in_per_m + tokens_out * endpoint.price_out_per_m) / 1e6
