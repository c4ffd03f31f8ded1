"""How many calls each endpoint was sent of late, the newer the more they count.

Calls in flight say how busy an endpoint is at this instant, and of few calls at once chance makes up most of that. Who
wants to share out fairly needs a longer memory. A call counts for 1 when it is sent, and for 1/e a minute later.

The counts of all endpoints fade together. So instead of letting the old ones shrink, each new one is counted for more
(*forward decay*), and no count is touched but that of the endpoint that was called.

Source: Cormode, Shkapenyuk, Srivastava and Xu, "Forward decay" (2009).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..router.target import Target

FADES_IN_S = 60.0

LONGEST_S = 200.0 * FADES_IN_S
"""After so long all counts are brought down again, lest they become too large for a float."""


class RecentCalls:
    """Of the endpoints of one router."""

    __slots__ = ("_counts", "_since_s")

    def __init__(self) -> None:
        self._counts: dict[Target, float] = {}
        self._since_s: float | None = None

    def one(self, now_s: float) -> float:
        """What a call counts for that is sent now: the unit of all that is asked at this time."""
        since_s = self._since_s
        if since_s is None:
            since_s = self._since_s = now_s
        if now_s - since_s < LONGEST_S:
            return math.exp((now_s - since_s) / FADES_IN_S)
        faded = math.exp((since_s - now_s) / FADES_IN_S)
        self._counts = {target: count * faded for target, count in self._counts.items()}
        self._since_s = now_s
        return 1.0

    def sent(self, target: Target, one: float) -> None:
        """A call was sent there; *one*, of now."""
        self._counts[target] = self._counts.get(target, 0.0) + one

    def not_sent(self, target: Target, one: float) -> None:
        """One that was counted went elsewhere."""
        self._counts[target] = max(0.0, self._counts.get(target, 0.0) - one)

    def of(self, target: Target) -> float:
        """Those of one endpoint, in units of `one`."""
        return self._counts.get(target, 0.0)

    def totals(self, targets: Iterable[Target]) -> tuple[float, int]:
        """Those of several, in units of `one`, and how many calls they have in flight."""
        counts, total, in_flight = self._counts, 0.0, 0
        for target in targets:
            total += counts.get(target, 0.0)
            in_flight += target.slots.in_flight
        return total, in_flight
