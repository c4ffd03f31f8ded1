"""Whether there is room at an endpoint for a call, how long the call would wait there, and where the least."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .balancers.power_of_two import expected_s
from .expectation import DEFAULT_SERVICE_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..router.call import Call
    from ..router.slots import Lease
    from ..router.target import Target


def take(target: Target, call: Call) -> Lease | None:
    """The slots the call needs, if they are free."""
    return target.slots.try_acquire(target.slots_for(call.prompt_tokens))


def has_room(target: Target, call: Call) -> bool:
    """Whether they are free."""
    return target.slots.fits(target.slots_for(call.prompt_tokens))


def is_known(target: Target, call: Call, now_s: float) -> bool:
    """Whether an answer of it was seen of late."""
    return target.outlook(now_s, call.size).known


def earliest(call: Call, targets: Sequence[Target], now_s: float) -> Target | None:
    """The one of *targets* in whose queue the call may wait and will be answered first, the known before the unknown.

    None if none of their queues has a place for it.
    """
    queues = [target for target in targets if target.slots.may_wait(call.urgency)]
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
