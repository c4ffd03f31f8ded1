"""How hard it is to believe that a share is high by chance."""

from __future__ import annotations

import math

BEYOND_CHANCE = 16.0
"""Surprise from which on chance is ruled out: one in nine million. A route is judged up to 17,000 times a day."""


def surprise(hits: float, calls: float, usual: float) -> float:
    """The exponent s of a bound on the chance of at least *hits* of *calls*, where *usual* is the chance of each.

    P <= exp(-s), with s = calls * KL(hits / calls || usual); it holds for any number of calls, however few. 0.0 for a
    share that is not above the usual.

    calls: at least one. usual: above 0 and below 1.

    Source: Hoeffding, "Probability inequalities for sums of bounded random variables" (1963), theorem 1.
    """
    share = hits / calls
    if share <= usual:
        return 0.0
    misses = 0.0 if share >= 1.0 else (1.0 - share) * math.log((1.0 - share) / (1.0 - usual))
    return calls * (share * math.log(share / usual) + misses)
