"""The rule of Prequal: an endpoint that is busier than most is hot; of those that are not, take the fastest.

Latency says who is good now, load who will be bad soon. Multiplying the two (`PowerOfTwo`) lets a very fast endpoint be
filled to its limit; here load is a bar that latency cannot buy off, and below the bar it does not count at all. So load
is spread more gradually, and calls go to the fastest more often.

Of up to sixteen endpoints drawn at random, load is the share of the slots in use, or, where some have no limit, the
number of them. The bar is the load at the quantile Q, by rank floor(Q * (n - 1)) + 1: with the usual ceil(Q * n), all
of six or fewer would be cold, and everybody would go to the fastest.

Prequal probes servers for their load. Vendors offer no probes, so the load is our own share of it. The speed is the
expected first token with its failures of late, so that who fails at once is no sinkhole.

Source: Wydrowski et al., "Load is not what you should balance: introducing Prequal" (NSDI 2024).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from ...router import check
from .power_of_two import expected_s

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...router.call import Call
    from ...router.target import Target

MOST_DRAWN = 16
"""Size of Prequal's pool of probes."""


@attrs.frozen(kw_only=True)
class HotCold:
    """The fastest of those that are not hot.

    hot_above: the quantile of loads above which an endpoint is hot. Default 0.84; above 0, up to 1, where none is.
        The less, the more load counts and the less speed.
    """

    hot_above: float = attrs.field(default=0.84, validator=check.share)

    def choose(self, targets: Sequence[Target], call: Call, now_s: float, /) -> Target:
        """As `Balancer`."""
        drawn = targets if len(targets) <= MOST_DRAWN else call.dice.sample(targets, MOST_DRAWN)
        loads = _loads(drawn)
        bar = loads_at(self.hot_above, loads)
        fastest: list[Target] = []
        least_s = math.inf
        for target, load in zip(drawn, loads, strict=True):
            if load <= bar:
                seconds = expected_s(target, call, now_s) / target.weight(now_s)
                if seconds < least_s:
                    fastest, least_s = [target], seconds
                elif seconds == least_s:
                    fastest.append(target)
        return fastest[0] if len(fastest) == 1 else fastest[int(call.dice.random() * len(fastest))]


def loads_at(q: float, loads: Sequence[float]) -> float:
    """The load at quantile *q*: of n, the one of rank floor(q * (n - 1)) + 1."""
    return sorted(loads)[math.floor(q * (len(loads) - 1))]


def _loads(targets: Sequence[Target]) -> list[float]:
    loads: list[float] = []
    for target in targets:
        slots = target.slots
        if slots.limit is None:
            return [float(each.slots.used) for each in targets]
        loads.append(slots.used / slots.limit)
    return loads
