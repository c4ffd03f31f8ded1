"""One of eleven replicas takes 2 s instead of 167 ms for half of the run (S1).

Published for this set-up, as the share of answers below 1 s (Linkerd, "Beyond round robin", 2016): round robin about
95 %, least loaded about 99 %, Peak EWMA about 99.9 %. Arithmetic says 95.45 % of round robin, which validates the
simulation. A mean of the last ten answers, always the least, herds instead, and never forgives.

The published run has 1,000 requests a second; here it is 200, and fewer for the others. What ours loses it loses in
the first moments of the slowdown, whatever the rate, so its share below 1 s grows with the rate.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable
from functools import cache
from statistics import mean, median
from typing import TYPE_CHECKING

import attrs
import pytest

from paceline.policies import LatencyBudget, LeastLoaded, PeakEwma, RoundRobin, Slots
from paceline.router import Endpoint, Objective, Policy, Priority, Profile, Request, Route, Router, Target, WindowShape
from paceline.router.simulation.behaviour import Behaviour, Incident
from paceline.router.simulation.simulated import Simulated
from paceline.router.testing import Result, play, poisson, run, virtual_clock

if TYPE_CHECKING:
    from paceline.router import Call, Emit, Handler

REPLICAS = 11
SECONDS = 60.0
RECOVERED_S = 45.0
THREE_TAU_S = 30.0
SLOW = Incident(from_s=15.0, to_s=RECOVERED_S, slower=12.0)
STEADY = Behaviour(ttft_s=0.167, sigma=0.03, tail=0.0, tokens_per_s=10_000.0)
QUESTION = Request(messages="hello", route="chat", max_tokens=1)
SEEDS = range(5)


@attrs.frozen
class LeastMeanOfTen:
    """The control: whoever has the least mean of its last ten answers; nothing seen is no time at all."""

    _last: dict[Target, deque[float]] = attrs.field(factory=dict[Target, deque[float]], init=False)

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        began_s, chosen = call.clock(), min(call.candidates, key=self._mean)
        await next(call.with_(candidates=(chosen,)), emit)
        self._last.setdefault(chosen, deque(maxlen=10)).append(call.clock() - began_s)

    def _mean(self, target: Target) -> float:
        return mean(self._last.get(target, (0.0,)))


STACKS: dict[str, Callable[[], list[Policy]]] = {
    "round robin": lambda: [RoundRobin()],
    "least loaded": lambda: [Slots(balancer=LeastLoaded())],
    "least mean of ten": lambda: [LeastMeanOfTen()],
    "peak ewma": lambda: [Slots(balancer=PeakEwma())],
    "ours": lambda: [LatencyBudget(), Slots()],
}


@cache
def play_with(stack: str, seed: int, rate_per_s: float, seconds: float = SECONDS) -> tuple[Result, ...]:
    async def main() -> list[Result]:
        slow = attrs.evolve(STEADY, incidents=(SLOW,))
        provider = Simulated(behaviour=STEADY, by_endpoint={"replica-0": slow}, seed=seed)
        endpoints = [
            Endpoint(name=f"replica-{number}", provider=provider, model="m", profile=Profile(ttft_s=0.167))
            for number in range(REPLICAS)
        ]
        route = Route(name="chat", models="m", priority=Priority.TTFT, objective=Objective(ttft_s=1.0))
        dice, window = random.Random(seed), WindowShape(periods=6, period_s=2.0)
        policies = STACKS[stack]()
        async with Router(endpoints, [route], policies, clock=virtual_clock, dice=dice, window=window) as router:
            return await play(router, poisson(rate_per_s, seconds, random.Random(seed), lambda _: QUESTION))

    return tuple(run(main))


def share_below_a_second(results: tuple[Result, ...]) -> float:
    return sum(result.answer is not None and result.total_s < 1.0 for result in results) / len(results)


def counts(results: tuple[Result, ...], from_s: float, to_s: float) -> Counter[str]:
    """Who answered what arrived in between."""
    return Counter(each.answer.endpoint for each in results if each.answer and from_s <= each.arrival.at_s < to_s)


def of_fair_share(results: tuple[Result, ...], from_s: float, to_s: float) -> float:
    """What the replica that was slow got, as a share of its part."""
    seen = counts(results, from_s, to_s)
    return seen["replica-0"] * REPLICAS / seen.total()


def crowding(results: tuple[Result, ...]) -> float:
    """Share of the calls of a second that went to one replica, in the median second."""
    seconds = [counts(results, float(second), second + 1.0) for second in range(int(SECONDS))]
    return median(max(seen.values()) / seen.total() for seen in seconds if seen)


@pytest.mark.parametrize("seed", SEEDS)
def test_round_robin_shows_the_published_failure(seed: int) -> None:
    assert share_below_a_second(play_with("round robin", seed, 50.0)) == pytest.approx(0.9545, abs=0.005)


@pytest.mark.parametrize("seed", SEEDS)
def test_least_loaded_shows_the_published_failure(seed: int) -> None:
    assert share_below_a_second(play_with("least loaded", seed, 50.0)) == pytest.approx(0.99, abs=0.004)


def test_the_least_mean_of_ten_crowds_one_replica_and_does_not_forgive() -> None:
    results = [play_with("least mean of ten", seed, 50.0) for seed in SEEDS]

    assert min(crowding(each) for each in results) > 5 / REPLICAS
    assert median(of_fair_share(each, 55.0, SECONDS) for each in results) < 0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_ours_keeps_all_but_one_in_a_thousand_below_a_second_and_crowds_nobody(seed: int) -> None:
    results = play_with("ours", seed, 200.0)

    assert share_below_a_second(results) >= 0.999
    assert crowding(results) < 2 / REPLICAS


@pytest.mark.parametrize("seed", SEEDS)
def test_peak_ewma_shows_what_was_published_of_it(seed: int) -> None:
    assert share_below_a_second(play_with("peak ewma", seed, 100.0)) == pytest.approx(0.999, abs=0.0005)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_replica_gets_its_traffic_back_when_it_has_recovered(seed: int) -> None:
    assert of_fair_share(play_with("ours", seed, 200.0), RECOVERED_S + 10.0, SECONDS) >= 0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_peak_ewma_forgives_within_three_time_constants(seed: int) -> None:
    forgiven_s = RECOVERED_S + THREE_TAU_S
    results = play_with("peak ewma", seed, 30.0, forgiven_s + 10.0)

    assert of_fair_share(results, forgiven_s, forgiven_s + 10.0) >= 0.5
