"""Pick one endpoint, and hold a slot of it until the last byte.

Outer policies say which endpoints are as good as one another. Among those a *balancer* picks, by default the power of
two choices: it draws two at random and takes the one that costs less. What may be picked is this policy's to say:

* An endpoint of which nothing was seen yet is no bargain: it gets a few calls at a time until it has answered one. (A
  router that scores the unknown as fast sends it everyone at once.)
* Nor is one that fails at once and so has nothing in flight: endpoints of whose last calls most have failed are used
  only when there is no other.
* Endpoints above 95 % load are passed over while others are free: the tied ones first, then the rest in order of
  preference.

*Wait or go.* When the preferred are full, a worse endpoint may be free. Then the call does what will be answered
sooner: it goes there, or waits here, if the wait and the service here are together shorter than the service there.

A call waits as long as its time allows, in the queue that promises the earliest answer, the urgent before the others.
The wait leaves time for the first token, as long as that takes here: slots that are given to calls about to give up are
slots lost, and under overload those are the ones that have waited longest. What cannot be waited for is not waited for;
the error names the rule that shed the call. Innermost of all policies, so that each attempt holds its own slot.

Sources: tower (a permit reserved before the call); Little's law for the predicted wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from ..router import check
from ..router.errors import NoEndpoint, Overloaded
from ..router.pipeline import Layer
from ..router.shed import Shed
from .balancers import Balancer, PowerOfTwo
from .balancers.power_of_two import expected_s
from .expectation import DEFAULT_SERVICE_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..router.call import Call
    from ..router.pipeline import Emit, Handler
    from ..router.slots import Lease
    from ..router.target import Target


MOSTLY_FAILING = 0.5
"""Share of its last calls that failed, from which on an endpoint is a last resort. Four failures in a row get there."""


@attrs.frozen(kw_only=True)
class Slots:
    """A pick by the balancer, and a slot on the winner.

    balancer: who picks among the tied. Default `PowerOfTwo()`; one object serves one router.
    full_above: load, as a share of the slots, above which an endpoint is passed over. Default 0.95; above 0, up to 1.
    max_wait_s: seconds to wait for a slot when all are taken. Default 2.0; must not be negative; 0 sheds at once.
        What is left until the answer must have started, less the time that takes, takes precedence when it is less.
    probes: calls that may be under way to an endpoint nothing was seen of, while others are known. Default 1.

    Raises `Overloaded` when no slot is to be had in time; its ``rule`` says why.
    """

    layer: ClassVar[Layer] = Layer.SLOT

    balancer: Balancer = attrs.field(factory=PowerOfTwo, validator=check.one_of(Balancer))
    full_above: float = attrs.field(default=0.95, validator=check.share)
    max_wait_s: float = attrs.field(default=2.0, validator=check.at_least_zero)
    probes: int = attrs.field(default=1, validator=check.count(1))

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        if not call.candidates:
            raise NoEndpoint("no candidate is left to take a slot of")
        now_s = call.clock()
        target = self.balancer.choose(call.candidates[: call.tied] or call.candidates, call, now_s)
        lease = self._take(target, call) if self._is_good(target, call, now_s) else None
        if lease is None:
            target, lease = self._take_another(call, now_s) or await self._wait(call, now_s)
        call.ledger.note(now_s, "Slots", "%s, %d in flight", target.name, target.slots.in_flight)
        with lease:
            await next(call.with_(candidates=(target,), lease=lease), emit)

    # -- at once

    def _take_another(self, call: Call, now_s: float) -> tuple[Target, Lease] | None:
        """A slot of the one to take instead of the balancer's first choice; None if it is better to wait."""
        target = self._another(call, now_s)
        lease = None if target is None else self._take(target, call)
        return None if target is None or lease is None else (target, lease)

    def _another(self, call: Call, now_s: float) -> Target | None:
        able = [target for target in call.candidates if self._can_take(target, call, now_s)]
        good = [target for target in able if target.outlook(now_s, call.size).failing < MOSTLY_FAILING]
        tied = frozenset(call.candidates[: call.tied])
        equals = [target for target in good if target in tied]
        if equals:
            return self.balancer.choose(equals, call, now_s)
        if not able:
            return self._when_nobody_is_known(call, now_s)
        if good:
            elsewhere = good[0]
        else:
            elsewhere = self.balancer.choose([target for target in able if target in tied] or able[:1], call, now_s)
        return None if self._had_better_wait(call, elsewhere, now_s) else elsewhere

    def _when_nobody_is_known(self, call: Call, now_s: float) -> Target | None:
        """Nobody knows anybody, and every probe is out: spread what comes over all."""
        if any(target.outlook(now_s, call.size).known for target in call.candidates):
            return None
        free = (target for target in call.candidates if self._has_room(target, call))
        return min(free, key=lambda target: target.slots.used, default=None)

    def _is_good(self, target: Target, call: Call, now_s: float) -> bool:
        outlook = target.outlook(now_s, call.size)
        return outlook.failing < MOSTLY_FAILING and self._can_take(target, call, now_s)

    def _can_take(self, target: Target, call: Call, now_s: float) -> bool:
        known = target.slots.in_flight < self.probes or target.outlook(now_s, call.size).known
        return known and self._has_room(target, call)

    def _has_room(self, target: Target, call: Call) -> bool:
        slots = target.slots
        return slots.limit is None or (
            slots.used <= slots.limit * self.full_above and slots.fits(target.slots_for(call.prompt_tokens))
        )

    @staticmethod
    def _take(target: Target, call: Call) -> Lease | None:
        return target.slots.try_acquire(target.slots_for(call.prompt_tokens))

    # -- later

    def _had_better_wait(self, call: Call, elsewhere: Target, now_s: float) -> bool:
        """Whether a call is answered sooner if it waits for a better endpoint than if it goes *elsewhere* now."""
        here = self._queue_for(call, now_s)
        if here is None or not (_is_known(here, call, now_s) and _is_known(elsewhere, call, now_s)):
            return False
        wait_s = _wait_s(here, call, now_s)
        in_time = now_s + wait_s < self._until_s(here, call, now_s)
        return in_time and wait_s + expected_s(here, call, now_s) < expected_s(elsewhere, call, now_s)

    def _queue_for(self, call: Call, now_s: float) -> Target | None:
        """The endpoint whose queue promises the earliest answer; None if no queue has a place."""
        return _earliest([target for target in call.candidates if target.slots.may_wait(call.urgency)], call, now_s)

    def _until_s(self, target: Target, call: Call, now_s: float) -> float:
        """Until when a slot is worth waiting for: after that, an answer would not start in time."""
        leaves_s = expected_s(target, call, now_s) if _is_known(target, call, now_s) else 0.0
        return min(now_s + self.max_wait_s, call.start_by_s - leaves_s)

    async def _wait(self, call: Call, now_s: float) -> tuple[Target, Lease]:
        """A slot that is waited for, or any that is free in the end."""
        target = self._queue_for(call, now_s)
        if target is None:
            return self._last_resort(call, Shed.QUEUE_FULL, call.candidates[0], "the queue is full")
        until_s = self._until_s(target, call, now_s)
        wait_s = _wait_s(target, call, now_s)
        if now_s + wait_s > until_s and _is_known(target, call, now_s):
            told = f"a slot is expected in {wait_s:.3f} s, too late to be of use"
            return self._last_resort(call, Shed.NO_TIME, target, told)
        call.note("Slots", "no slot is to be had; waits for %s, %.3f s at most", target.name, until_s - now_s)
        lease = await target.slots.acquire(until_s, call.urgency, target.slots_for(call.prompt_tokens))
        if lease is not None:
            return target, lease
        after_s = call.clock() - now_s
        if now_s + after_s < until_s:
            told = f"its place in the queue went to a more urgent call after {after_s:.3f} s"
            return self._last_resort(call, Shed.PUSHED_OUT, target, told)
        return self._last_resort(call, Shed.IN_VAIN, target, f"no slot came free in {after_s:.3f} s")

    def _last_resort(self, call: Call, rule: Shed, target: Target, told: str) -> tuple[Target, Lease]:
        """A slot wherever one is free now.

        Raises:
            Overloaded: there is none, by this *rule*.
        """
        if call.clock() < call.start_by_s:
            for other in call.candidates:
                lease = self._take(other, call)
                if lease is not None:
                    return other, lease
        target.slots.count_shed(rule)
        raise Overloaded(
            f"{told} ({target.in_flight} in flight, {target.slots.waiting} waiting)", endpoint=target.name, rule=rule
        )


def _is_known(target: Target, call: Call, now_s: float) -> bool:
    return target.outlook(now_s, call.size).known


def _earliest(targets: Sequence[Target], call: Call, now_s: float) -> Target | None:
    """The target that promises the earliest answer, the known before the unknown."""
    known = [target for target in targets if _is_known(target, call, now_s)]
    return min(
        known or targets,
        key=lambda target: _wait_s(target, call, now_s) + expected_s(target, call, now_s),
        default=None,
    )


def _wait_s(target: Target, call: Call, now_s: float) -> float:
    """Seconds until a slot is expected; 0.0 while there is one.

    The work ahead of the call over the slots, less half a turn: calls in flight are on average half done.
    """
    slots, needed = target.slots, target.slots_for(call.prompt_tokens)
    if slots.limit is None or slots.fits(needed):
        return 0.0
    service_s = target.outlook(now_s, call.size).total_s or DEFAULT_SERVICE_S
    return max(0.0, slots.queue_delay_s(service_s, needed, call.urgency) - 0.5 * service_s / slots.limit)
