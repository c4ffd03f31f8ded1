"""Whether there is room at an endpoint for a call, how long the call would wait there, and where the least.

Of many endpoints a few are looked at, drawn at random: what is nearly the best of all is found among sixteen, and a
fleet that is full, when there is no time to lose, must not be searched from end to end for every call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .balancers.power_of_two import expected_s
from .expectation import DEFAULT_SERVICE_S

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..router.call import Call
    from ..router.slots import Lease
    from ..router.target import Target

FEW = 16
"""Endpoints that are looked at where that is enough. Source: the size of Prequal's pool of probes."""


def few_then_all(targets: Sequence[Target], call: Call) -> Iterator[Sequence[Target]]:
    """A few of *targets*, in case that is enough, and then all."""
    if len(targets) > FEW:
        yield call.dice.sample(targets, FEW)
    yield targets


def take(target: Target, call: Call) -> Lease | None:
    """The slots the call needs, if they are free."""
    if target.endpoint.tokens_per_slot is None:
        return target.slots.try_acquire()
    return target.slots.try_acquire(target.slots_for(call.prompt_tokens))


def has_room(target: Target, call: Call) -> bool:
    """Whether they are free."""
    return target.slots.fits(target.slots_for(call.prompt_tokens))


def is_known(target: Target, call: Call, now_s: float) -> bool:
    """Whether an answer of it was seen of late."""
    return target.outlook(now_s, call.size).known


def earliest(call: Call, targets: Sequence[Target], now_s: float) -> Target | None:
    """The one of *targets* in whose queue the call may wait and will be answered first, the known before the unknown.

    None if none of their queues has a place for it. Of many, the first of a few.
    """
    queues = [target for target in targets if target.slots.may_wait(call.urgency)]
    if len(queues) > FEW:
        queues = call.dice.sample(queues, FEW)
    known = [target for target in queues if is_known(target, call, now_s)]
    return min(
        known or queues,
        key=lambda target: wait_s(target, call, now_s) + expected_s(target, call, now_s),
        default=None,
    )


def wait_s(target: Target, call: Call, now_s: float) -> float:
    """Seconds until the call may expect its slots there; 0.0 while they are free.

    The work ahead of it over the slots, less half a turn: calls in flight are on average half done.
    """
    slots, needed = target.slots, target.slots_for(call.prompt_tokens)
    if slots.limit is None or slots.fits(needed):
        return 0.0
    service_s = target.outlook(now_s, call.size).total_s or DEFAULT_SERVICE_S
    return max(0.0, slots.queue_delay_s(service_s, needed, call.urgency) - 0.5 * service_s / slots.limit)
