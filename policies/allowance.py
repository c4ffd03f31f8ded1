"""What one credential may still send: its meters, its vendor's refusals, and what is on its way.

Every amount is one of four (`amounts`), and meters are asked for those that they measure. What is sent and what comes
back is only added up, and entered into the meters when somebody looks at them, which is four times a second at least
(`certain`): all of it as if it had been when something was sent last. What was used beyond what was reserved counts
from then as well: vendors count tokens as they come, not when the answer ends.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

from ..router.errors import AuthenticationFailed, CallerAtFault, ConnectFailed, PermissionDenied, RateLimited
from ..router.target import LONGEST_GATE_S
from .amounts import LIKELY, MOST, NOTHING, amounts_of
from .cubic import LEAST_PER_S, MOST_TIMES_MEASURED, Cubic, MeasuredRate
from .meter import Meter
from .quota import Counts
from .token_bucket import TokenBucket, take_each

if TYPE_CHECKING:
    from ..router.call import Call
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


Taken: TypeAlias = "tuple[Allowance, Attempt, Asked, Sent, Taken | None]"
"""What an attempt took of which allowance, all that was sent by then, and what the attempt before it took."""


class Allowance:
    """One credential's. quota: as configured; None: only what is learned of it counts.

    certain: is told of what becomes less than was seen. closed_until_s: the vendor has asked to be left alone until
    then. place: of the tokens that its vendor counts as coming out, in `Asked`.
    sent: all that was ever sent: two readings tell what was sent between. Who sends adds to it, and says in *drawn_s*
    when.
    """

    __slots__ = (
        "_beyond_in", "_beyond_out", "_certain", "_counts_usage", "_cubic", "_entered", "_measured", "_meters",
        "_paced", "closed_until_s", "drawn_s", "name", "place", "sent",
    )  # fmt: skip

    def __init__(self, name: str, quota: Quota | None, now_s: float, certain: Certain) -> None:
        self.name = name
        self._certain = certain
        self._counts_usage = quota is None or quota.counts is not Counts.ALLOWED
        self.place = LIKELY if self._counts_usage else MOST
        self._meters: list[tuple[int, Meter]] = []
        """Each with the amount that it measures."""
        if quota is not None:
            for which, limit in enumerate(quota.limits):
                if limit is not None:
                    self._meters.append((which, Meter.of_quota(limit, quota.burst_s, now_s)))
        self.sent: Sent = (0.0, 0.0, 0.0)
        self._entered = self.sent
        """What of that the meters know of."""
        self._beyond_in = self._beyond_out = 0.0
        """Tokens used beyond those that were reserved, that the meters do not know of."""
        self.drawn_s = now_s
        """When something was sent last."""
        self._measured = MeasuredRate(now_s)
        self._cubic: Cubic | None = None
        self._paced: TokenBucket | None = None
        """What the refusals allow; None while there were none of late."""
        self.closed_until_s = now_s

    # -- whether

    def amounts(self, asked: Asked) -> Amounts:
        """What a call takes of this one, as its vendor counts."""
        return amounts_of(asked, self.place)

    def has_room(self, asked: Asked, now_s: float, ahead: Amounts = NOTHING) -> bool:
        """Whether a call may be sent now, if *ahead* is sent before."""
        if now_s < self.closed_until_s:
            return False
        self._enter()
        amounts = amounts_of(asked, self.place)
        for which, meter in self._meters:
            if not meter.has(amounts[which], now_s, ahead[which]):
                return False
        paced = self._paced
        return paced is None or self._follow(paced, now_s).has(1.0, now_s, ahead[0])

    def room(self, now_s: float) -> tuple[float, float, float]:
        """Calls, and tokens however they are counted, that may be sent for certain, and until when that holds.

        Less than 0: owed.
        """
        self._enter()
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
        amounts = amounts_of(asked, self.place)
        ready_s = max(now_s, self.closed_until_s)
        self._enter()
        for which, meter in self._meters:
            ready_s = max(ready_s, meter.ready_at_s(amounts[which], now_s, ahead[which]))
        if self._paced is not None:
            ready_s = max(ready_s, self._follow(self._paced, now_s).ready_at_s(1.0, now_s, ahead[0]))
        return ready_s

    # -- what becomes of it

    def settle(self, taken: Taken, call: Call) -> None:
        """An attempt is over, and those before it: what it did not use comes back, what it used beyond is owed."""
        _, attempt, asked, sent, before = taken
        error, usage = attempt.error, attempt.usage
        if error is not None and isinstance(error, NO_TOKENS):
            self._take_back(error, asked, call.clock())
        elif usage is not None and self._counts_usage:  # without any it may go on there: as was reserved
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
        if attempt.rate_limits is not None:
            heard_s = attempt.sent_s if attempt.headers_s is None else attempt.headers_s
            self._hear(attempt.rate_limits, sent, heard_s, call.clock())
        if error is not None and isinstance(error, RateLimited):
            self._refused(attempt, error.retry_after_s, call.clock())
        if before is not None:
            before[0].settle(before, call)

    def _take_back(self, error: AttemptFailed, asked: Asked, now_s: float) -> None:
        """The vendor counts no tokens of it, nor the call if it never saw it."""
        self._enter()
        calls, *tokens = amounts_of(asked, self.place)
        take_each(self._meters, (-calls if isinstance(error, UNSENT) else 0.0, *(-each for each in tokens)), now_s)

    def _enter(self) -> None:
        """Let the meters know of all that was sent and came back."""
        sent, entered, beyond_in, beyond_out = self.sent, self._entered, self._beyond_in, self._beyond_out
        if sent is not entered or beyond_in or beyond_out:
            calls = sent[0] - entered[0]
            tokens_in, tokens_out = sent[1] - entered[1] + beyond_in, sent[2] - entered[2] + beyond_out
            take_each(self._meters, (calls, tokens_in + tokens_out, tokens_in, tokens_out), self.drawn_s)
            self._measured.sent(self.drawn_s, calls)
            if self._paced is not None:
                self._paced.take(calls, self.drawn_s)
            self._entered = sent
            self._beyond_in = self._beyond_out = 0.0

    # -- what the vendor says

    def _hear(self, limits: RateLimits, sent: Sent, heard_s: float, now_s: float) -> None:
        self._enter()
        rates: tuple[Rate | None, ...] = (limits.requests, limits.tokens, limits.input_tokens, limits.output_tokens)
        known = dict(self._meters)
        calls, tokens_in, tokens_out = (now - then for now, then in zip(self.sent, sent, strict=True))
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
        self._enter()
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
