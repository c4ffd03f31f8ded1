"""One latency of one endpoint: what was measured, leaning on what was believed.

A few samples say little, so the measured distribution leans on the prior of the endpoint's `Profile` by sample count:

    P(T <= t) = (n * P_measured + k * P_prior) / (n + k),   k = 20

and quantiles likewise. Without a prior the measurement stands alone; with neither the answer is None.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .window import Window

if TYPE_CHECKING:
    from .endpoint import Prior
    from .fold import Fold
    from .hdr import Scale
    from .window import WindowShape

PRIOR_WEIGHT = 20
"""Samples the prior is worth."""

MOST_REMEMBERED = 64
"""Answers of `within` kept per fold. Objectives repeat, and are found here; leftovers of deadlines do not."""


class Latency:
    """The distribution of one metric, in seconds. Reading costs about a microsecond; nothing is scanned.

    window: the samples; recording goes there.
    prior: what is believed before there are any; None if nothing is.
    """

    __slots__ = ("_fold", "_median_s", "_within", "prior", "window")

    def __init__(self, scale: Scale, shape: WindowShape, prior: Prior | None) -> None:
        self.window = Window(scale, shape)
        self.prior = prior
        self._fold: Fold | None = None
        self._within: dict[float, float | None] = {}
        self._median_s: float | None = None

    def samples(self, now_s: float) -> int:
        """Latencies in the window that were seen to their end."""
        return self._current(now_s).count

    def censored(self, now_s: float) -> int:
        """Latencies in the window that were cut off."""
        return self._current(now_s).censored

    def within(self, t_s: float, now_s: float) -> float | None:
        """P(T <= t), 0..1; None if nothing is known."""
        fold = self._current(now_s)
        if t_s not in self._within:
            if len(self._within) >= MOST_REMEMBERED:
                self._within.clear()
            self._within[t_s] = self._blend_within(fold, t_s)
        return self._within[t_s]

    def quantile(self, q: float, now_s: float) -> float | None:
        """Seconds below which a share *q* (above 0, below 1) lies; None if nothing is known."""
        return self._blend_quantile(self._current(now_s), q)

    def median(self, now_s: float) -> float | None:
        """`quantile` of 0.5, remembered from fold to fold."""
        self._current(now_s)
        return self._median_s

    def _current(self, now_s: float) -> Fold:
        fold = self.window.fold(now_s)
        if fold is not self._fold:
            self._fold = fold
            self._within.clear()
            self._median_s = self._blend_quantile(fold, 0.5)
        return fold

    def _blend_within(self, fold: Fold, t_s: float) -> float | None:
        measured = fold.cdf(t_s)
        if self.prior is None:
            return measured
        believed = self.prior.cdf(t_s)
        if measured is None:
            return believed
        return (fold.count * measured + PRIOR_WEIGHT * believed) / (fold.count + PRIOR_WEIGHT)

    def _blend_quantile(self, fold: Fold, q: float) -> float | None:
        measured = fold.quantile(q)
        if self.prior is None:
            return measured
        believed = self.prior.quantile(q)
        if measured is None:
            return believed
        return (fold.count * measured + PRIOR_WEIGHT * believed) / (fold.count + PRIOR_WEIGHT)
