"""Pick one endpoint by load, and hold a slot of it until the last byte.

Outer policies say which endpoints are as good as one another. Among those the *power of two choices* decides: draw two
at random, take the one that costs less. It needs no global view, spreads load nearly as evenly as looking at all, and
unlike "always the best" it does not send everybody to the winner of the moment. Its cost is the expected first token
times the calls already in flight there, so that a busy endpoint has to be that much faster.

An endpoint of which nothing was seen yet is no bargain: it gets a few calls at a time until it has answered one. (A
router that scores the unknown as fast sends it everyone at once.) Nor is one that fails at once and so has nothing in
flight: endpoints of whose last calls most have failed are used only when there is no other.

Endpoints above 95 % load are passed over while others are free, the tied ones first, then the rest in order of
preference. When all are full the call waits for a slot, as long as its deadline allows and no longer, in the queue that
promises to be the shortest. Innermost of all policies, so that each attempt holds its own slot.

Sources: Mitzenmacher, "The power of two choices" (1996); the load of Finagle's PeakEwma (cost times pending).
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, ClassVar

import attrs

from ..router import check
from ..router.errors import NoEndpoint, Overloaded
from ..router.pipeline import Layer
from .expectation import queue_s
from .gate import without_gated

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.pipeline import Emit, Handler
    from ..router.slots import Lease
    from ..router.statistics.outlook import Outlook
    from ..router.target import Target


ALIKE = 0.95
"""Costs this close are a tie, and chance decides: they are estimates, and herds follow small differences."""

MOSTLY_FAILING = 0.5
"""Share of its last calls that failed, from which on an endpoint is a last resort. Four failures in a row get there."""


@attrs.frozen(kw_only=True)
class Slots:
    """Power of two choices, and a slot on the winner.

    full_above: load, as a share of the slots, above which an endpoint is passed over. Default 0.95; above 0, up to 1.
    max_wait_s: seconds to wait for a slot when all are taken. Default 2.0; must not be negative; 0 sheds at once.
        What is left until the answer must have started takes precedence when it is less.
    probes: calls that may be under way to an endpoint nothing was seen of, while others are known. Default 1.

    Raises `Overloaded` when no slot came free in time, `Gated` when every endpoint has asked to be left alone.
    """

    layer: ClassVar[Layer] = Layer.SLOT

    full_above: float = attrs.field(default=0.95, validator=check.share)
    max_wait_s: float = attrs.field(default=2.0, validator=check.at_least_zero)
    probes: int = attrs.field(default=1, validator=check.count(1))

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        if not call.candidates:
            raise NoEndpoint("no candidate is left to take a slot of")
        if call.lease is not None:  # a second leg comes with its slot
            await next(call, emit)
            return
        now_s = call.clock()
        call = without_gated(call, now_s)
        target = self._pick(call, now_s)
        lease = None if target is None else target.slots.try_acquire()
        if target is None or lease is None:
            target, lease = await self._wait(call)
        call.ledger.note(now_s, "Slots", "%s, %d in flight", target.name, target.slots.in_flight)
        with lease:
            await next(call.with_(candidates=(target,), lease=lease), emit)

    async def _wait(self, call: Call) -> tuple[Target, Lease]:
        """A slot of the endpoint whose queue promises to be the shortest, or of any that is free in the end."""
        now_s = call.clock()
        until_s = min(now_s + self.max_wait_s, call.start_by_s)
        queues = [target for target in call.candidates if target.slots.has_queue_room] or call.candidates
        known = [target for target in queues if target.outlook(now_s, call.size).known]
        target = min(known or queues, key=lambda candidate: queue_s(candidate, now_s))
        call.note("Slots", "no slot is to be had; waits for %s, %.3f s at most", target.name, until_s - now_s)
        lease = await target.slots.acquire(until_s)
        if lease is not None:
            return target, lease
        if call.clock() < call.start_by_s:
            for other in call.candidates:
                lease = other.slots.try_acquire()
                if lease is not None:
                    return other, lease
        raise Overloaded(
            f"no slot came free in {call.clock() - now_s:.3f} s "
            f"({target.in_flight} in flight, {target.slots.waiting} waiting)",
            endpoint=target.name,
        )

    def _pick(self, call: Call, now_s: float) -> Target | None:
        """The endpoint to take a slot of; None if it is better to wait for one."""
        candidates = call.candidates
        first, second = draw_two(call.tied, call.dice)
        chosen = self._cheaper(call, candidates[first], candidates[second], now_s)
        if chosen is not None:
            return chosen
        return (
            self._pick_from(
                call,
                [target for target in candidates if self._is_good(target, target.outlook(now_s, call.size))],
                now_s,
            )
            or self._pick_from(
                call,
                [target for target in candidates if self._can_take(target, target.outlook(now_s, call.size))],
                now_s,
            )
            or self._when_nobody_is_known(call, now_s)
        )

    def _cheaper(self, call: Call, one: Target, other: Target, now_s: float) -> Target | None:
        """The one of two that costs the call less, *one* if they cost the same; None unless both are good."""
        one_outlook, other_outlook = one.outlook(now_s, call.size), other.outlook(now_s, call.size)
        if not (self._is_good(one, one_outlook) and self._is_good(other, other_outlook)):
            return None
        return self._cheaper_of(call, one, other, now_s)

    @staticmethod
    def _cheaper_of(call: Call, one: Target, other: Target, now_s: float) -> Target:
        one_cost = cost(call, one, one.outlook(now_s, call.size))
        return other if cost(call, other, other.outlook(now_s, call.size)) < one_cost * ALIKE else one

    def _pick_from(self, call: Call, able: list[Target], now_s: float) -> Target | None:
        """The cheaper of two among the tied ones that are able; failing that, the first of the others that is."""
        tied = set(call.candidates[: call.tied])
        equals = [target for target in able if target in tied]
        if equals:
            first, second = draw_two(len(equals), call.dice)
            return self._cheaper_of(call, equals[first], equals[second], now_s)
        return able[0] if able else None

    def _when_nobody_is_known(self, call: Call, now_s: float) -> Target | None:
        """Nobody knows anybody, and every probe is out: spread what comes over all."""
        if any(target.outlook(now_s, call.size).known for target in call.candidates):
            return None
        return min(filter(self._has_room, call.candidates), key=lambda target: target.in_flight, default=None)

    def _is_good(self, target: Target, outlook: Outlook) -> bool:
        return outlook.failing < MOSTLY_FAILING and self._can_take(target, outlook)

    def _can_take(self, target: Target, outlook: Outlook) -> bool:
        return (outlook.known or target.slots.in_flight < self.probes) and self._has_room(target)

    def _has_room(self, target: Target) -> bool:
        slots = target.slots
        limit = slots.limit
        return limit is None or (slots.in_flight <= limit * self.full_above and slots.has_room)


def draw_two(count: int, dice: random.Random) -> tuple[int, int]:
    """Two different places below *count*, every pair and order equally likely; 0 and 0 if there is only one."""
    if count < 2:
        return 0, 0
    first = int(dice.random() * count)
    second = int(dice.random() * (count - 1))
    return first, second if second != first else count - 1


def cost(call: Call, target: Target, outlook: Outlook) -> float:
    """Expected seconds times the calls that would be in flight; an endpoint of which nothing is believed goes first.

    The seconds are to the first token, or to the end where the answer is asked for in one piece.
    """
    expected_s = outlook.ttft_s if call.request.stream else outlook.total_s
    return ((expected_s or 0.0) + outlook.failure_s) * (target.slots.in_flight + 1)
