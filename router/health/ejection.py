"""Being out: why, since when, until when; how long a first ejection lasts and how many may be out at once.

Times are drawn with equal jitter,

    h = min(longest, first * 2^n) / 2,   h + U(0, h)

never near nothing, and several routers that ejected together do not come back together.

Sources: Finagle's failure accrual (5 s to 300 s); AWS Architecture Blog, "Exponential Backoff And Jitter" (equal
jitter); Envoy's outlier detection (ejection cap).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import random

    from .rules import HealthRules

MOST_DOUBLINGS = 64
"""Beyond any limit, and far from overflow."""

ROUNDING = 1e-9
"""So that 0.29 of 100 is 29."""


class Ejection(msgspec.Struct, frozen=True, kw_only=True):
    """Why an endpoint is out, and until when. Seconds on the router's clock.

    since_s: out since. until_s: nothing is sent there before; then one call tries it.
    told: the vendor said so (Retry-After, a spent quota, a refused key); otherwise it is our own conclusion.
    reason: one word, such as ``failures_in_a_row``, ``success_ratio``, ``rate_limited`` or ``authentication``.
    why: the same for people.
    times: ejections in a row, this one counted.
    pause: so short that all may go there again after it, without one trying first.
    """

    since_s: float
    until_s: float
    told: bool
    reason: str
    why: str
    times: int = 1
    pause: bool = False


def ejected_for_s(times: int, rules: HealthRules, dice: random.Random) -> float:
    """Seconds that the *times*-th ejection in a row lasts, from 1."""
    longest_s = min(rules.eject_at_most_s, rules.eject_for_s * 2.0 ** min(times - 1, MOST_DOUBLINGS))
    return longest_s / 2.0 + dice.uniform(0.0, longest_s / 2.0)


def most_out(share: float, peers: int) -> int:
    """How many of *peers* may be out: max(floor(share * peers), 1), and the 1 only if another one remains."""
    return max(math.floor(share * peers + ROUNDING), min(1, peers - 1))
