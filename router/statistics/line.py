"""How a latency grows with something that is known beforehand: a line, fitted as samples come.

    T = a + b * x

A model reads a prompt block by block, so its time to first token is a constant (network, queue) and so much a token. A
server under load takes so much longer per token for every call it has at once. The line is a least-squares fit of
relative errors that forgets: a sample weighs half as much 34 samples later. Both parts are at least zero, and without a
spread of x to tell them apart everything is constant. A sample farther than a quarter off the line counts as a quarter
off: stragglers must not tilt it, and what the endpoint as a whole becomes is not the line's to follow but its user's.

Sources: Huber, "Robust Estimation of a Location Parameter" (1964); recursive least squares with exponential forgetting
(Plackett 1950; Haykin, "Adaptive Filter Theory").
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

    __slots__ = ("_base", "_count", "_slope", "_w", "_wt", "_wx", "_wxt", "_wxx")

    def __init__(self) -> None:
        self._w = self._wx = self._wxx = self._wt = self._wxt = 0.0
        self._base = self._slope = 0.0
        self._count = 0

    def sample(self, value_s: float, x: float) -> float:
        """Take a sample, in seconds above 0. Gives how many times what was expected it is; 1.0 of the first."""
        expected_s = self._base + self._slope * x if self._count else value_s
        ratio = value_s / expected_s
        if self._count < SETTLED:
            expected_s = value_s
        elif ratio > FARTHEST:
            value_s = FARTHEST * expected_s
        elif ratio < NEAREST:
            value_s = NEAREST * expected_s
        weight = 1.0 / (expected_s * expected_s)
        of_x, of_s = weight * x, weight * value_s
        self._count += 1
        self._w = w = FORGET * self._w + weight
        self._wx = wx = FORGET * self._wx + of_x
        self._wxx = wxx = FORGET * self._wxx + of_x * x
        self._wt = wt = FORGET * self._wt + of_s
        self._wxt = wxt = FORGET * self._wxt + of_s * x
        mean_x, mean_s = wx / w, wt / w
        spread = wxx / w - mean_x * mean_x
        floor = SPREAD_SQUARED * mean_x * mean_x
        slope = (wxt / w - mean_x * mean_s) / (spread + floor if spread > 0.0 else floor)
        if slope <= 0.0:
            slope = 0.0
        elif slope * mean_x > mean_s:
            slope = mean_s / mean_x
        self._slope, self._base = slope, mean_s - slope * mean_x
        return ratio

    def at(self, x: float) -> float | None:
        """Seconds to expect; None before the first sample."""
        return self._base + self._slope * x if self._count else None

    def over(self, x: float, usual: float) -> float:
        """How many times what is to be expected at *usual* is at *x*; 1.0 before the first sample."""
        expected_s = self._base + self._slope * usual
        return (self._base + self._slope * x) / expected_s if expected_s else 1.0
