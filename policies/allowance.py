"""What one credential may still send: its meters, its vendor's refusals, and what is on its way.

Every amount is one of four (`amounts`), and meters are asked for those that they measure. What comes back to a meter is
worked out when somebody asks. So what was there at the last look, less what was taken since, is there *for certain*,
and most calls need no closer look.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..router.errors import AuthenticationFailed, CallerAtFault, ConnectFailed, PermissionDenied, RateLimited
from ..router.target import LONGEST_GATE_S
from .amounts import NOTHING
from .cubic import LEAST_PER_S, MOST_TIMES_MEASURED, Cubic, MeasuredRate
from .meter import Meter
from .quota import Counts
from .token_bucket import TokenBucket, take_each

if TYPE_CHECKING:
    from ..router.ledger import Attempt
    from ..router.rate_limits import Rate, RateLimits
    from .amounts import Amounts, Asked
    from .quota import Quota

UNSENT = (ConnectFailed,)
"""The vendor never saw it."""

REFUSED = (RateLimited, AuthenticationFailed, PermissionDenied, CallerAtFault)
"""The vendor counts the call, and no tokens."""

FORGET_AFTER_S = 300.0
"""Refusals that old say nothing any more."""


class Allowance:
    """One credential's. quota: as configured; None: only what is learned of it counts.

    closed_until_s: the vendor has asked to be left alone until then.
    sure_calls, sure_tokens: what else may be sent for certain, until *sure_until_s*, however tokens are counted.
    """

    __slots__ = (
        "_cubic", "_measured", "_meters", "_paced", "_sent", "_which",
        "closed_until_s", "name", "sure_calls", "sure_tokens", "sure_until_s",
    )  # fmt: skip

    def __init__(self, name: str, quota: Quota | None, now_s: float) -> None:
        self.name = name
        self._which = 1 if quota is not None and quota.counts is Counts.ALLOWED else 0
        self._meters: list[tuple[int, Meter]] = []
        """Each with the amount that it measures."""
        if quota is not None:
            for which, limit in enumerate(quota.limits):
                if limit is not None:
                    self._meters.append((which, Meter.of_quota(limit, quota.burst_s, now_s)))
        self._sent: Amounts = NOTHING
        """Of each amount, all that was ever sent: two readings tell what was sent between."""
        self._measured = MeasuredRate(now_s)
        self._cubic: Cubic | None = None
        self._paced: TokenBucket | None = None
        """What the refusals allow; None while there were none of late."""
        self.closed_until_s = now_s
        self.sure_calls = 0.0
        self.sure_tokens = 0.0
        self.sure_until_s = -math.inf

    # -- whether

    def amounts(self, asked: Asked) -> Amounts:
        """What a call takes of this one, as its vendor counts."""
        return asked[self._which]

    def has_room(self, asked: Asked, now_s: float, ahead: Amounts = NOTHING) -> bool:
        """Whether a call may be sent now, if *ahead* is sent before."""
        amounts = asked[self._which]
        if now_s < self.closed_until_s:
            return False
        for which, meter in self._meters:
            if not meter.has(amounts[which], now_s, ahead[which]):
                return False
        paced = self._paced
        return paced is None or self._follow(paced, now_s).has(1.0, now_s, ahead[0])

    def look(self, now_s: float) -> None:
        """See what may be sent for certain."""
        self.sure_calls = self.sure_tokens = math.inf
        self.sure_until_s = math.inf if self._paced is None else -math.inf
        for which, meter in self._meters:
            self.sure_until_s = min(self.sure_until_s, meter.until_s)
            if which == 0:
                self.sure_calls = meter.level(now_s)
            else:
                self.sure_tokens = min(self.sure_tokens, meter.level(now_s))

    def ready_at_s(self, asked: Asked, now_s: float, ahead: Amounts) -> float:
        """When a call may be sent, if *ahead* is sent before and all goes on as it does."""
        amounts = asked[self._which]
        ready_s = max(now_s, self.closed_until_s)
        for which, meter in self._meters:
            ready_s = max(ready_s, meter.ready_at_s(amounts[which], now_s, ahead[which]))
        if self._paced is not None:
            ready_s = max(ready_s, self._follow(self._paced, now_s).ready_at_s(1.0, now_s, ahead[0]))
        return ready_s

    # -- what becomes of it

    def take(self, asked: Asked, now_s: float) -> Amounts:
        """A call is sent. Gives what had been sent by then, this one included, for `settle`."""
        sent, amounts = self._sent, asked[self._which]
        self._sent = sent = (
            sent[0] + amounts[0], sent[1] + amounts[1], sent[2] + amounts[2], sent[3] + amounts[3],
        )  # fmt: skip
        take_each(self._meters, amounts, now_s)
        self.sure_calls -= 1.0
        self.sure_tokens -= amounts[1]
        self._measured.sent(now_s)
        if self._paced is not None:
            self._paced.take(1.0, now_s)
        return sent

    def settle(self, attempt: Attempt, asked: Asked, sent: Amounts, now_s: float) -> None:
        """An attempt is over: what it did not use comes back, what it used beyond is owed."""
        error = attempt.error
        if error is not None or (attempt.usage is not None and not self._which):
            beyond = self._beyond(attempt, asked[self._which])
            take_each(self._meters, beyond, now_s)
            if beyond[2] > 0.0 or beyond[3] > 0.0:
                self.sure_until_s = -math.inf
        if attempt.rate_limits is not None:
            heard_s = attempt.sent_s if attempt.headers_s is None else attempt.headers_s
            self._hear(attempt.rate_limits, sent, heard_s, now_s)
        if error is not None and isinstance(error, RateLimited):
            self._refused(attempt, error.retry_after_s, now_s)

    def _beyond(self, attempt: Attempt, reserved: Amounts) -> Amounts:
        """What a vendor counts of an attempt that is over, beyond what was reserved; less than 0: not so much.

        One that was cut off may go on there: as was reserved.
        """
        error, usage = attempt.error, attempt.usage
        calls, tokens, tokens_in, tokens_out = reserved
        if error is not None and isinstance(error, UNSENT):
            return -calls, -tokens, -tokens_in, -tokens_out
        if error is not None and isinstance(error, REFUSED):
            return 0.0, -tokens, -tokens_in, -tokens_out
        if usage is None or self._which:
            return NOTHING
        used_in = tokens_in if usage.input_tokens is None else usage.input_tokens
        used_out = tokens_out if usage.output_tokens is None else usage.output_tokens
        return 0.0, used_in + used_out - tokens, used_in - tokens_in, used_out - tokens_out

    # -- what the vendor says

    def _hear(self, limits: RateLimits, sent: Amounts, heard_s: float, now_s: float) -> None:
        self.sure_until_s = -math.inf
        rates: tuple[Rate | None, ...] = (limits.requests, limits.tokens, limits.input_tokens, limits.output_tokens)
        known = dict(self._meters)
        for which, rate in enumerate(rates):
            if rate is None:
                continue
            unseen, meter = self._sent[which] - sent[which], known.get(which)
            if meter is not None:
                meter.heard(rate, unseen, heard_s, now_s)
            elif (found := Meter.of_headers(rate, unseen, heard_s, now_s)) is not None:
                self._meters.append((which, found))

    def _refused(self, attempt: Attempt, retry_after_s: float | None, now_s: float) -> None:
        self.sure_until_s = -math.inf
        if retry_after_s is not None:
            self.closed_until_s = max(self.closed_until_s, now_s + min(retry_after_s, LONGEST_GATE_S))
        if self._cubic is None:
            self._cubic = Cubic(max(self._measured.per_s(now_s), LEAST_PER_S), now_s)
        else:
            self._cubic = self._cubic.refused(attempt.sent_s, now_s)
        if self._paced is None:
            self._paced = TokenBucket(self._cubic.per_s(now_s), 1.0, now_s)

    def _follow(self, paced: TokenBucket, now_s: float) -> TokenBucket:
        """The bucket at the rate that the refusals allow by now."""
        cubic = self._cubic
        if cubic is not None and now_s - cubic.cut_at_s < FORGET_AFTER_S:
            most_per_s = max(MOST_TIMES_MEASURED * self._measured.per_s(now_s), LEAST_PER_S)
            paced.set_rate(min(cubic.per_s(now_s), most_per_s), now_s)
        else:
            self._cubic = self._paced = None
        return paced
