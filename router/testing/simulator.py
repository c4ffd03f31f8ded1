"""Traffic in virtual time: arrivals fixed in advance, a router to take them, and what came of each.

The load is *open-loop*: a call arrives when the schedule says, whether or not the one before is answered. A closed
loop would wait for slow answers and so spare the router the load it is to be measured under (coordinated omission).
Times are measured from the intended arrival to what the caller sees.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import attrs

from ..errors import PacelineError

if TYPE_CHECKING:
    from ..answer import Answer
    from ..request import Request
    from ..router import Router


@attrs.frozen
class Arrival:
    """A call that will arrive at *at_s*, in seconds on the loop's clock."""

    at_s: float
    request: Request


@attrs.frozen
class Result:
    """What came of an arrival: an answer or an error, and when."""

    arrival: Arrival
    ended_s: float
    answer: Answer | None
    error: PacelineError | None

    @property
    def total_s(self) -> float:
        """Seconds from the intended arrival to the end."""
        return self.ended_s - self.arrival.at_s


def poisson(
    rate_per_s: float, seconds: float, dice: random.Random, request: Callable[[random.Random], Request]
) -> list[Arrival]:
    """Independent arrivals: exponential gaps of mean ``1 / rate_per_s``, for *seconds*."""
    arrivals: list[Arrival] = []
    at_s = dice.expovariate(rate_per_s)
    while at_s < seconds:
        arrivals.append(Arrival(at_s, request(dice)))
        at_s += dice.expovariate(rate_per_s)
    return arrivals


async def play(router: Router, arrivals: Iterable[Arrival]) -> list[Result]:
    """Send every arrival at its time through an open *router*, and give the results in the order of arrival."""
    loop = asyncio.get_running_loop()

    async def one(arrival: Arrival) -> Result:
        await asyncio.sleep(arrival.at_s - loop.time())
        try:
            answer = await router.complete(arrival.request)
        except PacelineError as error:
            return Result(arrival, loop.time(), None, error)
        return Result(arrival, loop.time(), answer, None)

    async with asyncio.TaskGroup() as traffic:
        calls = [traffic.create_task(one(arrival)) for arrival in arrivals]
    return [call.result() for call in calls]


def quantile(values: Sequence[float], q: float) -> float | None:
    """The smallest value at or below which a share *q* (above 0, up to 1) of *values* lies; None of none."""
    if not values:
        return None
    return sorted(values)[max(1, math.ceil(q * len(values) - 1e-9)) - 1]
