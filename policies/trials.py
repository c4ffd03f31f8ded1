"""Who is tried, though nobody knows how fast it is now: one call at a time, at pauses that double while it disappoints.

What was heard of an endpoint long ago says little. Forgetting it is no answer: a region that is ill looks well again
the moment its last bad answer is forgotten, and everybody goes there at once. Holding on to it is none either: nobody
would find out that it has healed. So an endpoint that nothing was heard of lately is neither preferred nor given up. It
is *tried*, by a single call that nobody waits behind, until three have told how fast it is.

One that answers quickly is tried again at once, so three are soon there. One that disappoints is left alone for a
second, then for two, then four, up to the time after which it counts as old: what an illness costs while it lasts is
one call in so long.

Sources: "unknown must not look fast", for what is known no more; the pauses are binary exponential backoff (Metcalfe
and Boggs, "Ethernet", 1976).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ..router.target import Target

FIRST_PAUSE_S = 1.0
"""Seconds that who has disappointed once is left alone."""

MOST_KEPT = 1024
"""Endpoints whose pauses are remembered at once."""


class Pause(msgspec.Struct):
    """The trials of one endpoint. tried_at_s: the last one. lasts_s: until the next, unless it answers quickly."""

    tried_at_s: float
    lasts_s: float


class Trials:
    """The trials of one fleet.

    after_s: seconds without a sample after which an endpoint's time counts as old, and the longest pause; None: never.
    """

    __slots__ = ("_after_s", "_pauses")

    def __init__(self, after_s: float | None) -> None:
        self._after_s = after_s
        self._pauses: dict[Target, Pause] = {}

    def is_stale(self, target: Target, now_s: float) -> bool:
        """Whether too little was heard of it lately to tell how fast it is now."""
        return self._after_s is not None and target.is_stale(now_s, self._after_s)

    def old(self, targets: Sequence[Target], now_s: float) -> Collection[Target]:
        """Those of *targets*, as long as others are known better."""
        stale = {target for target in targets if self.is_stale(target, now_s)}
        return stale if stale and any(target.is_settled(now_s) for target in targets) else ()

    def begin(self, stale: Sequence[Target], quick_s: float, now_s: float) -> Target | None:
        """The first of *stale* that may be tried now, and is from now on; None if there is none.

        quick_s: seconds within which a first token is no disappointment.
        """
        for target in stale:
            if target.unanswered == 0 and self.is_stale(target, now_s) and self._is_due(target, quick_s, now_s):
                self._began(target, now_s)
                return target
        return None

    def _is_due(self, target: Target, quick_s: float, now_s: float) -> bool:
        pause = self._pauses.get(target)
        if pause is None:
            return True
        heard_s = target.heard_since_s(pause.tried_at_s)
        if heard_s is not None and heard_s <= quick_s:
            del self._pauses[target]
            return True
        return now_s >= pause.tried_at_s + pause.lasts_s

    def _began(self, target: Target, now_s: float) -> None:
        if len(self._pauses) >= MOST_KEPT:
            self._pauses.clear()
        pause = self._pauses.get(target)
        lasts_s = FIRST_PAUSE_S if pause is None else min(2.0 * pause.lasts_s, self._after_s or math.inf)
        self._pauses[target] = Pause(now_s, lasts_s)
