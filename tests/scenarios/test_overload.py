"""Twice as many calls as the vendor can take, three in ten of them urgent. Who is served?

The vendor knows nothing of urgency: what does not fit into its queue it turns away, whoever it is (503, at once). The
controls must show that this hits the urgent as hard as the others: without admission, and with Google's rule as it
stands (K = 2, all calls alike), which at exactly twice the capacity refuses nothing. With `Admission` at least 99 % of
the urgent calls must be served, the vendor must stay busy, and when the overload is over nobody may be refused for much
longer. Medians and ranges of five seeds, of the calls after the first ten seconds:

    stack                      urgent, served         others, served        answers a second
    without                    49.9 % (47.1..51.1)    48.8 % (46.6..51.0)   19.3 (19.1..19.6)
    all calls alike, K = 2     53.1 % (51.5..55.0)    46.2 % (45.6..49.6)   19.3 (19.1..19.6)
    Admission                  99.6 % (99.6..99.9)    24.1 % (22.5..26.9)   18.6 (17.9..19.1)
"""

from __future__ import annotations

import random
import statistics
from contextlib import nullcontext
from functools import cache
from typing import TYPE_CHECKING

import anyio
import attrs
import pytest

from paceline.policies import Admission, Retry, Slots
from paceline.router import Chunk, Endpoint, Policy, Profile, Request, Route, Router, Urgency
from paceline.router.errors import Overloaded, ProviderOverloaded
from paceline.router.testing import Result, play, poisson, run, virtual_clock

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from paceline.router import Call, Clock, Emit, Handler

ENDPOINTS, WORKERS, QUEUE, SERVICE_S = 2, 40, 20, 4.0
CAPACITY_PER_S = ENDPOINTS * WORKERS / SERVICE_S
URGENT = 0.3
FROM_S, OVER_S, UNTIL_S = 10.0, 70.0, 150.0
CALM_S = 60.0
"""Seconds after the overload within which the throttle must have let go."""

SEEDS = range(5)

ROUTES = [
    Route(name="chat", models="m", urgency=Urgency.INTERACTIVE),
    Route(name="report", models="m", urgency=Urgency.BACKGROUND),
]
ALIKE = dict.fromkeys(Urgency, 2.0)


class Full:
    """A `Provider` of one endpoint that works on so many calls, lets so many wait, and turns the others away."""

    name = "full"

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._places = WORKERS + QUEUE
        self._free = anyio.Semaphore(WORKERS)

    def check(self, endpoint: Endpoint) -> None:
        """Every endpoint will do."""

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Handler]:
        """Nothing to open."""
        del clock
        return nullcontext(self)

    async def __call__(self, call: Call, emit: Emit, /) -> None:
        """Answer, or turn it away."""
        if not self._places:
            await anyio.sleep(0.01)
            raise ProviderOverloaded("no capacity", endpoint=call.target.name)
        self._places -= 1
        try:
            async with self._free:
                await anyio.sleep(SERVICE_S * self._dice.lognormvariate(0.0, 0.25))
            await emit(Chunk("ok", finish_reason="stop"))
        finally:
            self._places += 1


STACKS: dict[str, Callable[[], list[Policy]]] = {
    "without": lambda: [Retry(), Slots()],
    "all calls alike, K = 2": lambda: [Admission(multipliers=ALIKE), Retry(), Slots()],
    "Admission": lambda: [Admission(), Retry(), Slots()],
}


@attrs.frozen
class Run:
    """What came of the calls."""

    results: list[Result]

    def served(self, route: str, from_s: float = FROM_S, to_s: float = OVER_S) -> float:
        """Share of a route's calls of this time that were answered."""
        calls = [
            one for one in self.results if one.arrival.request.route == route and from_s <= one.arrival.at_s < to_s
        ]
        return statistics.mean(one.answer is not None for one in calls)

    def answers_per_s(self) -> float:
        """Of both routes, during the overload."""
        answered = [one for one in self.results if one.answer is not None and FROM_S <= one.arrival.at_s < OVER_S]
        return len(answered) / (OVER_S - FROM_S)

    def refused_after(self, from_s: float) -> int:
        """Calls that came from then on and were refused here."""
        return sum(isinstance(one.error, Overloaded) and one.arrival.at_s >= from_s for one in self.results)


def overload(stack: list[Policy], seed: int) -> Run:
    """Twice the capacity, and then half of it."""

    def question(dice: random.Random) -> Request:
        return Request(messages="hello", route="chat" if dice.random() < URGENT else "report", stream=False)

    dice = random.Random(seed)
    twice = poisson(2.0 * CAPACITY_PER_S, UNTIL_S, dice, question)
    arrivals = [one for one in twice if one.at_s < OVER_S or dice.random() < 0.25]

    async def main() -> list[Result]:
        endpoints = [
            Endpoint(
                name=f"e{number}",
                provider=Full(random.Random(f"{seed}:{number}")),
                model="m",
                region=f"r{number}",
                profile=Profile(ttft_s=SERVICE_S),
            )
            for number in range(ENDPOINTS)
        ]
        async with Router(endpoints, ROUTES, stack, clock=virtual_clock, dice=random.Random(seed)) as router:
            return await play(router, arrivals)

    return Run(run(main))


@cache
def over_seeds(name: str) -> list[Run]:
    """The same traffic with each seed; printed, so that ours can be read beside the controls (``pytest -rP``)."""
    runs = [overload(STACKS[name](), seed) for seed in SEEDS]

    def told(values: list[float]) -> str:
        return f"{statistics.median(values):5.1f} ({min(values):.1f}..{max(values):.1f})"

    print(  # noqa: T201  read with pytest -rP
        f"{name:<24} urgent {told([100 * one.served('chat') for one in runs])} %,"
        f" others {told([100 * one.served('report') for one in runs])} %,"
        f" {told([one.answers_per_s() for one in runs])} answers/s"
    )
    return runs


@pytest.mark.parametrize("name", ["without", "all calls alike, K = 2"])
def test_the_urgent_are_turned_away_like_everybody_else(name: str) -> None:
    for one in over_seeds(name):
        assert one.served("chat") < 0.8


def test_with_admission_the_urgent_are_served_and_the_vendor_stays_busy() -> None:
    for one in over_seeds("Admission"):
        assert one.served("chat") >= 0.99
        assert one.answers_per_s() >= 0.9 * over_seeds("without")[0].answers_per_s()


def test_when_the_overload_is_over_the_throttle_lets_go() -> None:
    for one in over_seeds("Admission"):
        assert one.refused_after(OVER_S + CALM_S) == 0
        assert one.served("report", OVER_S + CALM_S, UNTIL_S) == 1.0
