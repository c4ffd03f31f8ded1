"""What a call asks of an endpoint: how long it may take, its chance to make it, and what it will take or cost.

What "latency" means is the call's priority, so these are the few places that look at it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Self

import msgspec

from ..router.request import Priority, expected_tokens

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.target import Target

MILLISECOND_S = 0.001

DEFAULT_SERVICE_S = 1.0
"""What a call is taken to occupy a slot for, where nothing is known of it."""


class Ask(msgspec.Struct, frozen=True):
    """What a call asks of an endpoint. Equal asks have equal answers, so they can be remembered.

    priority: what "fast" means. within_s: seconds the call has. size: class of its prompt. tokens: it expects; 0 where
    that does not matter.
    """

    priority: Priority
    within_s: float
    size: int
    tokens: int

    @classmethod
    def of(cls, call: Call, now_s: float) -> Self:
        """The seconds are those to the route's objective, counted from the call's arrival, or to its limit if nearer.

        They are rounded down to a millisecond, the resolution of what they are compared with.
        """
        priority = call.request.priority or call.route.priority
        if priority is Priority.TTFT and not call.request.stream:
            priority = Priority.TOTAL  # an answer in one piece begins when it is complete
        if priority is Priority.TTFT:
            until_s, promised_s = call.start_by_s, call.route.objective.ttft_s
        else:
            until_s, promised_s = call.deadline_s, call.route.objective.total_s
        if promised_s is not None:
            until_s = min(until_s, call.ledger.began_s + promised_s)
        tokens = expected_tokens(call.request, call.max_tokens) if priority is Priority.THROUGHPUT else 0
        return cls(priority, math.floor((until_s - now_s) / MILLISECOND_S) * MILLISECOND_S, call.size, tokens)

    def chance(self, target: Target, now_s: float) -> float | None:
        """P(latency <= within_s) at this endpoint, 0..1, its queue reckoned in; None if nothing is known of it."""
        outlook = target.outlook(now_s, self.size)
        within_s = self.within_s - queue_s(target, now_s)
        if self.priority is Priority.TTFT:
            return outlook.p_first_token_within(within_s)
        if self.priority is Priority.TOTAL:
            return outlook.p_total_within(within_s)
        return outlook.p_tokens_within(within_s, self.tokens)

    def expected_s(self, target: Target, now_s: float) -> float:
        """Seconds the call may expect there, queue and failures of late reckoned in; infinite where unknown."""
        outlook = target.outlook(now_s, self.size)
        if self.priority is Priority.TTFT:
            expected_s = outlook.ttft_s
        elif self.priority is Priority.TOTAL:
            expected_s = outlook.total_s
        else:
            expected_s = outlook.tokens_s(self.tokens)
        return math.inf if expected_s is None else expected_s + outlook.failure_s + queue_s(target, now_s)


def queue_s(target: Target, now_s: float) -> float:
    """Seconds a call would wait for a slot there; 0.0 while one is free."""
    slots = target.slots
    if slots.limit is None or slots.used < slots.limit:
        return 0.0
    return slots.queue_delay_s(target.outlook(now_s).total_s or DEFAULT_SERVICE_S)


def sizes(call: Call) -> tuple[int, int]:
    """Tokens of the prompt and of the expected answer."""
    return call.prompt_tokens, expected_tokens(call.request, call.max_tokens)


def money(tokens: tuple[int, int], target: Target) -> float:
    """What a call of these `sizes` may be expected to cost there; infinite where a price is unknown."""
    endpoint = target.endpoint
    if endpoint.price_in_per_m is None or endpoint.price_out_per_m is None:
        return math.inf
    tokens_in, tokens_out = tokens
    return (tokens_in * endpoint.price_in_per_m + tokens_out * endpoint.price_out_per_m) / 1e6
