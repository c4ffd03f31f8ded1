"""What is believed of an endpoint's latency before anything is measured, and the distribution that makes of it."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Self

import attrs

from . import check
from .errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

TYPICAL_P95_OVER_P50 = 1.6
"""Spread of TTFT where a profile names only the median: the sd of its logarithm is 0.12 to 0.26 in most cells of the
LLMPerf leaderboard (December 2023) at fixed prompt, and prompts vary besides."""

TPOT_P95_OVER_P50 = 1.3

TYPICAL_TOKENS = 129
"""Median answer of the Azure conversation trace (2023)."""

LONG_TOKENS = 451
"""Its 95th percentile."""

STANDARD_NORMAL = NormalDist()
SQRT2 = math.sqrt(2.0)
Z95 = STANDARD_NORMAL.inv_cdf(0.95)


@attrs.frozen(kw_only=True)
class Profile:
    """What is believed of an endpoint's latency before anything is measured: the prior of its predictions.

    ttft_s: median seconds to the first token; above 0.
    ttft_p95_s: its 95th percentile; at least *ttft_s*. Default: 1.6 times the median.
    tokens_per_s: output tokens per second once it speaks; above 0. Default 50.
    total_p95_s: 95th percentile of the whole answer's seconds; above 0. Default None: derived from the others.
    """

    ttft_s: float = attrs.field(validator=check.positive)
    ttft_p95_s: float = attrs.field(
        default=attrs.Factory(
            lambda self: check.above_zero(self.ttft_s, "Profile: ttft_s") * TYPICAL_P95_OVER_P50, takes_self=True
        ),
        validator=check.positive,
    )
    tokens_per_s: float = attrs.field(default=50.0, validator=check.positive)
    total_p95_s: float | None = attrs.field(default=None, validator=check.if_given(check.positive))

    def __attrs_post_init__(self) -> None:
        if self.ttft_p95_s < self.ttft_s:
            raise ConfigurationError(
                f"Profile: ttft_p95_s ({self.ttft_p95_s:g}) must be at least the median, ttft_s ({self.ttft_s:g})"
            )

    def ttft(self) -> Prior:
        """Of the time to first token."""
        return Prior(self.ttft_s, self.ttft_p95_s)

    def tpot(self) -> Prior:
        """Of the time per token. It varies little within an endpoint (sd of its log mostly below 0.2, LLMPerf)."""
        return Prior(1.0 / self.tokens_per_s, TPOT_P95_OVER_P50 / self.tokens_per_s)

    def total(self) -> Prior:
        """Of whole answers. They differ in length far more than endpoints in speed, so real lengths make the spread."""
        median_s = self.ttft_s + TYPICAL_TOKENS / self.tokens_per_s
        p95_s = self.total_p95_s or self.ttft_p95_s + LONG_TOKENS / self.tokens_per_s
        return Prior(min(median_s, p95_s), p95_s)


MOST_KEPT = 64
"""Quantiles that are remembered; who asks for more of them does not repeat himself."""


@attrs.frozen
class Prior:
    """A lognormal distribution through a median and a 95th percentile, both in seconds."""

    median_s: float
    p95_s: float
    good_until_s = math.inf
    _quantiles: dict[float, float] = attrs.field(factory=dict[float, float], init=False, repr=False, eq=False)
    """Those that were asked for: the same few, again and again."""

    def as_of(self, _now_s: float, /) -> Self:
        """Itself, at any time."""
        return self

    def quantile(self, q: float, /) -> float:
        """Seconds below which a share *q* (above 0, below 1) is expected."""
        if self.p95_s <= self.median_s:
            return self.median_s
        known = self._quantiles.get(q)
        if known is None:
            known = self.median_s * math.exp(self._sigma() * STANDARD_NORMAL.inv_cdf(q))
            if len(self._quantiles) < MOST_KEPT:
                self._quantiles[q] = known
        return known

    def within(self, t_s: float, /) -> float:
        """P(T <= t)."""
        return self.mean_within((t_s,))

    def mean_within(self, times_s: Sequence[float], /) -> float:
        """The mean of P(T <= t) over several times, at least one."""
        median_s = self.median_s
        if self.p95_s <= median_s:
            return sum(t_s >= median_s for t_s in times_s) / len(times_s)
        scale = 1.0 / (self._sigma() * SQRT2)
        log, erf = math.log, math.erf
        return 0.5 * sum([1.0 + erf(scale * log(t_s / median_s)) for t_s in times_s if t_s > 0.0]) / len(times_s)

    def _sigma(self) -> float:
        return math.log(self.p95_s / self.median_s) / Z95
