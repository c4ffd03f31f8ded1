"""One latency of one endpoint: what was measured, leaning on what was believed.

A few samples say little, so a measured distribution leans on what was believed before, by sample count:

    P(T <= t) = (n * P_measured + k * P_believed) / (n + k),   k = 20

and quantiles likewise. What is believed of an endpoint is its profile; what is believed of prompts of one size is what
is known of all of them. Where nothing is believed the measurement stands alone; with neither the answer is None.

Questions are put to a `Distribution`, which is a latency as of one instant. It stays the same object until a fold under
it is made anew, a few times a second, so what was asked of it once need not be reckoned again.

Source: shrinkage towards a prior worth k samples, as the posterior mean of a Beta-binomial (Gelman et al., "Bayesian
Data Analysis").
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .fold import Fold

BELIEF_WEIGHT = 20
"""Samples a belief is worth."""

NEARLY_ALL = 0.99
"""Share of the measurement from which on a chance is taken from it alone: the belief could move it by a hundredth."""


class Distribution(Protocol):
    """Seconds that something takes. It never changes."""

    def within(self, t_s: float, /) -> float:
        """P(T <= t), 0..1."""
        ...

    def mean_within(self, times_s: Sequence[float], /) -> float:
        """The mean of P(T <= t) over several times, at least one."""
        ...

    def quantile(self, q: float, /) -> float | None:
        """Seconds below which a share *q* (above 0, below 1) lies; None where too much was cut off to tell."""
        ...


class Belief(Protocol):
    """A latency that is believed in before anything is measured."""

    @property
    def good_until_s(self) -> float:
        """Until when the distribution that was given last stays the same; minus infinity: nobody knows."""
        ...

    def as_of(self, now_s: float, /) -> Distribution | None:
        """Its distribution: the same object as long as nothing has changed; None if nothing is known."""
        ...


class Samples(Protocol):
    """Something that holds samples: a window, or several of them."""

    @property
    def good_until_s(self) -> float:
        """Until when the fold that was given last is fresh enough; minus infinity: nobody knows."""
        ...

    def fold(self, now_s: float, /) -> Fold:
        """Their distribution as of now."""
        ...


S_co = TypeVar("S_co", bound=Samples, covariant=True)


class Latency(Generic[S_co]):
    """The distribution of one metric, in seconds; a `Belief` itself. A question costs about a microsecond.

    measured: the samples. believed: the latency to lean on; None: there is none.
    good_until_s: as of a `Belief`.
    """

    __slots__ = ("_believed", "_given", "good_until_s", "measured")

    def __init__(self, measured: S_co, believed: Belief | None) -> None:
        self.measured = measured
        self._believed = believed
        self._given: Distribution | None = None
        self.good_until_s = -math.inf

    def believe(self, belief: Belief) -> None:
        """Lean on another belief from now on."""
        self._believed = belief
        self.good_until_s = -math.inf

    def samples(self, now_s: float) -> int:
        """Latencies in the window that were seen to their end."""
        return self.measured.fold(now_s).count

    def censored(self, now_s: float) -> int:
        """Latencies in the window that were cut off."""
        return self.measured.fold(now_s).censored

    def as_of(self, now_s: float) -> Distribution | None:
        """The distribution as of now; None if nothing is known."""
        if now_s >= self.good_until_s:
            self._given = self._looked_at(now_s)
        return self._given

    def _looked_at(self, now_s: float) -> Distribution | None:
        """What was given last, if a look at what it is made of shows nothing new."""
        fold = self.measured.fold(now_s)
        believed = None if self._believed is None else self._believed.as_of(now_s)
        until_s = math.inf if self._believed is None else self._believed.good_until_s
        self.good_until_s = min(self.measured.good_until_s, until_s)
        if not fold.samples:
            return believed
        given = self._given
        if isinstance(given, Leaning) and given.fold is fold and given.believed is believed:
            return given
        return Leaning(fold, believed)

    def within(self, t_s: float, now_s: float) -> float | None:
        """P(T <= t), 0..1; None if nothing is known."""
        distribution = self.as_of(now_s)
        return None if distribution is None else distribution.within(t_s)

    def quantile(self, q: float, now_s: float) -> float | None:
        """Seconds below which a share *q* (above 0, below 1) lies; None if nothing is known."""
        distribution = self.as_of(now_s)
        return None if distribution is None else distribution.quantile(q)


class Leaning:
    """A measured distribution that leans on a believed one. Quantiles are reckoned once.

    fold: what was measured, at least one sample. believed: None: nothing is.
    """

    __slots__ = ("_quantiles", "_share", "believed", "fold")

    def __init__(self, fold: Fold, believed: Distribution | None) -> None:
        self.fold = fold
        self.believed = believed
        self._share = 1.0 if believed is None else fold.samples / (fold.samples + BELIEF_WEIGHT)
        self._quantiles: dict[float, float | None] = {}

    def within(self, t_s: float, /) -> float:
        """P(T <= t), 0..1."""
        measured = self.fold.cdf(t_s) or 0.0
        if self.believed is None or self._share > NEARLY_ALL:
            return measured
        return self._share * measured + (1.0 - self._share) * self.believed.within(t_s)

    def mean_within(self, times_s: Sequence[float], /) -> float:
        """The mean of P(T <= t) over several times, at least one."""
        measured = self.fold.mean_cdf(times_s) or 0.0
        if self.believed is None or self._share > NEARLY_ALL:
            return measured
        return self._share * measured + (1.0 - self._share) * self.believed.mean_within(times_s)

    def quantile(self, q: float, /) -> float | None:
        """Seconds below which a share *q* lies.

        Where so many were cut off that it lies beyond all that was seen to its end, the belief stands for it, or the
        longest of those cut off if that is more. Where nothing is believed, that is not known.
        """
        if q not in self._quantiles:
            self._quantiles[q] = self._reckoned(q)
        return self._quantiles[q]

    def _reckoned(self, q: float) -> float | None:
        measured = self.fold.quantile(q)
        believed = None if self.believed is None else self.believed.quantile(q)
        if believed is None:
            return measured
        if measured is None:
            measured = max(self.fold.longest_s or 0.0, believed)
        return self._share * measured + (1.0 - self._share) * believed
