"""Two choices by load alone: the one of which less is in use.

Latency shows in load by itself, since who is slow has more in flight. So this one is never wrong about what is fast,
and cannot be misled by old news; but it sees a slow endpoint only once calls have piled up there, and it is blind to a
short one that fails: `Slots` keeps that from it. Use it where endpoints are alike.

Load is the share of the slots in use where both have a limit, so an endpoint of twice the slots gets twice the calls;
otherwise their number.

Sources: Mitzenmacher (1996); the least-request balancer of Envoy, which draws two and counts active requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from .power_of_two import draw_two

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...router.call import Call
    from ...router.target import Target


@attrs.frozen
class LeastLoaded:
    """The one of two that is less loaded."""

    def choose(self, targets: Sequence[Target], call: Call, now_s: float, /) -> Target:
        """As `Balancer`."""
        if len(targets) == 1:
            return targets[0]
        first, second = draw_two(len(targets), call.dice)
        one, other = targets[first], targets[second]
        one_load = (one.slots.used + 1) / one.weight(now_s)
        other_load = (other.slots.used + 1) / other.weight(now_s)
        if one.slots.limit is not None and other.slots.limit is not None:
            one_load /= one.slots.limit
            other_load /= other.slots.limit
        return other if other_load < one_load else one
