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

from itertools import islice
from typing import TYPE_CHECKING, ClassVar

import attrs
from msgspec.structs import replace

from ..router import check
from ..router.errors import NoEndpoint, Overloaded
from ..router.ledger import Decision
from ..router.pipeline import Layer
from ..router.shed import Shed
from .balancers import Balancer, PowerOfTwo
from .balancers.power_of_two import expected_s
from .gate import without_gated
from .queues import FEW, earliest, few_then_all, has_room, is_known, take, wait_s

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.pipeline import Emit, Handler
    from ..router.slots import Lease
    from ..router.statistics.outlook import Outlook
    from ..router.target import Target


MOSTLY_FAILING = 0.5
"""Share of its last calls that failed, from which on an endpoint is a last resort. Four failures in a row get there."""


TAKEN = "%s, %d in flight"


@attrs.frozen(kw_only=True)
class Slots:
    """A pick by the balancer, and a slot on the winner.

    balancer: who picks among the tied. Default `PowerOfTwo()`; one object serves one router.
    full_above: load, as a share of the slots, above which an endpoint is passed over. Default 0.95; above 0, up to 1.
    max_wait_s: seconds to wait for a slot when all are taken. Default 2.0; must not be negative; 0 sheds at once.
        What is left until the answer must have started, less the time that takes, takes precedence when it is less.
    probes: calls that may be under way to an endpoint nothing was seen of, while others are known. Default 1; at least
        1.

    Raises `Overloaded` when no slot is to be had in time; its ``rule`` says why. Raises `Gated` when every endpoint has
    asked to be left alone.
    """

    layer: ClassVar[Layer] = Layer.SLOT

    balancer: Balancer = attrs.field(factory=PowerOfTwo, validator=check.one_of(Balancer))
    full_above: float = attrs.field(default=0.95, validator=check.share)
    max_wait_s: float = attrs.field(default=2.0, validator=check.at_least_zero)
    probes: int = attrs.field(default=1, validator=check.count(1))

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        if not call.candidates:
            raise NoEndpoint("no candidate is left to take a slot of")
        if call.lease is not None:
            await next(call, emit)  # a hedge has taken it already
            return
        now_s = call.clock()
        if now_s < call.candidates[0].pulse.gated_until_s:
            call = without_gated(call, now_s)
        target = self.balancer.choose(call.candidates[: call.tied] or call.candidates, call, now_s)
        outlook = target.outlook(now_s, call.size)
        slots = target.slots
        is_good = outlook.failing < MOSTLY_FAILING and (outlook.known or slots.in_flight < self.probes)
        is_below_full = slots.limit is None or slots.used <= slots.limit * self.full_above
        lease = take(target, call) if is_good and is_below_full else None
        if lease is None:
            target, lease = await self._another(call, now_s)
            now_s = call.clock()
        call.ledger.decisions.append(Decision(now_s, "Slots", TAKEN, (target.name, target.slots.in_flight)))
        try:
            await next(replace(call, candidates=(target,), tied=1, lease=lease), emit)
        finally:
            lease.release()

    async def _another(self, call: Call, now_s: float) -> tuple[Target, Lease]:
        """A slot, though the balancer's first choice has none to give: one that is free now, or one worth waiting for.

        Nothing awaits between the choice of an endpoint and the slot it gives at once.
        """
        target = self._able(call, now_s)
        better = None if target is None else self._worth_waiting_for(call, target, now_s)
        if target is not None and better is not None:
            call.note("Slots", "%s has a slot, but %s will answer sooner", target.name, better.name)
        elif target is not None:
            lease = take(target, call)
            if lease is not None:
                return target, lease
        return await self._wait(call, better or earliest(call, call.candidates, now_s), now_s)

    # -- go

    def _able(self, call: Call, now_s: float) -> Target | None:
        """The endpoint to go to, of those that can take the call now; None if there is none.

        Those that do not fail before those that do, and of either the tied before the others.
        """
        tied, others = call.candidates[: call.tied], call.candidates[call.tied :]
        for can_take in (self._is_good, self._can_take):
            for equals in few_then_all(tied, call):
                able = list(islice((each for each in equals if can_take(each, call, now_s)), FEW))
                if able:
                    return self.balancer.choose(able, call, now_s)
            for other in others:
                if can_take(other, call, now_s):
                    return other
        return self._when_nobody_is_known(call, now_s)

    def _when_nobody_is_known(self, call: Call, now_s: float) -> Target | None:
        """Nobody knows anybody, and every probe is out: spread what comes over all."""
        if any(is_known(target, call, now_s) for target in call.candidates):
            return None
        free = (target for target in call.candidates if self._is_below_full(target) and has_room(target, call))
        return min(free, key=lambda target: target.slots.used, default=None)

    def _is_good(self, target: Target, call: Call, now_s: float) -> bool:
        return self._can_take(target, call, now_s) and target.outlook(now_s, call.size).failing < MOSTLY_FAILING

    def _can_take(self, target: Target, call: Call, now_s: float) -> bool:
        """Whether it has room and may be asked. Room is the cheapest to look for."""
        return (
            self._is_below_full(target)
            and has_room(target, call)
            and self._may_be_asked(target, target.outlook(now_s, call.size))
        )

    def _may_be_asked(self, target: Target, outlook: Outlook) -> bool:
        return outlook.known or target.slots.in_flight < self.probes

    def _is_below_full(self, target: Target) -> bool:
        slots = target.slots
        return slots.limit is None or slots.used <= slots.limit * self.full_above

    # -- or wait

    def _worth_waiting_for(self, call: Call, elsewhere: Target, now_s: float) -> Target | None:
        """A full endpoint, preferred to *elsewhere*, at which the call is answered sooner though it waits."""
        there = elsewhere.outlook(now_s, call.size)
        is_last_resort = there.failing >= MOSTLY_FAILING
        place = call.candidates.index(elsewhere)
        if not is_last_resort and (place < call.tied or not there.known):
            return None
        preferred = call.candidates if is_last_resort else call.candidates[:place]
        full = [target for target in preferred if not (self._is_below_full(target) and has_room(target, call))]
        here = earliest(call, full, now_s)
        if here is None or not is_known(here, call, now_s):
            return None
        here_s = wait_s(here, call, now_s)
        in_time = now_s + here_s < self._until_s(here, call, now_s)
        sooner = here_s + expected_s(here, call, now_s) < expected_s(elsewhere, call, now_s)
        return here if in_time and sooner else None

    def _until_s(self, target: Target, call: Call, now_s: float) -> float:
        """Until when a slot is worth waiting for: after that, an answer would not start in time."""
        leaves_s = expected_s(target, call, now_s) if is_known(target, call, now_s) else 0.0
        return min(now_s + self.max_wait_s, call.start_by_s - leaves_s)

    async def _wait(self, call: Call, target: Target | None, now_s: float) -> tuple[Target, Lease]:
        """A slot of *target* that is waited for, or any that is free in the end. None: no queue has a place."""
        if target is None:
            return self._last_resort(
                call, Shed.QUEUE_FULL, call.candidates[0], "no slot is free and every queue is full"
            )
        lease = take(target, call)
        if lease is not None:
            return target, lease
        until_s = self._until_s(target, call, now_s)
        expected_in_s = wait_s(target, call, now_s)
        if now_s + expected_in_s > until_s and is_known(target, call, now_s):
            told = f"a slot is expected in {expected_in_s:.3f} s, too late to be of use"
            return self._last_resort(call, Shed.NO_TIME, target, told)
        call.note("Slots", "no slot is to be had; waits for %s, %.3f s at most", target.name, until_s - now_s)
        was_in = target not in target.outliers.out
        given = await target.slots.acquire(until_s, call.urgency, target.slots_for(call.prompt_tokens))
        if not isinstance(given, Shed):
            return self._or_elsewhere(call, target, given) if was_in else (target, given)
        after_s = call.clock() - now_s
        told = f"no slot came free in {after_s:.3f} s"
        if given is Shed.PUSHED_OUT:
            told = f"its place in the queue went to a more urgent call after {after_s:.3f} s"
        return self._last_resort(call, given, target, told)

    @staticmethod
    def _or_elsewhere(call: Call, target: Target, lease: Lease) -> tuple[Target, Lease]:
        """What was waited for, unless it has gone out meanwhile, or closed, and somebody who is well is free.

        Those who wait when an endpoint breaks would otherwise all be sent there, and all need another attempt.
        """
        now_s = call.clock()
        if _is_open(target, now_s):
            return target, lease
        for other in call.candidates:
            if other is not target and _is_open(other, now_s):
                others = take(other, call)
                if others is not None:
                    lease.release()
                    call.note("Slots", "%s went out of use while this call waited for it", target.name)
                    return other, others
        return target, lease

    def _last_resort(self, call: Call, rule: Shed, target: Target, told: str) -> tuple[Target, Lease]:
        """A slot wherever one is free now.

        Raises:
            Overloaded: there is none, by this *rule*.
        """
        if call.clock() < call.start_by_s:
            for other in call.candidates:
                lease = take(other, call)
                if lease is not None:
                    return other, lease
        target.slots.count_shed(rule)
        raise Overloaded(
            f"{told} ({target.in_flight} in flight, {target.slots.waiting} waiting)", endpoint=target.name, rule=rule
        )


def _is_open(target: Target, now_s: float) -> bool:
    """Whether it is in, and has not asked to be left alone."""
    return target not in target.outliers.out and target.opens_at_s(now_s) <= now_s
