"""One of five replicas answers every call with an error within a millisecond (S8): does it swallow the traffic?

Known as *sinkholing* since Prequal (2024): an endpoint that fails at once has nothing in flight and the best latency
there is, so balancers by load or latency send it more and more. The controls must show that, which validates the
simulation. Ours must lose one burst of about five calls, and from then on no more than one for each trial, of which
there are fewer and fewer; and nobody may call before the instant that a Retry-After names.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import attrs
import pytest

from paceline.policies import Breaker, Fallback, LatencyBudget, Regions, Retry, Slots
from paceline.router import (
    AttemptEnded,
    Endpoint,
    EndpointEjected,
    Event,
    Objective,
    Policy,
    Profile,
    Request,
    Route,
    Router,
)
from paceline.router.errors import AttemptFailed, ProviderError, ProviderOverloaded, RateLimited
from paceline.router.simulation.behaviour import Behaviour, Incident
from paceline.router.simulation.simulated import Simulated
from paceline.router.testing import Result, play, poisson, run, virtual_clock

from .controls import LeastRequest, MeanOfRecentSuccesses, PeakEwma

REPLICAS = 5
SINKHOLE = "replica-0"
SEEDS = range(5)
QUESTION = Request(messages="hello", route="chat", max_tokens=1)
BURST = 6
"""Five in a row, and one that may have been under way."""


@attrs.frozen
class Fault:
    """How the sinkhole fails."""

    error: type[AttemptFailed]
    retry_after_s: float | None = None

    def __str__(self) -> str:
        return self.error.__name__ + ("" if self.retry_after_s is None else f" in {self.retry_after_s:g} s")


FAULTS = [Fault(ProviderError), Fault(RateLimited), Fault(RateLimited, 10.0), Fault(ProviderOverloaded, 7.0)]

Stack = Callable[[], list[Policy]]

CONTROLS: dict[str, Stack] = {
    "Peak EWMA, no penalty": lambda: [PeakEwma()],
    "least request": lambda: [LeastRequest()],
    "mean of recent successes": lambda: [MeanOfRecentSuccesses()],
}
OURS: dict[str, Stack] = {
    "Breaker, least request": lambda: [Breaker(), LeastRequest()],
    "Breaker, Slots": lambda: [Breaker(), Slots()],
    "Breaker, LatencyBudget, Slots": lambda: [Breaker(), LatencyBudget(), Slots()],
}


@attrs.frozen
class Run:
    """What came of the calls; the attempts at the sinkhole, when each was sent and whether it was answered; and when
    the sinkhole was ejected.
    """

    results: list[Result]
    attempts: list[tuple[float, bool]]
    ejected_at_s: list[float]

    @property
    def failed_at_s(self) -> list[float]:
        """When each attempt that failed was sent."""
        return [at_s for at_s, answered in self.attempts if not answered]

    @property
    def errors(self) -> int:
        """Calls whose callers saw an error."""
        return sum(result.error is not None for result in self.results)

    def share(self, from_s: float) -> float:
        """The sinkhole's share of the calls from then on."""
        calls = sum(result.arrival.at_s >= from_s for result in self.results)
        return sum(at_s >= from_s for at_s, _ in self.attempts) / calls


def played(
    stack: Stack, fault: Fault, seed: int, *, until_s: float = 40.0, seconds: float = 40.0, rate_per_s: float = 8.0
) -> Run:
    """*seconds* of traffic, of which the sinkhole fails in those before *until_s*."""
    attempts: list[tuple[float, bool]] = []
    ejected_at_s: list[float] = []

    def hear(event: Event) -> None:
        if isinstance(event, AttemptEnded) and event.attempt.endpoint.name == SINKHOLE:
            attempts.append((event.attempt.sent_s, event.attempt.error is None))
        elif isinstance(event, EndpointEjected):
            ejected_at_s.append(event.at_s)

    async def main() -> list[Result]:
        well = Behaviour(ttft_s=0.8, tail=0.0, tokens_per_s=1000.0)
        failing = attrs.evolve(
            well,
            error=fault.error,
            error_after_s=0.001,
            retry_after_s=fault.retry_after_s,
            incidents=(Incident(from_s=0.0, to_s=until_s, error_rate=1.0),),
        )
        provider = Simulated(behaviour=well, by_endpoint={SINKHOLE: failing}, seed=seed)
        endpoints = [
            Endpoint(name=f"replica-{number}", provider=provider, model="m", profile=Profile(ttft_s=0.8))
            for number in range(REPLICAS)
        ]
        route = Route(name="chat", models="m", objective=Objective(ttft_s=2.0))
        dice = random.Random(seed)
        async with Router(endpoints, [route], stack(), clock=virtual_clock, dice=dice, listeners=[hear]) as router:
            return await play(router, poisson(rate_per_s, seconds, random.Random(seed), lambda _: QUESTION))

    return Run(run(main), attempts, ejected_at_s)


@cache
def over_seeds(name: str, fault: Fault) -> list[Run]:
    """The same traffic with each seed; printed, so that ours can be read beside the controls (``pytest -rP``)."""
    runs = [played((CONTROLS | OURS)[name], fault, seed) for seed in SEEDS]
    shares = [one.errors / len(one.results) for one in runs]
    print(  # noqa: T201  read with pytest -rP
        f"{fault!s:<26} {name:<30} callers' errors: median {statistics.median(shares):6.1%}"
        f"  ({min(shares):.1%} to {max(shares):.1%}), at most {max(one.errors for one in runs)} calls"
    )
    return runs


with_each_fault = pytest.mark.parametrize("fault", FAULTS, ids=str)


@pytest.mark.parametrize("fault", FAULTS[:2], ids=str)
@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_is_swallowed(name: str, fault: Fault) -> None:
    for one in over_seeds(name, fault):
        assert one.errors / len(one.results) > 1.25 / REPLICAS


@with_each_fault
@pytest.mark.parametrize("name", OURS)
def test_ours_lose_one_burst_and_then_no_more_than_the_trials(name: str, fault: Fault) -> None:
    for one in over_seeds(name, fault):
        first_s = one.ejected_at_s[0] if one.ejected_at_s else math.inf
        trials_s = [at_s for at_s in one.failed_at_s if at_s > first_s]
        assert len(one.failed_at_s) - len(trials_s) <= BURST
        assert all(later_s - earlier_s >= 2.5 for earlier_s, later_s in pairwise([first_s, *trials_s]))
        assert one.errors == len(one.failed_at_s) <= BURST + 5


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.retry_after_s is not None], ids=str)
@pytest.mark.parametrize("name", OURS)
def test_nobody_calls_before_the_named_instant(name: str, fault: Fault) -> None:
    assert fault.retry_after_s is not None
    for one in over_seeds(name, fault):
        sent_s = one.failed_at_s
        assert len(sent_s) > 1
        assert all(b - a >= fault.retry_after_s for a, b in pairwise(sent_s))


@with_each_fault
@pytest.mark.parametrize("seed", SEEDS)
def test_with_the_whole_stack_no_caller_sees_an_error_and_one_that_recovers_gets_its_traffic_back(
    fault: Fault, seed: int
) -> None:
    whole: list[Policy] = [Fallback(), Retry(), Regions(), Breaker(), LatencyBudget(), Slots()]

    one = played(lambda: whole, fault, seed, until_s=30.0, seconds=110.0, rate_per_s=6.0)

    assert one.errors == 0
    assert 0 < len(one.failed_at_s) <= BURST + 4
    assert max(one.failed_at_s) < 30.0
    assert one.share(from_s=90.0) >= 0.5 / REPLICAS
