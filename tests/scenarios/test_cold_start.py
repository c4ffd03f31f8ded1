"""An endpoint nothing is known of joins ten that are warm (S2).

A: it does not answer within the whole run. Published: exactly one call reaches it until it has answered (Finagle's test
of Peak EWMA). Controls: who takes the unknown for 0 s sends it everyone; who takes it for as fast as the mean sends it
as many as the others have in flight.

B: it warms up over ten seconds and is ten times slower from the 19th second to the 23rd (the phases of Finagle's
balancer simulation, at 40 calls a second instead of 1,250). It must not be felt: p99 at most a tenth above that of a
fleet without it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from statistics import mean
from typing import TYPE_CHECKING

import pytest

from paceline.policies import (
    HotCold,
    LatencyBudget,
    LeastLoaded,
    PeakEwma,
    PowerOfTwo,
    Regions,
    RoundRobin,
    Slots,
)
from paceline.policies.balancers.power_of_two import cheaper_of_two
from paceline.router import Endpoint, Policy, Request, Route, Router
from paceline.router.simulation.behaviour import Behaviour, Incident
from paceline.router.simulation.simulated import Simulated
from paceline.router.testing import Arrival, Result, play, poisson, quantile, run, virtual_clock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from paceline.router import Call, Target

WARM = 10
WARM_UP_S = 2.0
SEEDS = range(5)
EVERYBODY = 10**6
"""Probes of a stack that does not hold them back."""

USUAL = Behaviour(ttft_s=0.25, sigma=0.2, tail=0.0, tokens_per_s=10_000.0)
SILENT = Behaviour(ttft_s=1000.0, sigma=0.0, tail=0.0)
QUESTION = Request(messages="hello", route="chat", max_tokens=1)
TO_THE_WARM = Request(messages="hello", route="chat", max_tokens=1, residency={"warm"})

Fleet = dict[str, Behaviour]
Stack = Callable[[], Policy]


class UnknownIsFast:
    """The control that takes no samples for no time at all, and sends every call to the least."""

    def choose(self, targets: Sequence[Target], call: Call, now_s: float, /) -> Target:
        return min(targets, key=lambda target: target.outlook(now_s, call.size).ttft_s or 0.0)


class UnknownIsUsual:
    """The control that takes no samples for the mean of the others."""

    def choose(self, targets: Sequence[Target], call: Call, now_s: float, /) -> Target:
        seen = [ttft_s for target in targets if (ttft_s := target.outlook(now_s).ttft_s) is not None]
        usual_s = mean(seen) if seen else 1.0

        def cost(target: Target, _: Call, at_s: float) -> float:
            return (target.outlook(at_s).ttft_s or usual_s) * (target.in_flight + 1)

        return cheaper_of_two(targets, cost, call, now_s)


STACKS: dict[str, Stack] = {
    "power of two": lambda: Slots(balancer=PowerOfTwo()),
    "peak ewma": lambda: Slots(balancer=PeakEwma()),
    "least loaded": lambda: Slots(balancer=LeastLoaded()),
    "hot cold": lambda: Slots(balancer=HotCold()),
    "unknown is fast": lambda: Slots(balancer=UnknownIsFast(), probes=EVERYBODY),
    "unknown is usual": lambda: Slots(balancer=UnknownIsUsual(), probes=EVERYBODY),
    "round robin": RoundRobin,
}
OURS = ("power of two", "peak ewma", "least loaded", "hot cold")


def played(
    stack: str, cold: Mapping[str, Behaviour], seed: int, *, rate_per_s: float, seconds: float, budget: bool = False
) -> list[Result]:
    """What comes of a load on a warm fleet and *cold* ones."""

    async def main() -> list[Result]:
        provider = Simulated(behaviour=USUAL, by_endpoint=cold, seed=seed)
        endpoints = [Endpoint(name=f"warm-{n}", provider=provider, model="m", region="warm") for n in range(WARM)]
        endpoints += [Endpoint(name=name, provider=provider, model="m", region="cold") for name in cold]
        policies: list[Policy] = [Regions(), *([LatencyBudget()] if budget else []), STACKS[stack]()]
        route, dice = Route(name="chat", models="m", budget_s=60.0), random.Random(seed)
        async with Router(endpoints, [route], policies, clock=virtual_clock, dice=dice) as router:
            warm_up = [Arrival(number / 50, TO_THE_WARM) for number in range(50)]
            load = poisson(rate_per_s, seconds, random.Random(seed), lambda _: QUESTION)
            load = [Arrival(WARM_UP_S + each.at_s, each.request) for each in load]
            return (await play(router, [*warm_up, *load]))[len(warm_up) :]

    return run(main)


def attempts_at(name: str, results: Sequence[Result]) -> int:
    """Calls that were sent there, answered or not."""
    records = (result.answer or result.error for result in results)
    return sum(attempt.endpoint.name == name for record in records for attempt in getattr(record, "attempts", ()))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("stack", OURS)
@pytest.mark.parametrize("budget", [False, True], ids=["slots", "budget and slots"])
def test_one_call_reaches_an_endpoint_that_does_not_answer(stack: str, seed: int, budget: bool) -> None:  # noqa: FBT001
    results = played(stack, {"cold": SILENT}, seed, rate_per_s=100.0, seconds=5.0, budget=budget)

    assert attempts_at("cold", results) == 1
    assert sum(result.answer is not None for result in results) == len(results) - 1


@pytest.mark.parametrize("seed", SEEDS)
def test_one_call_reaches_each_of_several(seed: int) -> None:
    cold = {f"cold-{number}": SILENT for number in range(4)}

    results = played("power of two", cold, seed, rate_per_s=100.0, seconds=5.0)

    assert [attempts_at(name, results) for name in cold] == [1, 1, 1, 1]


@pytest.mark.parametrize("seed", SEEDS)
def test_who_takes_the_unknown_for_fast_sends_it_most_of_them(seed: int) -> None:
    results = played("unknown is fast", {"cold": SILENT}, seed, rate_per_s=100.0, seconds=5.0)

    assert attempts_at("cold", results) > 0.7 * len(results)


@pytest.mark.parametrize("seed", SEEDS)
def test_who_takes_the_unknown_for_usual_loses_as_many_calls_as_the_others_have_in_flight(seed: int) -> None:
    results = played("unknown is usual", {"cold": SILENT}, seed, rate_per_s=400.0, seconds=5.0)

    assert attempts_at("cold", results) >= 400.0 * USUAL.ttft_s / (WARM + 1) / 2


def warming_up() -> Behaviour:
    ramp = [
        Incident(from_s=WARM_UP_S + 2.5 * step, to_s=WARM_UP_S + 2.5 * (step + 1), slower=slower)
        for step, slower in enumerate((4.0, 3.0, 2.0, 1.5))
    ]
    pause = Incident(from_s=WARM_UP_S + 19.0, to_s=WARM_UP_S + 23.0, slower=10.0)
    return Behaviour(ttft_s=0.25, sigma=0.2, tail=0.0, tokens_per_s=10_000.0, incidents=(*ramp, pause))


@cache
def p99_s(stack: str, seed: int, *, with_cold: bool, budget: bool = False) -> float:
    cold = {"cold": warming_up()} if with_cold else {}
    results = played(stack, cold, seed, rate_per_s=40.0, seconds=45.0, budget=budget)
    return quantile([result.total_s for result in results], 0.99) or 0.0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("stack", "budget"), [("power of two", False), ("peak ewma", False), ("power of two", True)])
def test_an_endpoint_that_warms_up_and_pauses_is_not_felt(stack: str, seed: int, budget: bool) -> None:  # noqa: FBT001
    without = p99_s("power of two", seed, with_cold=False)

    assert p99_s(stack, seed, with_cold=True, budget=budget) <= 1.1 * without


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("stack", ["unknown is fast", "round robin"])
def test_it_is_felt_by_the_controls(stack: str, seed: int) -> None:
    without = p99_s("power of two", seed, with_cold=False)

    assert p99_s(stack, seed, with_cold=True) >= 1.5 * without
