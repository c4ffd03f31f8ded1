"""One of eleven replicas takes 2 s instead of 167 ms for half of the run.

Published for this set-up (Linkerd, 2016): round robin keeps about 95 % below 1 s, and arithmetic says 95.45 %, which
validates the simulation. What knows latencies should keep about 99.9 %.
"""

import random

import pytest

from paceline.policies import LatencyBudget, RoundRobin, Slots
from paceline.providers.behaviour import Behaviour, Incident
from paceline.providers.simulated import Simulated
from paceline.router import Endpoint, Objective, Policy, Priority, Profile, Request, Route, Router, WindowShape
from paceline.router.testing import Result, play, poisson, run, virtual_clock

REPLICAS = 11
SECONDS = 60.0
SLOW = Incident(from_s=15.0, to_s=45.0, slower=12.0)
STEADY = Behaviour(ttft_s=0.167, sigma=0.03, tail=0.0, tokens_per_s=10_000.0)
QUESTION = Request(messages="hello", route="chat", max_tokens=1)


def play_with(policies: list[Policy], seed: int, rate_per_s: float = 200.0) -> list[Result]:
    async def main() -> list[Result]:
        slow = Behaviour(ttft_s=0.167, sigma=0.03, tail=0.0, tokens_per_s=10_000.0, incidents=(SLOW,))
        provider = Simulated(behaviour=STEADY, by_endpoint={"replica-0": slow}, seed=seed)
        endpoints = [
            Endpoint(name=f"replica-{number}", provider=provider, model="m", profile=Profile(ttft_s=0.167))
            for number in range(REPLICAS)
        ]
        route = Route(name="chat", models="m", priority=Priority.TTFT, objective=Objective(ttft_s=1.0))
        dice = random.Random(seed)
        window = WindowShape(periods=6, period_s=2.0)
        async with Router(endpoints, [route], policies, clock=virtual_clock, dice=dice, window=window) as router:
            return await play(router, poisson(rate_per_s, SECONDS, random.Random(seed), lambda _: QUESTION))

    return run(main)


def share_below_a_second(results: list[Result]) -> float:
    return sum(result.answer is not None and result.total_s < 1.0 for result in results) / len(results)


@pytest.mark.parametrize("seed", range(2))
def test_round_robin_shows_the_published_failure(seed: int) -> None:
    assert share_below_a_second(play_with([RoundRobin()], seed)) == pytest.approx(0.9545, abs=0.005)


@pytest.mark.parametrize("seed", range(3))
def test_a_stack_that_knows_latencies_keeps_all_but_one_in_a_thousand_below_a_second(seed: int) -> None:
    assert share_below_a_second(play_with([LatencyBudget(), Slots()], seed)) >= 0.999


def test_the_replica_gets_its_traffic_back_when_it_has_recovered() -> None:
    results = play_with([LatencyBudget(), Slots()], seed=1)

    late = [result.answer.endpoint for result in results if result.arrival.at_s > 57.0 and result.answer is not None]

    assert late.count("replica-0") >= 0.5 * len(late) / REPLICAS
