"""What became of late of the calls that prefer one model, and so how many of the next are to be refused.

The rule, and why it is so, stand with `Admission`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..router.request import Urgency
from ..router.tally import Tally
from ..router.verdict import Signal

if TYPE_CHECKING:
    from ..router.call import Call
    from .admission import Admission

SLOTS = 10
"""Of the window: what is too old leaves in tenths of it."""

GIVE_WAY = 1.0
"""K at and below which the less urgent make no extra attempts."""

REGAINED = 0.5
"""By how much K grows in a window."""

LOST = 20.0
"""By how much K shrinks for each call that is turned away, over the calls accepted in the window. With `REGAINED`:
where one in forty is turned away K stays as it is, and where fewer are it grows."""


class Throttle:
    """What became of the calls that prefer one model."""

    __slots__ = ("_accepts", "_k", "_requests", "_settings", "_turned_away_s", "uneasy_until_s")

    def __init__(self, settings: Admission) -> None:
        slot_s = settings.window_s / SLOTS
        self._settings = settings
        self._k = settings.multipliers[Urgency.INTERACTIVE]
        self._turned_away_s = -math.inf
        """When the vendor, or a queue here, turned away the last one."""
        self.uneasy_until_s = -math.inf
        """Until then some request in the window was not accepted; from then on nobody is refused."""
        self._accepts = Tally(slot_s, SLOTS)
        self._requests = {urgency: Tally(slot_s, SLOTS) for urgency in Urgency}

    def chance(self, urgency: Urgency, now_s: float) -> float:
        """Of being refused, for a call of this urgency, 0..1."""
        settings = self._settings
        above = own = 0
        for other, tally in self._requests.items():  # the most urgent first
            if other == urgency:
                own = tally.count(now_s)
                break
            above += tally.count(now_s)
        requests = above + own
        if requests < settings.fewest:
            return 0.0
        k = max(settings.multipliers[urgency], self._k_now(now_s))
        too_many = requests - k * self._accepts.count(now_s)
        if too_many <= 0.0:
            return 0.0
        most = settings.cap if above < settings.fewest else 1.0
        return min(most, too_many / (own + 1))

    def gives_way(self, urgency: Urgency, now_s: float) -> bool:
        """Whether calls of this urgency leave the extra attempts to more urgent ones."""
        if self._k_now(now_s) > GIVE_WAY:
            return False
        above = sum(tally.count(now_s) for other, tally in self._requests.items() if other < urgency)
        return above >= self._settings.fewest

    def refused_here(self, urgency: Urgency, now_s: float) -> None:
        """A call was refused here. That says nothing of the load there."""
        self._requests[urgency].add(now_s)
        self.uneasy_until_s = now_s + self._settings.window_s

    def ended(self, call: Call, urgency: Urgency, *, accepted: bool) -> None:
        """A call was sent, and is over."""
        now_s = call.clock()
        requests = self._requests[urgency]
        requests.add(now_s)
        if accepted:
            self._accepts.add(now_s)
        else:
            self._turned_away(now_s)
        attempts = call.ledger.attempts
        if len(attempts) > 1:
            for attempt in attempts[:-1]:
                if attempt.signal is Signal.DROPPED:
                    requests.add(now_s)
                    self._turned_away(now_s)

    def _turned_away(self, now_s: float) -> None:
        """By the vendor, or by a queue here: K shrinks."""
        settings = self._settings
        lost = LOST / max(settings.fewest, self._accepts.count(now_s))
        self._k = max(settings.multipliers[Urgency.BACKGROUND], self._k_now(now_s) - lost)
        self._turned_away_s = now_s
        self.uneasy_until_s = now_s + settings.window_s

    def _k_now(self, now_s: float) -> float:
        """K, before the class's own: what it was when the last one was turned away, and what was regained since."""
        settings = self._settings
        most = settings.multipliers[Urgency.INTERACTIVE]
        if self._k >= most:
            return most
        return min(most, self._k + REGAINED * (now_s - self._turned_away_s) / settings.window_s)
