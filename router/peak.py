"""The time to first token as a peak-sensitive average: up at once, down slowly.

An endpoint that has just been slow is believed to be slow, and forgiven as time passes; a hundred good answers do not
hide a bad one. That is what a balancer needs, and what a distribution over a minute cannot give.

    observe(x):   cost = x                       if x is above cost
                  cost = cost * w + x * (1 - w)  otherwise, with w = exp(-(t - then) / tau)
    estimate(t) = cost * exp(-(t - then) / tau)

A failure is observed as the penalty it deserves, never as the short time it took, and never lowers the cost. A call
that was cut off says that it would have taken longer, so it can raise the cost and never lowers it either. Asking
changes nothing. Everything is O(1).

Source: Finagle's PeakEwma; the penalty of linkerd2's load biaser.
"""

from __future__ import annotations

import math

TAU_S = 10.0
"""Time constant of forgetting: after 10 s a peak weighs 0.37, after 30 s 0.05."""

PENALTY_S = 5.0
"""What a failure counts as, at least."""

LONGEST_PENALTY_S = 300.0
"""What a vendor's wish to be left alone counts as, at most."""

TIMES_P95 = 3.0
"""A failure of an endpoint that takes long costs more: three times its 95th percentile."""


class Peak:
    """One endpoint's. All times are seconds on the router's clock; *now_s* must not go back."""

    __slots__ = ("_cost_s", "_stamp_s")

    def __init__(self) -> None:
        self._cost_s: float | None = None
        self._stamp_s = 0.0

    def estimate_s(self, now_s: float) -> float | None:
        """Seconds to the first token, as they are feared now; None before the first observation."""
        if self._cost_s is None:
            return None
        return self._cost_s * math.exp((self._stamp_s - now_s) / TAU_S)

    def spoke(self, ttft_s: float, now_s: float) -> None:
        """A first token came after *ttft_s*."""
        cost_s = self._cost_s
        if cost_s is not None and ttft_s < cost_s:
            weight = math.exp((self._stamp_s - now_s) / TAU_S)
            ttft_s = cost_s * weight + ttft_s * (1.0 - weight)
        self._cost_s, self._stamp_s = ttft_s, now_s

    def failed(self, now_s: float, p95_s: float | None, retry_after_s: float | None) -> None:
        """A call failed by the endpoint's fault.

        p95_s: the 95th percentile of its first-token times; None if unknown. retry_after_s: seconds it asked to be
        left alone; None if it did not.
        """
        penalty_s = max(PENALTY_S, TIMES_P95 * (p95_s or 0.0), min(retry_after_s or 0.0, LONGEST_PENALTY_S))
        self._raise(penalty_s, now_s)

    def cut_off(self, after_s: float, now_s: float) -> None:
        """A call was cut off without a first token after *after_s*. Of an endpoint never heard of it says nothing."""
        if self._cost_s is not None:
            self._raise(after_s, now_s)

    def _raise(self, cost_s: float, now_s: float) -> None:
        estimate_s = self.estimate_s(now_s) or 0.0
        if cost_s > estimate_s:
            self._cost_s, self._stamp_s = cost_s, now_s
