"""A router under load in virtual time, and what came of each call.

    fleet = simulated_fleet({"a": Behaviour(), "b": Behaviour(incidents=(Incident(from_s=20, to_s=40, slower=8),))})
    results = simulate(fleet, [MyPolicy()], FlashCrowd(usual_per_s=5, peak_per_s=50, at_s=15), seconds=60)

Times are measured from the intended arrival to what the caller sees.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from ..endpoint import Endpoint
from ..errors import PacelineError
from ..request import Request
from ..router import Router
from ..simulation.arrivals import arrivals
from ..simulation.simulated import Simulated
from .loop import run

if TYPE_CHECKING:
    from ..answer import Answer
    from ..pipeline import Policy
    from ..route import Route
    from ..simulation.arrivals import Arrival
    from ..simulation.behaviour import Behaviour
    from ..simulation.load import Load


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


def simulated_fleet(
    behaviours: Mapping[str, Behaviour],
    *,
    model: str = "m",
    region: str = "here",
    slots: int | None = None,
    seed: int = 0,
) -> list[Endpoint]:
    """One endpoint for each name, which behaves as told. All of one model, region and number of slots.

    For a fleet that is more mixed, make `Endpoint` objects of one `Simulated` provider, or add such lists up.
    """
    provider = Simulated(by_endpoint=behaviours, seed=seed)
    return [Endpoint(name=name, provider=provider, model=model, region=region, slots=slots) for name in behaviours]


def _hello(_dice: random.Random) -> Request:
    return Request(messages="hello", model="m", max_tokens=16)


def simulate(
    endpoints: Sequence[Endpoint],
    policies: Sequence[Policy],
    load: Load,
    *,
    seconds: float,
    routes: Sequence[Route] = (),
    request: Callable[[random.Random], Request] = _hello,
    seed: int = 0,
) -> list[Result]:
    """Play a load through a router in virtual time, and give what came of each call.

    policies: the stack. Objects that remember serve one run: make them anew for each.
    seconds: for how long calls arrive; the last are waited for.
    request: what the calls ask for, made with dice. Default: 16 tokens of the model ``m``.
    seed: of the router's dice and of the arrivals. Two runs with one seed are the same.
    """
    plan = arrivals(load, seconds, random.Random(f"{seed}/arrivals"), request)

    async def main() -> list[Result]:
        loop = asyncio.get_running_loop()
        dice = random.Random(f"{seed}/router")
        async with Router(endpoints, routes, policies, clock=loop.time, dice=dice) as router:
            return await play(router, plan)

    return run(main)


def quantile(values: Sequence[float], q: float) -> float | None:
    """The smallest value at or below which a share *q* (above 0, up to 1) of *values* lies; None of none."""
    if not values:
        return None
    return sorted(values)[max(1, math.ceil(q * len(values) - 1e-9)) - 1]
