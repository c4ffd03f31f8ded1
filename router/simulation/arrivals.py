"""Calls that are planned before the first one is made.

The load is *open-loop*: a call arrives when the schedule says, whether or not the one before is answered. A closed
loop would wait for slow answers and so spare the router the load it is to be measured under (coordinated omission).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from .load import Steady

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from ..request import Request
    from .load import Load


@attrs.frozen
class Arrival:
    """A call that will arrive at *at_s*, in seconds on the loop's clock."""

    at_s: float
    request: Request


def arrivals(
    load: Load, seconds: float, dice: random.Random, request: Callable[[random.Random], Request]
) -> list[Arrival]:
    """The calls of *seconds* seconds of a load. *request* makes what each asks for, with the same dice."""
    return [Arrival(at_s, request(dice)) for at_s in load.instants(seconds, dice)]


def poisson(
    rate_per_s: float, seconds: float, dice: random.Random, request: Callable[[random.Random], Request]
) -> list[Arrival]:
    """Independent arrivals at a steady rate: exponential gaps of mean ``1 / rate_per_s``, for *seconds*."""
    return arrivals(Steady(rate_per_s), seconds, dice, request)
