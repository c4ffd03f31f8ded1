"""A distribution known by a table of its quantiles: what a publication gives, and all that a draw needs.

Between two entries the logarithm is interpolated, since latencies and lengths vary by factors. The first and the last
entry are the least and the greatest value seen: nothing beyond the measurement is made up.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from itertools import pairwise

import attrs


def _rising(_instance: object, attribute: attrs.Attribute[tuple[float, ...]], value: tuple[float, ...]) -> None:
    if any(later < earlier for earlier, later in pairwise(value)):
        raise ValueError(f"{attribute.name} must not fall: {value}")


@attrs.frozen
class Quantiles:
    """Values at given shares of a sample.

    shares: from 0.0 to 1.0, rising. values: as many, above 0, not falling.
    """

    shares: tuple[float, ...] = attrs.field(validator=_rising)
    values: tuple[float, ...] = attrs.field(validator=_rising)

    def __attrs_post_init__(self) -> None:
        if len(self.shares) != len(self.values) or self.shares[0] != 0.0 or self.shares[-1] != 1.0:
            raise ValueError("a table of quantiles has one value for each share, and shares from 0.0 to 1.0")

    def at(self, share: float) -> float:
        """The value at a *share* of 0..1; with a uniform share, a draw."""
        above = min(bisect_right(self.shares, share), len(self.shares) - 1)
        low, high = self.shares[above - 1], self.shares[above]
        part = (share - low) / (high - low)
        return math.exp(math.log(self.values[above - 1]) * (1.0 - part) + math.log(self.values[above]) * part)

    @property
    def median(self) -> float:
        """The value at one half."""
        return self.at(0.5)
