"""How much of its traffic a region that is partly ill keeps, and where the rest goes: the 1.4 rule, as arithmetic.

A fleet is built for more than its usual load, so some of it may fail before any traffic has to leave. How much is said
by one number, 1.4 by default at its source: with a share *h* of its endpoints healthy, a region can take

    health = min(1, 1.4 * h)

of its calls. Below 1 / 1.4 = 71.4 % the remaining endpoints would be overloaded by all of them, and a part goes on.

There are two ways of dividing, and they nest. *Priorities* fill up one after the other: each takes what its health
allows of what is left. *Weights* are shares of one priority: each is multiplied by its health. When all priorities
together cannot take everything, the traffic is divided by their healths, and in those of which less than half is
healthy health is ignored: a *panic*. So many endpoints at once are more often a fault in judging them than of theirs,
and the few that are left could not bear it.

Source: Envoy (overprovisioning factor, priority levels, locality weights, panic threshold).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

OVERPROVISIONED = 1.4
PANIC_BELOW = 0.5
"""Share of healthy endpoints below which a priority is in panic, when there is no room elsewhere."""

ROUNDING = 1e-9
"""What is nearer to all than this is all: 1.4 * 5/7 is 1."""


class Loads(msgspec.Struct, frozen=True):
    """Shares of the traffic by priority, which sum up to 1, and which of the priorities are in panic."""

    shares: tuple[float, ...]
    panics: tuple[bool, ...]


def health(healthy: float) -> float:
    """Share of its calls that a place can take with this share of its endpoints healthy, 0..1."""
    can_take = OVERPROVISIONED * healthy
    return 1.0 if can_take > 1.0 - ROUNDING else can_take


def priority_loads(healthy: Sequence[float]) -> Loads:
    """How traffic divides among priorities, of which these shares are healthy; the first is preferred.

    Where none is healthy at all, each gets the same.
    """
    healths = [health(share) for share in healthy]
    total = sum(healths)
    if total == 0.0:
        return Loads((1.0 / len(healths),) * len(healths), (True,) * len(healths))
    if total < 1.0 - ROUNDING:
        panics = tuple(share < PANIC_BELOW for share in healthy)
        return Loads(tuple(can_take / total for can_take in healths), panics)
    left = 1.0
    shares: list[float] = []
    for can_take in healths:
        takes = min(can_take, left)
        left -= takes
        shares.append(takes)
    return Loads(tuple(shares), (False,) * len(shares))


def locality_shares(weights: Sequence[float], healthy: Sequence[float]) -> tuple[float, ...]:
    """How the traffic of one priority divides among places of these weights, above 0, and healthy shares.

    Where none is healthy at all, the weights alone count.
    """
    effective = [weight * health(share) for weight, share in zip(weights, healthy, strict=True)]
    total = sum(effective)
    if total == 0.0:
        effective, total = list(weights), sum(weights)
    return tuple(weight / total for weight in effective)
