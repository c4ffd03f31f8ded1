"""How much an endpoint that has just returned may be given: a ramp, so that it is not run over at once.

    w(t) = max(0.10, (max(t, 1) / window)^(1 / aggression))

It does not help where there is little traffic, nor where all endpoints return together.

Source: Envoy's slow start, its formula and its least weight.
"""

from __future__ import annotations

import math

LEAST_WEIGHT = 0.1


def ramp(since_s: float, window_s: float, aggression: float = 1.0) -> float:
    """The weight *since_s* seconds after the return, 0.1 to 1; from *window_s* on, 1."""
    if since_s >= window_s:
        return 1.0
    return min(1.0, max(LEAST_WEIGHT, math.pow(max(since_s, 1.0) / window_s, 1.0 / aggression)))
