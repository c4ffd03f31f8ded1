"""Whether an endpoint is well, and how much of its share it can take while it recovers.

Regions ask this to divide their traffic, and they would flap if it changed with every call: at 71.4 % of healthy
endpoints one more or less decides whether anything spills over. So an endpoint is ill at once when most of its last
calls have failed, or a `Breaker` has ejected it. It is well again only when its failures are nearly forgotten, or when
it is let in again; and it counts for little at first, as `router.health.slow_start.ramp` says.

A region that comes back whole is thus refilled in half a minute, and one that only seemed to be back is left again
after a tenth of its traffic has found out.

Sources: a threshold each way as in a Schmitt trigger; Envoy's slow start, for traffic that a fail-back brings too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..router.health.slow_start import ramp
from .slots import MOSTLY_FAILING

if TYPE_CHECKING:
    from ..router.target import Target

WELL_BELOW = 0.1
"""Failing share below which it is well again: 18 s after four failures in a row, if nothing was sent meanwhile."""

SLOW_START_S = 30.0
"""Seconds until it can take as much as ever."""


def healthy(target: Target, now_s: float, *, was: bool) -> bool:
    """Whether an endpoint is well now. *was*: it was so far, and so more is needed to say that it is not.

    One that a breaker has ejected is ill until it may be tried again: then somebody must be sent there to find out.
    """
    if target.health is not None:
        ejection = target.health.ejection
        return ejection is None or ejection.pause or now_s >= ejection.until_s
    return target.learned.recent.failing(now_s) < (MOSTLY_FAILING if was else WELL_BELOW)


class Capacities:
    """What the endpoints of one router can take. Remembers those that were ill, until they are as ever."""

    __slots__ = ("_well_since_s",)

    def __init__(self) -> None:
        self._well_since_s: dict[Target, float | None] = {}
        """Endpoints that were ill: since when they are well again; None while they are not."""

    def of(self, target: Target, now_s: float) -> float:
        """Share of its usual load that an endpoint can take now: 0.0 while it is ill, then rising, 1.0 as ever."""
        if target not in self._well_since_s:
            if healthy(target, now_s, was=True):
                return 1.0
            self._well_since_s[target] = None
            return 0.0
        since_s = self._well_since_s[target]
        if not healthy(target, now_s, was=since_s is not None):
            self._well_since_s[target] = None
            return 0.0
        if since_s is None:
            since_s = self._well_since_s[target] = now_s
        capacity = ramp(now_s - since_s, SLOW_START_S)
        if capacity >= 1.0:
            del self._well_since_s[target]
        return capacity
