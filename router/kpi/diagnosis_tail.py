"""The calls around a p95, and whether two windows differ by more than chance.

A quantile is one call, and one call explains nothing. The calls of the *band* around it, from the p92.5 to the p97.5,
are on average nearly as slow, and an average has a property no quantile has: the average of a sum is the sum of the
averages. So what the band is made of adds up, exactly. That the parts of the calls at a quantile are the right shares
of it is Tasche's result on risk contributions; the band stands in for "at".

Whether a difference is real is asked of ranks, not of seconds, so that no single outlier can answer: if nothing has
changed, each window has its share of the slowest tenth of both. What is ruled out is the luck of which calls came. A
spell of slow calls is a change, though there may be such spells any day. Nothing is drawn at random: two equal
questions get equal answers.

Sources: Tasche, "Risk contributions and performance measurement" (1999); the quantile test of Johnson, Verrill and
Moore, "Two-sample rank tests for detecting changes that occur in a small proportion of the treated population" (1987).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

P95 = 0.95

BAND = (0.925, 0.975)
"""Where the band begins and ends, as shares of the calls in order of their seconds."""

SLOWEST = 0.1
"""Share of both windows that is compared. Of the slowest twentieth there are too few to see what is plain to see."""

CERTAIN = 2.576
"""Standard errors beyond which a difference is no chance: one in a hundred."""


def band(values: Sequence[float], weights: Sequence[float]) -> list[tuple[int, float]]:
    """Which of *values* (at least one) lie in the band around their p95, each with its weight; these add up to 1.

    weights: how much each counts, at least 0 and not all of them 0. A value that lies across an edge counts with the
    share of it that is inside, so that the band moves smoothly with their number.
    """
    whole = math.fsum(weights)
    begins, ends = BAND[0] * whole, BAND[1] * whole
    inside: list[tuple[int, float]] = []
    reached = 0.0
    for position in sorted(range(len(values)), key=values.__getitem__):
        was, reached = reached, reached + weights[position]
        if reached > begins and was < ends:
            inside.append((position, min(reached, ends) - max(was, begins)))
    total = math.fsum(weight for _, weight in inside)
    return [(position, weight / total) for position, weight in inside]


def quantile(values: Sequence[float], q: float) -> float:
    """The smallest of *values* (at least one) at or below which a share *q* of them lies."""
    return sorted(values)[max(1, math.ceil(q * len(values) - 1e-9)) - 1]


def slowest(before: Sequence[float], now: Sequence[float]) -> tuple[float, float, float]:
    """The share of each that is of the slowest tenth of both, and by how many standard errors these differ.

    Neither may be empty. Positive errors: *now* has more.
    """
    limit_s = quantile([*before, *now], 1.0 - SLOWEST)
    slow_before, slow_now = sum(value > limit_s for value in before), sum(value > limit_s for value in now)
    share_before, share_now = slow_before / len(before), slow_now / len(now)
    together = (slow_before + slow_now) / (len(before) + len(now))
    error = math.sqrt(together * (1.0 - together) * (1.0 / len(before) + 1.0 / len(now)))
    return share_before, share_now, (share_now - share_before) / error if error else 0.0
