"""When so few are well that those that are out had better be asked too.

Endpoints in order of preference come in levels: the near region, then the farther ones. A level can bear as much of the
load as its `spillover.health` says, and what it cannot bear goes to the next. As long as the healths add up to 1 there
is no need for anyone who is out. When they do not, a level of which less than half is healthy ignores health: spread
over all of it, some calls fail; put on the few, they would take those down as well, and a fault of our own makes
everybody look ill.

Source: Envoy's panic threshold and priority levels, with its overprovisioning factor.
"""

from __future__ import annotations

from collections.abc import Sequence

from .spillover import ROUNDING, health


def panicking(levels: Sequence[tuple[int, int]], below: float) -> tuple[bool, ...]:
    """Which levels are in panic. *levels*: how many are healthy, of how many. *below*: share of the healthy."""
    bears = sum(health(healthy / total) for healthy, total in levels if total)
    if bears >= 1.0 - ROUNDING:
        return (False,) * len(levels)
    return tuple(healthy < below * total for healthy, total in levels)
