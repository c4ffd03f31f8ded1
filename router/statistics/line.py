"""How a latency grows with something that is known beforehand: a line, fitted as samples come.

    T = a + b * x

A model reads a prompt block by block, so its time to first token is a constant (network, queue) and so much a token. A
server under load takes so much longer per token for every call it has at once. The line is a least-squares fit of
relative errors that forgets: a sample weighs half as much 34 samples later. Both parts are at least zero, and without a
spread of x to tell them apart everything is constant. A sample farther than a quarter off the line counts as a quarter
off: stragglers must not tilt it, and what the endpoint as a whole becomes is not the line's to follow but its user's.

Sources: Huber, "Robust Estimation of a Location Parameter" (1964); recursive least squares with exponential forgetting
(Plackett 1950; Haykin, "Adaptive Filter Theory"); weighted means and variances as samples come (West, "Updating Mean
and Variance Estimates", 1979).
"""

from __future__ import annotations

FORGET = 0.98
"""Weight left of what was known when a sample comes."""

FARTHEST = 1.25
"""Times the line that a sample may lie above it, or the line above the sample."""

NEAREST = 1.0 / FARTHEST

SETTLED = 5
"""Samples before the line is trusted to tell a straggler."""

SPREAD = 0.1
"""A spread of x of this share of its mean is taken for noise."""

SPREAD_SQUARED = SPREAD * SPREAD


class Line:
    """Seconds by x, a number above 0. Everything is O(1). A sample is the hot path: its steps stand in one place."""

    __slots__ = ("_base", "_count", "_mean_s", "_mean_x", "_slope", "_together", "_var", "_weight")

    def __init__(self) -> None:
        self._weight = self._mean_x = self._mean_s = 0.0
        self._var = self._together = 0.0
        """Variance of x, and covariance of x and the seconds."""
        self._base = self._slope = 0.0
        self._count = 0

    def sample(self, value_s: float, x: float) -> float:
        """Take a sample, in seconds above 0. Gives how many times what was expected it is; 1.0 of the first."""
        count = self._count
        expected_s = self._base + self._slope * x if count else value_s
        ratio = value_s / expected_s
        self._count = count + 1
        if count < SETTLED:
            expected_s = value_s
        elif ratio > FARTHEST:
            value_s = FARTHEST * expected_s
        elif ratio < NEAREST:
            value_s = NEAREST * expected_s
        weight = 1.0 / (expected_s * expected_s)
        self._weight = weights = FORGET * self._weight + weight
        gain = weight / weights
        rest = 1.0 - gain
        off_x = x - self._mean_x
        gained_x = gain * off_x
        off_s = value_s - self._mean_s
        self._mean_x = mean_x = self._mean_x + gained_x
        self._mean_s = mean_s = self._mean_s + gain * off_s
        self._var = spread = rest * (self._var + gained_x * off_x)
        self._together = together = rest * (self._together + gained_x * off_s)
        if together > 0.0:
            slope = together / (spread + SPREAD_SQUARED * mean_x * mean_x)
            if slope * mean_x > mean_s:
                slope = mean_s / mean_x
            self._slope, self._base = slope, mean_s - slope * mean_x
        else:
            self._slope, self._base = 0.0, mean_s
        return ratio

    def at(self, x: float) -> float | None:
        """Seconds to expect; None before the first sample."""
        return self._base + self._slope * x if self._count else None

    def over(self, x: float, usual: float) -> float:
        """How many times what is to be expected at *usual* is at *x*; 1.0 before the first sample."""
        expected_s = self._base + self._slope * usual
        return (self._base + self._slope * x) / expected_s if expected_s else 1.0
