"""A rate as a bucket: what is taken comes back at a steady pace, and never more of it than the bucket holds.

A bucket of *burst* that refills at *rate_per_s* lets through, in any half-open minute, less than

    burst + 60 * rate_per_s

so a limit of N a minute is kept, and used to the last whole unit, by ``rate_per_s = (N - burst + 1) / 60``. A burst of
one spaces calls evenly; a larger one lets small clumps pass and costs that much of the sustained rate.

What is larger than the bucket passes when the bucket is full, and is paid back afterwards: a level may be negative.

Source: the token bucket of gRPC and of ATM traffic shaping (GCRA), which are one algorithm.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MINUTE_S = 60.0

SLACK = 1e-3
"""Of a call, or of a token, that may be missing: sums of floats never meet exactly."""


class TokenBucket:
    """Full to begin with.

    rate_per_s: what comes back in a second, above 0. burst: what it holds, at least 1.
    then: what was in it at *then_s*, when it was last touched; it has only grown since.
    """

    __slots__ = ("burst", "rate_per_s", "then", "then_s")

    def __init__(self, rate_per_s: float, burst: float, now_s: float) -> None:
        self.rate_per_s = rate_per_s
        self.burst = burst
        self.then = burst
        self.then_s = now_s

    def level(self, now_s: float) -> float:
        """What is in it; below 0, what is owed."""
        return min(self.burst, self.then + (now_s - self.then_s) * self.rate_per_s)

    def has(self, amount: float, now_s: float, ahead: float = 0.0) -> bool:
        """Whether *amount* may be taken now, if *ahead* is taken before."""
        if self.then >= amount + ahead:
            return True
        return self.level(now_s) >= min(amount, self.burst) + ahead - SLACK

    def ready_at_s(self, amount: float, now_s: float, ahead: float = 0.0) -> float:
        """When *amount* may be taken, if *ahead* is taken before; *now_s* if it may now."""
        missing = min(amount, self.burst) + ahead - self.level(now_s)
        return now_s if missing <= SLACK else now_s + missing / self.rate_per_s

    def take(self, amount: float, now_s: float) -> None:
        """Take it, whether or not it is there; less than 0 gives back, as far as the bucket holds it."""
        take_each(((0, self),), (amount,), now_s)

    def set_rate(self, rate_per_s: float, now_s: float) -> None:
        """Refill at another rate from now on."""
        self.then = self.level(now_s)
        self.then_s = now_s
        self.rate_per_s = rate_per_s


def take_each(buckets: Iterable[tuple[int, TokenBucket]], amounts: Sequence[float], now_s: float) -> None:
    """As `TokenBucket.take`, of each bucket the amount of its number. Each call does it twice: so it is one step."""
    for number, bucket in buckets:
        amount = amounts[number]
        if amount:
            burst = bucket.burst
            level = bucket.then + (now_s - bucket.then_s) * bucket.rate_per_s
            level = (level if level < burst else burst) - amount  # noqa: FURB136  calls of min() would cost more
            bucket.then = level if level < burst else burst  # noqa: FURB136  than all the rest
            bucket.then_s = now_s


def per_minute(limit: float, burst_s: float) -> tuple[float, float]:
    """Rate a second and burst of a bucket that keeps *limit* a minute, and lets *burst_s* seconds' worth go at once."""
    burst = max(1.0, limit * burst_s / MINUTE_S)
    return (limit - burst + 1.0 - SLACK) / MINUTE_S, burst
