"""One rate of one credential: what was configured of it, slowed down by what the vendor says is left.

A vendor's headers say how much of a limit remains and when it will be whole again. What remains, spread over the time
until then, is a rate that cannot run dry:

    rate = (remaining - what was sent since) / seconds until it is whole

It needs no idea of how the vendor counts. Where the vendor counts in windows, it divides what is left of this one
evenly. Where it refills steadily, it settles where as much comes back as is spent, with half of the limit in hand. And
where others use the same credential, it finds what they leave. A trickle goes on whatever is said, so that a recovery
is noticed.

Of a rate that nobody configured, that is all there is to go by. When the time is over and nothing new was said, the
limit is whole, and is spread over the longest time that it ever took; where its size is not said either, all goes on as
it did.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .token_bucket import TokenBucket, per_minute

if TYPE_CHECKING:
    from ..router.rate_limits import Rate

TRICKLE = 0.05
"""Share of the usual rate that goes on when nothing is said to be left."""


LEARNED_BURST_S = 1.0
"""Seconds' worth that may go at once of a rate that nobody configured; as by default of one that is."""


class Meter(TokenBucket):
    """The bucket of one rate. One that was configured is only ever slowed down, and returns to what was configured.

    until_s: when what was last heard is over; infinity: nothing holds but what is usual.
    """

    __slots__ = ("_configured", "_longest_s", "_usual_per_s", "until_s")

    def __init__(self, rate_per_s: float, burst: float, now_s: float, *, configured: bool) -> None:
        super().__init__(rate_per_s, burst, now_s)
        self._configured = configured
        self._usual_per_s = rate_per_s
        self._longest_s = 0.0
        self.until_s = math.inf

    @classmethod
    def of_quota(cls, limit: float, burst_s: float, now_s: float) -> Meter:
        """One that keeps *limit* a minute, and lets *burst_s* seconds' worth of it go at once."""
        rate_per_s, burst = per_minute(limit, burst_s)
        return cls(rate_per_s, burst, now_s, configured=True)

    @classmethod
    def of_headers(cls, rate: Rate, unseen: float, heard_s: float, now_s: float) -> Meter | None:
        """One that is known from the vendor's headers alone; None if they do not say enough. As `heard`."""
        usual = rate.limit or rate.remaining
        if not usual or rate.remaining is None or not rate.resets_in_s or heard_s + rate.resets_in_s <= now_s:
            return None
        meter = cls(usual / rate.resets_in_s, 1.0, now_s, configured=False)
        meter.heard(rate, unseen, heard_s, now_s)
        return meter

    def has(self, amount: float, now_s: float, ahead: float = 0.0) -> bool:
        """Whether *amount* may be sent now, if *ahead* is sent before."""
        if now_s >= self.until_s:
            self._follow(self._usual_per_s, math.inf, self.until_s)
        return self.then >= amount + ahead or super().has(amount, now_s, ahead)

    def heard(self, rate: Rate, unseen: float, heard_s: float, now_s: float) -> None:
        """The vendor said at *heard_s* how much is left. *unseen*: what was sent and it cannot have counted by then."""
        if rate.remaining is None or rate.resets_in_s is None:
            return
        whole_at_s = heard_s + rate.resets_in_s
        if whole_at_s <= now_s:
            return
        left_per_s = max(0.0, rate.remaining - unseen) / (whole_at_s - now_s)
        if not self._configured:
            self._longest_s = max(self._longest_s, rate.resets_in_s)
            self._usual_per_s = max(rate.limit or left_per_s * self._longest_s, 1.0) / self._longest_s
        slowed_per_s = max(left_per_s, TRICKLE * self._usual_per_s)
        if self._configured and slowed_per_s >= self._usual_per_s:
            self._follow(self._usual_per_s, math.inf, now_s)
        else:
            self._follow(slowed_per_s, whole_at_s, now_s)

    def _follow(self, rate_per_s: float, until_s: float, from_s: float) -> None:
        self.set_rate(rate_per_s, from_s)
        self.until_s = until_s
        if not self._configured:
            self.burst = max(1.0, rate_per_s * LEARNED_BURST_S)
