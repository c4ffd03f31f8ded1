"""What a call asks of an endpoint: how long it may take, its chance to make it, and what it will take or cost.

What "latency" means is the call's priority, so these are the few places that look at it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Self

import msgspec
from msgspec.structs import replace

from ..router.request import DEFAULT_EXPECTED_TOKENS, Priority

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.statistics.outlook import Outlook
    from ..router.target import Target

MILLISECONDS = 1000.0
"""In a second."""

DEFAULT_SERVICE_S = 1.0
"""What a call is taken to occupy a slot for, where nothing is known of it."""

TTFT, THROUGHPUT = Priority.TTFT, Priority.THROUGHPUT
"""For the hot path: on Python 3.11 a look through the class takes ten times as long."""


class Ask(msgspec.Struct, frozen=True):
    """What a call asks of an endpoint. Equal asks have equal answers, so they can be remembered.

    within_s: seconds the call has, to its first token or to its end, by its priority. size: octave of its prompt.
    streamed: its first token can be seen. lengths: of its answer in tokens, equally likely; empty where only the first
    token matters. whole_s: seconds to its end, where it is the first token that is wanted soon and the end is promised
    as well; None: it is not.
    """

    within_s: float
    size: int
    streamed: bool
    lengths: tuple[int, ...]
    whole_s: float | None = None

    @classmethod
    def of(cls, call: Call, now_s: float) -> Self:
        """The seconds are those to the route's objective, counted from the call's arrival, or to its limit if nearer.

        They are rounded down to a millisecond, the resolution of what they are compared with.
        """
        priority, streamed = call.request.priority or call.route.priority, call.request.stream
        objective, began_s = call.route.objective, call.ledger.began_s
        if priority is not TTFT or not streamed:  # an answer in one piece begins when it is complete
            within_s = _left_s(call.deadline_s, began_s, objective.total_s, now_s)
            return cls(within_s, call.size, streamed, likely_lengths(call, priority, now_s))
        within_s = _left_s(call.start_by_s, began_s, objective.ttft_s, now_s)
        if objective.total_s is None:
            return cls(within_s, call.size, streamed, ())
        whole_s = _left_s(math.inf, began_s, objective.total_s, now_s)
        return cls(within_s, call.size, streamed, likely_lengths(call, priority, now_s), whole_s)

    def with_less(self, seconds: float) -> Ask:
        """The same ask with so much less time."""
        whole_s = None if self.whole_s is None else self.whole_s - seconds
        return replace(self, within_s=self.within_s - seconds, whole_s=whole_s)

    def chance(self, target: Target, now_s: float) -> float | None:
        """P(latency <= within_s) at this endpoint, 0..1, its queue reckoned in; None if nothing is known of it.

        Where the end is promised as well, the less of the two chances: what begins late seldom ends in time.
        """
        outlook, queue = target.outlook(now_s, self.size), queue_s(target, now_s)
        if not self._starts:
            return self._p_whole(outlook, self.within_s - queue)
        starts = outlook.p_first_token_within(self.within_s - queue)
        if self.whole_s is None or starts is None:
            return starts
        ends = self._p_whole(outlook, self.whole_s - queue)
        return starts if ends is None else min(starts, ends)

    def expected_s(self, target: Target, now_s: float) -> float:
        """Seconds the call may expect there, queue and failures of late reckoned in; infinite where unknown."""
        outlook = target.outlook(now_s, self.size)
        expected_s = self._undisturbed_s(outlook)
        return math.inf if expected_s is None else expected_s + outlook.failure_s + queue_s(target, now_s)

    def cost_s(self, target: Target, now_s: float) -> float:
        """What the call may expect there, and what it costs the calls that are under way there; for comparing."""
        outlook = target.outlook(now_s, self.size)
        return self.expected_s(target, now_s) + (outlook.ttft_s or 0.0) * (outlook.crowd.price - outlook.crowd.times)

    @property
    def _starts(self) -> bool:
        """Whether it is the first token that is wanted soon."""
        return not self.lengths or self.whole_s is not None

    def _p_whole(self, outlook: Outlook, within_s: float) -> float | None:
        p = outlook.p_tokens_within(within_s, self.lengths) if self.streamed else None
        return outlook.p_total_within(within_s) if p is None else p

    def _undisturbed_s(self, outlook: Outlook) -> float | None:
        if self._starts:
            return outlook.soon_s
        tokens_s = outlook.tokens_s(self.lengths) if self.streamed else None
        return outlook.total_s if tokens_s is None else tokens_s


def _left_s(until_s: float, began_s: float, promised_s: float | None, now_s: float) -> float:
    """Seconds to a limit, or to what was promised at the beginning if that is nearer."""
    if promised_s is not None and began_s + promised_s < until_s:
        until_s = began_s + promised_s
    return math.floor((until_s - now_s) * MILLISECONDS) / MILLISECONDS


def likely_lengths(call: Call, priority: Priority, now_s: float) -> tuple[int, ...]:
    """Lengths of the answer in tokens, equally likely, none above the call's cap.

    As the caller says; else, of a call that is after throughput, as long as is allowed; else as long as the route's
    answers have been; else 128 tokens, near the median of real conversations. A cap alone says little: many callers
    always give the same one.
    """
    cap = call.max_tokens
    given = call.request.expected_tokens
    if given is None and priority is THROUGHPUT:
        given = cap
    if given is None:
        learned = call.lengths.likely(now_s)
        if learned is not None:
            return learned if cap is None or learned[-1] <= cap else tuple(min(tokens, cap) for tokens in learned)
        given = DEFAULT_EXPECTED_TOKENS
    return (given if cap is None else min(given, cap),)


def queue_s(target: Target, now_s: float) -> float:
    """Seconds a call would wait for a slot there; 0.0 while one is free."""
    slots = target.slots
    if slots.limit is None or slots.used < slots.limit:
        return 0.0
    return slots.queue_delay_s(target.outlook(now_s).total_s or DEFAULT_SERVICE_S)


def sizes(call: Call, now_s: float) -> tuple[int, float]:
    """Tokens of the prompt and of the expected answer."""
    lengths = likely_lengths(call, call.request.priority or call.route.priority, now_s)
    return call.prompt_tokens, sum(lengths) / len(lengths)


def money(tokens: tuple[int, float], target: Target) -> float:
    """What a call of these `sizes` may be expected to cost there; infinite where a price is unknown."""
    endpoint = target.endpoint
    if endpoint.price_in_per_m is None or endpoint.price_out_per_m is None:
        return math.inf
    tokens_in, tokens_out = tokens
    return (tokens_in * endpoint.price_in_per_m + tokens_out * endpoint.price_out_per_m) / 1e6
