"""Traffic through a router in virtual time, and the rows of its calls as a history would make them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from paceline.router import Budget, CallEnded, Endpoint, Event, Listener, Policy, Request, Route, Router
from paceline.router.kpi.account import of_call
from paceline.router.kpi.row import CallRow
from paceline.router.testing import Arrival, play, poisson, run, virtual_clock


class Rows:
    """A listener that keeps a row of each call."""

    def __init__(self) -> None:
        self.kept: list[CallRow] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, CallEnded):
            self.kept.append(row_of(event))

    def between(self, from_s: float, until_s: float) -> list[CallRow]:
        return [row for row in self.kept if from_s <= row.ended_s < until_s]


def row_of(event: CallEnded) -> CallRow:
    """The row of a call, as the history makes it."""
    return of_call(event)


AMPLE = Budget(reserve=1_000_000, min_concurrent=1_000_000)
"""As many retries and fallbacks as the policies want: what they cost is to be seen."""


def heard(
    endpoints: Sequence[Endpoint],
    route: Route,
    policies: Sequence[Policy],
    listener: Listener,
    *,
    seed: int,
    request: Callable[[random.Random], Request],
    phases: Sequence[tuple[float, float]],
) -> None:
    """Let *listener* hear what comes of traffic in *phases*, each so many calls a second for so many seconds."""

    async def main() -> None:
        dice = random.Random(seed)
        arrivals: list[Arrival] = []
        begins_s = 0.0
        for rate_per_s, seconds in phases:
            arrivals += [
                Arrival(begins_s + arrival.at_s, arrival.request)
                for arrival in poisson(rate_per_s, seconds, dice, request)
            ]
            begins_s += seconds
        async with Router(
            endpoints,
            [route],
            policies,
            budget=AMPLE,
            clock=virtual_clock,
            dice=random.Random(seed),
            listeners=[listener],
        ) as router:
            await play(router, arrivals)

    run(main)
