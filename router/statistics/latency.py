"""One latency of one endpoint: what was measured, leaning on what was believed.

A few samples say little, so a measured distribution leans on what was believed before, by sample count:

    P(T <= t) = (n * P_measured + k * P_believed) / (n + k),   k = 20

and quantiles likewise. What is believed of an endpoint is its profile; what is believed of prompts of one size is what
is known of all of them. Where nothing is believed the measurement stands alone; with neither the answer is None.

Source: shrinkage towards a prior worth k samples, as the posterior mean of a Beta-binomial (Gelman et al., "Bayesian
Data Analysis").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from .fold import Fold

BELIEF_WEIGHT = 20
"""Samples a belief is worth."""


class Belief(Protocol):
    """A distribution of seconds that is believed in before anything is measured."""

    def within(self, t_s: float, now_s: float, /) -> float | None:
        """P(T <= t), 0..1; None if nothing is known."""
        ...

    def quantile(self, q: float, now_s: float, /) -> float | None:
        """Seconds below which a share *q* (above 0, below 1) lies; None if nothing is known."""
        ...


class Samples(Protocol):
    """Something that holds samples: a window, or several of them."""

    def fold(self, now_s: float, /) -> Fold:
        """Their distribution as of now."""
        ...


S_co = TypeVar("S_co", bound=Samples, covariant=True)


class Latency(Generic[S_co]):
    """The distribution of one metric, in seconds; a `Belief` itself. A question costs about a microsecond.

    measured: the samples. believed: the distribution to lean on; None: there is none.
    """

    __slots__ = ("believed", "measured")

    def __init__(self, measured: S_co, believed: Belief | None) -> None:
        self.measured = measured
        self.believed = believed

    def samples(self, now_s: float) -> int:
        """Latencies in the window that were seen to their end."""
        return self.measured.fold(now_s).count

    def censored(self, now_s: float) -> int:
        """Latencies in the window that were cut off."""
        return self.measured.fold(now_s).censored

    def within(self, t_s: float, now_s: float) -> float | None:
        """P(T <= t), 0..1; None if nothing is known."""
        fold = self.measured.fold(now_s)
        believed = None if self.believed is None else self.believed.within(t_s, now_s)
        return blend(fold.samples, fold.cdf(t_s), believed)

    def quantile(self, q: float, now_s: float) -> float | None:
        """Seconds below which a share *q* (above 0, below 1) lies; None if nothing is known.

        Where so many were cut off that it lies beyond all that was seen to its end, the belief stands for it, or the
        longest of those cut off if that is more.
        """
        fold = self.measured.fold(now_s)
        measured = fold.quantile(q)
        believed = None if self.believed is None else self.believed.quantile(q, now_s)
        if measured is None and fold.longest_s is not None and believed is not None:
            measured = max(fold.longest_s, believed)
        return blend(fold.samples, measured, believed)


def blend(samples: int, measured: float | None, believed: float | None) -> float | None:
    """A measurement of so many samples, leaning on a belief. Either may be unknown."""
    if measured is None or believed is None:
        return believed if measured is None else measured
    return (samples * measured + BELIEF_WEIGHT * believed) / (samples + BELIEF_WEIGHT)
