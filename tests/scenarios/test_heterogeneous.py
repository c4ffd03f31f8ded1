"""Endpoints of unequal speed and capacity (S3).

A: one of six takes twice as long. Published: it carries half the mean load, in calls in flight (Finagle's test of Peak
EWMA, there with 100 nodes); the others carry the same.

B: speeds 1 : 2 : 4, with as many slots each, at 97 % of what they can bear together. Throughput must follow capacity.
When one of them changes its speed, it must follow that too.

C: a thousand calls into a thousand endpoints at rest. It is in tests/policies/balancers/test_power_of_two.py, and so is
A for `PowerOfTwo`, which takes costs within 5 % for a tie and comes to 0.54.

Controls: at random, round robin, and always the least of what was expected a second ago.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import attrs
import pytest

from paceline.policies import LeastLoaded, PeakEwma, PowerOfTwo, RoundRobin, Slots
from paceline.router import Endpoint, Policy, Request, Route, Router, WindowShape
from paceline.router.simulation.behaviour import Behaviour, Incident
from paceline.router.simulation.simulated import Simulated
from paceline.router.testing import Result, play, poisson, run, virtual_clock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from paceline.router import Call, Emit, Handler, Target

SEEDS = range(5)
QUESTION = Request(messages="hello", route="chat", max_tokens=1)
WARM_UP_S = 6.0
"""Nobody knows anybody at first, and calls are spread evenly."""


async def at_random(call: Call, emit: Emit, next: Handler, /) -> None:
    """The control that looks at nothing."""
    await next(call.with_(candidates=(call.dice.choice(call.candidates),)), emit)


@attrs.define
class LeastOfASecondAgo:
    """The control that sends everyone to the best there was a second ago."""

    best: str | None = None
    _seen_s: float = -1.0

    def choose(self, targets: Sequence[Target], call: Call, now_s: float, /) -> Target:
        if now_s - self._seen_s >= 1.0:
            self._seen_s = now_s
            self.best = min(targets, key=lambda each: (each.outlook(now_s).ttft_s or 0.0) * (each.in_flight + 1)).name
        return next((target for target in targets if target.name == self.best), targets[0])


STACKS: dict[str, Callable[[], list[Policy]]] = {
    "power of two": lambda: [Slots(balancer=PowerOfTwo())],
    "peak ewma": lambda: [Slots(balancer=PeakEwma())],
    "least loaded": lambda: [Slots(balancer=LeastLoaded())],
    "stale": lambda: [Slots(balancer=LeastOfASecondAgo())],
    "at random": lambda: [at_random],
    "round robin": lambda: [RoundRobin()],
}


def takes(ttft_s: float, *incidents: Incident) -> Behaviour:
    return Behaviour(ttft_s=ttft_s, sigma=0.0, tail=0.0, tokens_per_s=10_000.0, incidents=incidents)


def played(
    stack: str, fleet: Mapping[str, Behaviour], seed: int, *, rate_per_s: float, seconds: float, slots: int | None
) -> list[Result]:
    async def main() -> list[Result]:
        provider = Simulated(by_endpoint=fleet, seed=seed)
        endpoints = [Endpoint(name=name, provider=provider, model="m", slots=slots) for name in fleet]
        route, dice, window = Route(name="chat", models="m"), random.Random(seed), WindowShape(periods=6, period_s=1.0)
        async with Router(endpoints, [route], STACKS[stack](), clock=virtual_clock, dice=dice, window=window) as router:
            return await play(router, poisson(rate_per_s, seconds, random.Random(seed), lambda _: QUESTION))

    return run(main)


def counts(results: Sequence[Result], from_s: float, to_s: float = 1e9) -> Counter[str]:
    """Who answered what arrived in between."""
    return Counter(each.answer.endpoint for each in results if each.answer and from_s <= each.arrival.at_s < to_s)


@cache
def loads(stack: str, seed: int, rate_per_s: float) -> dict[str, float]:
    """Mean calls in flight in A, by Little's law; relative to the mean of the quick ones."""
    fleet = {"slow": takes(2.0)} | {f"quick-{number}": takes(1.0) for number in range(5)}
    seen = counts(played(stack, fleet, seed, rate_per_s=rate_per_s, seconds=20.0, slots=None), WARM_UP_S)
    load = {name: seen[name] * behaviour.ttft_s for name, behaviour in fleet.items()}
    quick = (sum(load.values()) - load["slow"]) / 5
    return {name: of_it / quick for name, of_it in load.items()}


@pytest.mark.parametrize("seed", SEEDS)
def test_twice_the_latency_carries_half_the_load_and_those_alike_carry_alike(seed: int) -> None:
    quick = dict(loads("peak ewma", seed, 300.0))
    slow = quick.pop("slow")

    assert slow == pytest.approx(0.5, rel=0.05)
    assert all(load == pytest.approx(1.0, abs=0.03) for load in quick.values())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("stack", ["at random", "round robin"])
def test_to_the_blind_twice_the_latency_is_twice_the_load(stack: str, seed: int) -> None:
    assert loads(stack, seed, 100.0)["slow"] == pytest.approx(2.0, rel=0.15)


SLOTS = 5
CAPACITY = {"one": 1, "two": 2, "four": 4}
"""Each has as many slots, and takes 0.4, 0.2 and 0.1 s."""


@cache
def throughput(stack: str, seed: int) -> dict[str, float]:
    """Shares of the calls in B, each relative to its share of the capacity."""
    fleet = {name: takes(0.4 / speed) for name, speed in CAPACITY.items()}
    rate_per_s = 0.97 * SLOTS * sum(CAPACITY.values()) / 0.4
    seen = counts(played(stack, fleet, seed, rate_per_s=rate_per_s, seconds=24.0, slots=SLOTS), WARM_UP_S)
    return {name: seen[name] / seen.total() / (speed / 7) for name, speed in CAPACITY.items()}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("stack", ["power of two", "peak ewma", "least loaded"])
def test_throughput_follows_capacity(stack: str, seed: int) -> None:
    assert all(share == pytest.approx(1.0, abs=0.05) for share in throughput(stack, seed).values())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("stack", ["at random", "round robin"])
def test_the_blind_give_the_slowest_more_than_twice_its_part(stack: str, seed: int) -> None:
    shares = throughput(stack, seed)

    assert shares["one"] > 2.0
    assert shares["four"] < 0.65


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("stack", ["power of two", "least loaded"])
def test_throughput_follows_a_change_of_speed(stack: str, seed: int) -> None:
    """From the tenth second the quickest is as slow as the slowest, and the load what they can bear then."""
    fleet = {
        "one": takes(0.4),
        "four": takes(0.1, Incident(from_s=10.0, to_s=1000.0, slower=4.0)),
    }
    rate_per_s = 0.9 * SLOTS * 2 / 0.4

    results = played(stack, fleet, seed, rate_per_s=rate_per_s, seconds=40.0, slots=SLOTS)

    before, after = counts(results, WARM_UP_S, 10.0), counts(results, 20.0)
    assert before["four"] / before.total() > 0.7
    assert after["four"] / after.total() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("seed", SEEDS)
def test_who_follows_the_best_of_a_second_ago_crowds_one_and_ours_crowds_nobody(seed: int) -> None:
    """Three alike. The median second's fullest has a third of the calls if they are even, and all of them in a herd."""
    fleet = {name: takes(0.25) for name in "abc"}

    def crowding(stack: str) -> float:
        results = played(stack, fleet, seed, rate_per_s=60.0, seconds=14.0, slots=None)
        fullest = [
            max(seen.values()) / seen.total()
            for second in range(4, 14)
            if (seen := counts(results, float(second), second + 1.0))
        ]
        return sorted(fullest)[len(fullest) // 2]

    assert crowding("stale") > 0.7
    assert crowding("power of two") < 0.5
