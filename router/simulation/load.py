"""The shapes that traffic comes in: steady, in steps, by the day, in a flash, and as it was once recorded.

A shape is a rate over time. Calls are independent of each other, so with a rate of r a second their gaps are
exponential of mean 1 / r (a Poisson process), and where the rate changes, a call at the highest rate there is is kept
with the chance that the rate has of it (thinning). A recording is the exception: its instants are what they are.

All are open-loop: when a call comes does not depend on what became of those before.

Source: Lewis and Shedler, "Simulation of nonhomogeneous Poisson processes by thinning" (1979).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import attrs

from .. import check
from ..errors import ConfigurationError

if TYPE_CHECKING:
    import random

DAY_S = 86_400.0


@runtime_checkable
class Load(Protocol):
    """A shape of traffic."""

    def instants(self, seconds: float, dice: random.Random, /) -> Iterator[float]:
        """When calls come, in seconds from the start, in order, up to *seconds* and without it."""
        ...


class Shape(Protocol):
    """A rate over time: what `thinned` needs to know."""

    @property
    def most_per_s(self) -> float:
        """Calls a second that the rate never exceeds."""
        ...

    def rate_per_s(self, at_s: float, /) -> float:
        """Calls a second at an instant."""
        ...


def thinned(shape: Shape, seconds: float, dice: random.Random) -> Iterator[float]:
    """Independent instants at the rate of *shape*."""
    most, at_s = shape.most_per_s, 0.0
    while most > 0:
        at_s += dice.expovariate(most)
        if at_s >= seconds:
            return
        if dice.random() * most < shape.rate_per_s(at_s):
            yield at_s


@attrs.frozen
class Steady:
    """The same rate all the time. *calls_per_s*: above 0."""

    calls_per_s: float = attrs.field(validator=check.positive)

    def instants(self, seconds: float, dice: random.Random, /) -> Iterator[float]:
        """As `Load`."""
        at_s = dice.expovariate(self.calls_per_s)
        while at_s < seconds:
            yield at_s
            at_s += dice.expovariate(self.calls_per_s)


def _steps(given: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    return tuple((from_s, rate) for from_s, rate in given)


@attrs.frozen
class Steps:
    """A rate that changes at instants, and stays between them.

    steps: pairs of seconds from the start and calls a second from then on, in order of time; rates at least 0. Nothing
        comes before the first.
    """

    steps: tuple[tuple[float, float], ...] = attrs.field(converter=_steps)

    def __attrs_post_init__(self) -> None:
        starts = [from_s for from_s, _ in self.steps]
        if not starts or starts != sorted(set(starts)) or any(rate < 0 for _, rate in self.steps):
            raise ConfigurationError(
                "Steps: steps must be pairs (seconds, calls a second) in order of time, with rates of at least 0, "
                f"not {self.steps!r}"
            )

    @property
    def most_per_s(self) -> float:
        """The highest step."""
        return max(rate for _, rate in self.steps)

    def rate_per_s(self, at_s: float, /) -> float:
        """As `Shape`."""
        return next((rate for from_s, rate in reversed(self.steps) if from_s <= at_s), 0.0)

    def instants(self, seconds: float, dice: random.Random, /) -> Iterator[float]:
        """As `Load`."""
        return thinned(self, seconds, dice)


@attrs.frozen(kw_only=True)
class Daily:
    """The rhythm of a day, a wave around its mean.

    mean_per_s: calls a second over the whole day; above 0.
    swing: how far the rate leaves the mean, as a share of it. Default 0.8; 0 to 1, where 1 falls silent at night.
    peak_at_s: when it is highest, in seconds from the start. Default 0.
    day_s: how long a day is. Default 86,400; above 0. A short one shows a week in minutes.
    """

    mean_per_s: float = attrs.field(validator=check.positive)
    swing: float = attrs.field(default=0.8, validator=check.chance)
    peak_at_s: float = attrs.field(default=0.0, validator=check.at_least_zero)
    day_s: float = attrs.field(default=DAY_S, validator=check.positive)

    @property
    def most_per_s(self) -> float:
        """The rate at the peak."""
        return self.mean_per_s * (1.0 + self.swing)

    def rate_per_s(self, at_s: float, /) -> float:
        """As `Shape`."""
        return self.mean_per_s * (1.0 + self.swing * math.cos(2.0 * math.pi * (at_s - self.peak_at_s) / self.day_s))

    def instants(self, seconds: float, dice: random.Random, /) -> Iterator[float]:
        """As `Load`."""
        return thinned(self, seconds, dice)


@attrs.frozen(kw_only=True)
class FlashCrowd:
    """A crowd that comes within seconds and goes slowly: a link that is shared, a breaking story.

    usual_per_s: before, and again long after; above 0.
    peak_per_s: at the height; at least *usual_per_s*.
    at_s: when it begins to come; at least 0.
    rises_in_s: straight up to the peak. Default 5; above 0.
    halves_in_s: seconds in which what is above the usual falls to its half. Default 60; above 0.
    """

    usual_per_s: float = attrs.field(validator=check.positive)
    peak_per_s: float = attrs.field(validator=check.positive)
    at_s: float = attrs.field(validator=check.at_least_zero)
    rises_in_s: float = attrs.field(default=5.0, validator=check.positive)
    halves_in_s: float = attrs.field(default=60.0, validator=check.positive)

    def __attrs_post_init__(self) -> None:
        if self.peak_per_s < self.usual_per_s:
            raise ConfigurationError(
                f"FlashCrowd: peak_per_s ({self.peak_per_s:g}) must be at least usual_per_s ({self.usual_per_s:g})"
            )

    @property
    def most_per_s(self) -> float:
        """The rate at the peak."""
        return self.peak_per_s

    def rate_per_s(self, at_s: float, /) -> float:
        """As `Shape`."""
        since_s = at_s - self.at_s
        if since_s <= 0:
            return self.usual_per_s
        if since_s < self.rises_in_s:
            share = since_s / self.rises_in_s
        else:
            share = 0.5 ** ((since_s - self.rises_in_s) / self.halves_in_s)
        return self.usual_per_s + share * (self.peak_per_s - self.usual_per_s)

    def instants(self, seconds: float, dice: random.Random, /) -> Iterator[float]:
        """As `Load`."""
        return thinned(self, seconds, dice)


def _in_order(given: Sequence[float]) -> tuple[float, ...]:
    return tuple(sorted(given))


@attrs.frozen
class Replay:
    """Instants that were recorded, told from the first of them; so they may be of any clock.

    timestamps: seconds, in any order.
    speed: how many times faster they are played. Default 1; above 0.
    """

    timestamps: tuple[float, ...] = attrs.field(converter=_in_order, repr=lambda instants: f"<{len(instants)}>")
    speed: float = attrs.field(default=1.0, kw_only=True, validator=check.positive)

    def instants(self, seconds: float, dice: random.Random, /) -> Iterator[float]:
        """As `Load`."""
        del dice
        for timestamp in self.timestamps:
            at_s = (timestamp - self.timestamps[0]) / self.speed
            if at_s >= seconds:
                return
            yield at_s
