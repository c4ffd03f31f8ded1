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

from .token_bucket import TokenBucket

if TYPE_CHECKING:
    from ..router.rate_limits import Rate

TRICKLE = 0.05
"""Share of the usual rate that goes on when nothing is said to be left."""


class Meter:
    """One rate.

    bucket: what it allows now. configured: it may only be slowed down, and returns to what was configured.
    """

    __slots__ = ("_burst_s", "_configured", "_longest_s", "_until_s", "_usual_per_s", "bucket")

    def __init__(self, bucket: TokenBucket, burst_s: float, *, configured: bool) -> None:
        self.bucket = bucket
        self._burst_s = burst_s
        self._configured = configured
        self._usual_per_s = bucket.rate_per_s
        self._longest_s = 0.0
        self._until_s = math.inf
        """When what was last heard is over; infinity: nothing holds but what is usual."""

    def has(self, amount: float, now_s: float) -> bool:
        """Whether *amount* may be sent now."""
        if now_s >= self._until_s:
            self._be_whole()
        return self.bucket.has(amount, now_s)

    def ready_at_s(self, amount: float, now_s: float, ahead: float) -> float:
        """When *amount* may be sent, if *ahead* is sent before."""
        return self.bucket.ready_at_s(amount, now_s, ahead)

    def heard(self, rate: Rate, unseen: float, heard_s: float, now_s: float) -> None:
        """The vendor has said how much is left. *unseen*: what was sent that it cannot have counted yet."""
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

    def _be_whole(self) -> None:
        self._follow(self._usual_per_s, math.inf, self._until_s)

    def _follow(self, rate_per_s: float, until_s: float, from_s: float) -> None:
        self.bucket.set_rate(rate_per_s, from_s)
        self._until_s = until_s
        if not self._configured:
            self.bucket.burst = max(1.0, rate_per_s * self._burst_s)


def learned(rate: Rate, unseen: float, heard_s: float, now_s: float) -> Meter | None:
    """A meter of a rate that is known from the vendor's headers alone; None if they do not say enough."""
    if rate.remaining is None or not rate.resets_in_s or heard_s + rate.resets_in_s <= now_s:
        return None
    usual = rate.remaining if rate.limit is None else rate.limit
    if not usual:
        return None
    meter = Meter(TokenBucket(usual / rate.resets_in_s, 1.0, now_s), LEARNED_BURST_S, configured=False)
    meter.heard(rate, unseen, heard_s, now_s)
    return meter


LEARNED_BURST_S = 1.0
"""As by default of what is configured."""
