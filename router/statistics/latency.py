"""One latency of one endpoint: what was measured, leaning on what was believed.

A few samples say little, so the measured distribution leans on the prior of the endpoint's `Profile` by sample count:

    P(T <= t) = (n * P_measured + k * P_prior) / (n + k),   k = 20

and quantiles likewise. Without a prior the measurement stands alone; with neither the answer is None.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .window import Window

if TYPE_CHECKING:
    from ..profile import Prior
    from .hdr import Scale
    from .window import WindowShape

PRIOR_WEIGHT = 20
"""Samples the prior is worth."""


class Latency:
    """The distribution of one metric, in seconds. Nothing is scanned: a question costs about a microsecond.

    window: the samples; recording goes there.
    prior: what is believed before there are any; None if nothing is.
    """

    __slots__ = ("prior", "window")

    def __init__(self, scale: Scale, shape: WindowShape, prior: Prior | None) -> None:
        self.window = Window(scale, shape)
        self.prior = prior

    def samples(self, now_s: float) -> int:
        """Latencies in the window that were seen to their end."""
        return self.window.fold(now_s).count

    def censored(self, now_s: float) -> int:
        """Latencies in the window that were cut off."""
        return self.window.fold(now_s).censored

    def within(self, t_s: float, now_s: float) -> float | None:
        """P(T <= t), 0..1; None if nothing is known."""
        fold = self.window.fold(now_s)
        believed = None if self.prior is None else self.prior.cdf(t_s)
        return _blend(fold.samples, fold.cdf(t_s), believed)

    def quantile(self, q: float, now_s: float) -> float | None:
        """Seconds below which a share *q* (above 0, below 1) lies; None if nothing is known.

        Where so many were cut off that it lies beyond all that was seen to its end, the prior stands for it, or the
        longest of those cut off if that is more.
        """
        fold = self.window.fold(now_s)
        measured = fold.quantile(q)
        believed = None if self.prior is None else self.prior.quantile(q)
        if measured is None and fold.longest_s is not None and believed is not None:
            measured = max(fold.longest_s, believed)
        return _blend(fold.samples, measured, believed)


def _blend(samples: int, measured: float | None, believed: float | None) -> float | None:
    if measured is None or believed is None:
        return believed if measured is None else measured
    return (samples * measured + PRIOR_WEIGHT * believed) / (samples + PRIOR_WEIGHT)
