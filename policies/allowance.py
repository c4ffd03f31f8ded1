"""What one credential may still send: its meters, its vendor's refusals, and what is on its way.

Every amount is one of four (`amounts`), and meters are asked for those that they measure. What is sent and what comes
back is only added up, and entered into the meters when somebody looks at them, or twenty times a second: all of it as
if it had been at the last instant of that time, so that a meter never holds more than is there.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

from ..router.errors import AuthenticationFailed, CallerAtFault, ConnectFailed, PermissionDenied, RateLimited
from ..router.remembered import KEPT_S
from ..router.target import LONGEST_GATE_S
from .amounts import LIKELY, MOST, NOTHING, amounts_of
from .cubic import LEAST_PER_S, MOST_TIMES_MEASURED, Cubic, MeasuredRate
from .meter import Meter
from .quota import Counts
from .token_bucket import TokenBucket, take_each

if TYPE_CHECKING:
    from ..router.errors import AttemptFailed
    from ..router.ledger import Attempt
    from ..router.rate_limits import Rate, RateLimits
    from .amounts import Amounts, Asked
    from .certain import Certain
    from .quota import Quota

UNSENT = (ConnectFailed,)
"""The vendor never saw it."""

REFUSED = (RateLimited, AuthenticationFailed, PermissionDenied, CallerAtFault)
"""The vendor counts the call, and no tokens."""

Sent: TypeAlias = tuple[float, float, float]
"""Calls, tokens in and tokens out."""

NO_TOKENS = UNSENT + REFUSED

FORGET_AFTER_S = 300.0
"""Refusals that old say nothing any more."""


class Allowance:
    """One credential's. quota: as configured; None: only what is learned of it counts.

    certain: is told of what becomes less than was seen. closed_until_s: the vendor has asked to be left alone until
    then.
    """

    __slots__ = (
        "_beyond_in", "_beyond_out", "_certain", "_cubic", "_drawn_s", "_due_s", "_entered", "_measured", "_meters",
        "_paced", "_place", "_sent", "closed_until_s", "name",
    )  # fmt: skip

    def __init__(self, name: str, quota: Quota | None, now_s: float, certain: Certain) -> None:
        self.name = name
        self._certain = certain
        self._place = MOST if quota is not None and quota.counts is Counts.ALLOWED else LIKELY
        self._meters: list[tuple[int, Meter]] = []
        """Each with the amount that it measures."""
        if quota is not None:
            for which, limit in enumerate(quota.limits):
                if limit is not None:
                    self._meters.append((which, Meter.of_quota(limit, quota.burst_s, now_s)))
        self._sent: Sent = (0.0, 0.0, 0.0)
        """All that was ever sent: two readings tell what was sent between."""
        self._entered = self._sent
        """What of that the meters know of."""
        self._beyond_in = self._beyond_out = 0.0
        """Tokens used beyond those that were reserved, that the meters do not know of."""
        self._drawn_s = now_s
        """When there was something to enter last."""
        self._due_s = now_s
        """When it is to be entered at the latest."""
        self._measured = MeasuredRate(now_s)
        self._cubic: Cubic | None = None
        self._paced: TokenBucket | None = None
        """What the refusals allow; None while there were none of late."""
        self.closed_until_s = now_s

    # -- whether

    def amounts(self, asked: Asked) -> Amounts:
        """What a call takes of this one, as its vendor counts."""
        return amounts_of(asked, self._place)

    def has_room(self, asked: Asked, now_s: float, ahead: Amounts = NOTHING) -> bool:
        """Whether a call may be sent now, if *ahead* is sent before."""
        if now_s < self.closed_until_s:
            return False
        self._enter(now_s)
        amounts = amounts_of(asked, self._place)
        for which, meter in self._meters:
            if not meter.has(amounts[which], now_s, ahead[which]):
                return False
        paced = self._paced
        return paced is None or self._follow(paced, now_s).has(1.0, now_s, ahead[0])

    def room(self, now_s: float) -> tuple[float, float, float]:
        """Calls, and tokens however they are counted, that may be sent for certain, and until when that holds.

        Less than 0: owed.
        """
        self._enter(now_s)
        calls = tokens = math.inf
        until_s = math.inf if self._paced is None and now_s >= self.closed_until_s else now_s
        for which, meter in self._meters:
            until_s = min(until_s, meter.until_s)
            if which == 0:
                calls = meter.level(now_s)
            else:
                tokens = min(tokens, meter.level(now_s))
        return calls, tokens, until_s

    def ready_at_s(self, asked: Asked, now_s: float, ahead: Amounts) -> float:
        """When a call may be sent, if *ahead* is sent before and all goes on as it does."""
        amounts = amounts_of(asked, self._place)
        ready_s = max(now_s, self.closed_until_s)
        self._enter(now_s)
        for which, meter in self._meters:
            ready_s = max(ready_s, meter.ready_at_s(amounts[which], now_s, ahead[which]))
        if self._paced is not None:
            ready_s = max(ready_s, self._follow(self._paced, now_s).ready_at_s(1.0, now_s, ahead[0]))
        return ready_s

    # -- what becomes of it

    def take(self, asked: Asked, now_s: float) -> Sent:
        """A call is sent. Gives what had been sent by then, this one included, for `settle`."""
        if now_s >= self._due_s:
            self._enter(now_s)
        calls, tokens_in, tokens_out = self._sent
        self._sent = sent = (calls + 1.0, tokens_in + asked[0], tokens_out + asked[self._place])
        self._drawn_s = now_s
        return sent

    def settle(self, attempt: Attempt, asked: Asked, sent: Sent, now_s: float) -> None:
        """An attempt is over: what it did not use comes back, what it used beyond is owed."""
        if now_s >= self._due_s:
            self._enter(now_s)
        error, usage = attempt.error, attempt.usage
        if error is not None and isinstance(error, NO_TOKENS):
            self._take_back(error, amounts_of(asked, self._place), now_s)
        elif usage is not None and self._place == LIKELY:  # without any it may go on there: as was reserved
            if usage.input_tokens is not None:
                beyond = usage.input_tokens - asked[0]
                self._beyond_in += beyond
                if beyond > 0.0:
                    self._certain.weight += beyond
            if usage.output_tokens is not None:
                beyond = usage.output_tokens - asked[LIKELY]
                self._beyond_out += beyond
                if beyond > 0.0:
                    self._certain.weight += beyond
            self._drawn_s = now_s
        if attempt.rate_limits is not None:
            heard_s = attempt.sent_s if attempt.headers_s is None else attempt.headers_s
            self._hear(attempt.rate_limits, sent, heard_s, now_s)
        if error is not None and isinstance(error, RateLimited):
            self._refused(attempt, error.retry_after_s, now_s)

    def _take_back(self, error: AttemptFailed, reserved: Amounts, now_s: float) -> None:
        """The vendor counts no tokens of it, nor the call if it never saw it."""
        self._enter(now_s)
        calls, *tokens = reserved
        take_each(self._meters, (-calls if isinstance(error, UNSENT) else 0.0, *(-each for each in tokens)), now_s)

    def _enter(self, now_s: float) -> None:
        """Let the meters know of all that was sent and came back."""
        sent, entered, beyond_in, beyond_out = self._sent, self._entered, self._beyond_in, self._beyond_out
        if sent is not entered or beyond_in or beyond_out:
            calls = sent[0] - entered[0]
            tokens_in, tokens_out = sent[1] - entered[1] + beyond_in, sent[2] - entered[2] + beyond_out
            take_each(self._meters, (calls, tokens_in + tokens_out, tokens_in, tokens_out), self._drawn_s)
            self._measured.sent(self._drawn_s, calls)
            if self._paced is not None:
                self._paced.take(calls, self._drawn_s)
            self._entered = sent
            self._beyond_in = self._beyond_out = 0.0
        self._due_s = now_s + KEPT_S

    # -- what the vendor says

    def _hear(self, limits: RateLimits, sent: Sent, heard_s: float, now_s: float) -> None:
        self._enter(now_s)
        rates: tuple[Rate | None, ...] = (limits.requests, limits.tokens, limits.input_tokens, limits.output_tokens)
        known = dict(self._meters)
        calls, tokens_in, tokens_out = (now - then for now, then in zip(self._sent, sent, strict=True))
        since = calls, tokens_in + tokens_out, tokens_in, tokens_out
        for which, rate in enumerate(rates):
            if rate is None:
                continue
            unseen, meter = since[which], known.get(which)
            if meter is not None:
                had = meter.level(now_s)
                meter.heard(rate, unseen, heard_s, now_s)
                lost = had - meter.level(now_s)  # of a rate that nobody configured, less may be sent at once
                if lost:
                    self._certain.lost(*((lost, 0.0) if which == 0 else (0.0, lost)))
            elif (found := Meter.of_headers(rate, unseen, heard_s, now_s)) is not None:
                self._meters.append((which, found))
                self._certain.forget()

    def _refused(self, attempt: Attempt, retry_after_s: float | None, now_s: float) -> None:
        self._certain.forget()
        self._enter(now_s)
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
