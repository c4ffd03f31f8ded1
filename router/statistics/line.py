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

SETTLED = 5
"""Samples before the line is trusted to tell a straggler."""

SPREAD = 0.1
"""A spread of x of this share of its mean is taken for noise."""


class Line:
    """Seconds by x, a number above 0. Everything is O(1)."""

    __slots__ = ("_base", "_count", "_slope", "_w", "_wt", "_wx", "_wxt", "_wxx")

    def __init__(self) -> None:
        self._w = self._wx = self._wxx = self._wt = self._wxt = 0.0
        self._base = self._slope = 0.0
        self._count = 0

    def sample(self, value_s: float, x: float) -> None:
        """Take a sample, in seconds above 0."""
        expected_s = value_s
        if self._count >= SETTLED:
            expected_s = self._base + self._slope * x
            value_s = min(max(value_s, expected_s / FARTHEST), FARTHEST * expected_s)
        weight = 1.0 / (expected_s * expected_s)
        self._count += 1
        self._w = FORGET * self._w + weight
        self._wx = FORGET * self._wx + weight * x
        self._wxx = FORGET * self._wxx + weight * x * x
        self._wt = FORGET * self._wt + weight * value_s
        self._wxt = FORGET * self._wxt + weight * x * value_s
        self._fit()

    def at(self, x: float) -> float | None:
        """Seconds to expect; None before the first sample."""
        return self._base + self._slope * x if self._count else None

    def _fit(self) -> None:
        mean_x, mean_s = self._wx / self._w, self._wt / self._w
        spread = max(0.0, self._wxx / self._w - mean_x * mean_x) + (SPREAD * mean_x) ** 2
        together = self._wxt / self._w - mean_x * mean_s
        self._slope = min(max(0.0, together / spread), mean_s / mean_x)
        self._base = mean_s - self._slope * mean_x
