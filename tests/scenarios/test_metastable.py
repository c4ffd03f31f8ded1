"""A fleet at 85 % of its capacity loses half of it for ten seconds. Does it come back when the capacity does?

Published: with plain retries it does not. Calls time out, are tried again, and so the overload feeds itself long after
its cause has gone (Bronson et al., HotOS 2021; Huang et al., OSDI 2022), with or without backoff; tried again from a
budget, the work grows by little and the fleet recovers (Brooker, "Fixing retries with token buckets and circuit
breakers", 2022). The controls are plain retries with and without exponential backoff.

The stacks choose endpoints in turn, so that the retries are all they differ in. Medians and ranges of five seeds:

    retries              attempts a call        answered at the end    back after the capacity is
    plain, at once       3.54 (3.50..3.55)      none                   never
    plain, backing off   3.54 (3.50..3.55)      none                   never
    from the budget      1.03 (1.03..1.04)      all                    19 s (16..29)
    none                 1                      all                    14 s (12..20)
    budget, and slots    0.96 (0.94..0.96)      all                    at once
"""

from __future__ import annotations

import asyncio
import gc
import random
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio
import attrs
import pytest
from tenacity import stop_after_attempt

from paceline.policies import Fallback, LatencyBudget, Regions, Retry, RoundRobin, Slots
from paceline.router import Call, Emit, Endpoint, Handler, Layer, Limits, Policy, Profile, Request, Route, Router
from paceline.router.errors import AttemptFailed, CallError
from paceline.router.testing import poisson, run, virtual_clock

from .capacity import Capacity

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import ClassVar

ENDPOINTS, WORKERS = 4, 25
SERVICE_S = 1.0
MEAN_SERVICE_S = 1.0317
"""The mean of a logarithmic normal of median 1 and sd 0.25."""

RATE_PER_S = 0.85 * ENDPOINTS * WORKERS / MEAN_SERVICE_S
TRIES = 4
DEADLINE_S = 15.0
"""Four tries of 3 s, and the backoff between them."""

HALVED_S, RESTORED_S = 6.0, 16.0
RECOVERED_BY_S = RESTORED_S + 2 * DEADLINE_S
WATCHED_S = 5.0
SEEDS = range(1, 6)

CHAT = Route(name="chat", models="m", budget_s=DEADLINE_S)
QUESTION = Request(messages="hello", route="chat", stream=False)
LIMITS = Limits(first_token_s=None, total_s=3 * SERVICE_S)
EXPECTED = Profile(ttft_s=SERVICE_S)


@attrs.frozen
class Plain:
    """Retries without a budget. ceiling_s: of the first wait's full jitter, doubled each time; 0: no wait."""

    layer: ClassVar[Layer] = Layer.RETRY

    ceiling_s: float

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        ceiling_s = self.ceiling_s
        for _ in range(TRIES - 1):
            with suppress(AttemptFailed):
                await next(call, emit)
                return
            await anyio.sleep(call.dice.uniform(0.0, min(8.0, ceiling_s)))
            ceiling_s *= 2.0
        await next(call, emit)


@attrs.frozen
class Run:
    """What a run came to: when its calls came, when those came that were answered, and how many attempts there were."""

    arrived_s: list[float]
    answered_s: list[float]
    attempts: int

    @property
    def amplification(self) -> float:
        return self.attempts / len(self.arrived_s)

    def goodput(self, from_s: float, to_s: float) -> float:
        """The share of the calls of this time that were answered."""
        answered = sum(from_s <= at_s < to_s for at_s in self.answered_s)
        return answered / sum(from_s <= at_s < to_s for at_s in self.arrived_s)

    @property
    def recovered(self) -> float:
        """Goodput after the time by which it should be back, as a share of what it was before."""
        return self.goodput(RECOVERED_BY_S, RECOVERED_BY_S + WATCHED_S) / self.goodput(0.0, HALVED_S - 3 * SERVICE_S)


def outage(policies: list[Policy], seed: int, *, slots: int | None = None) -> Run:
    """Half of the workers are gone for ten seconds."""
    providers = [Capacity(WORKERS, SERVICE_S, random.Random(f"{seed}:{n}")) for n in range(ENDPOINTS)]
    endpoints = [
        Endpoint(name=f"e{n}", provider=provider, model="m", limits=LIMITS, slots=slots, profile=EXPECTED)
        for n, provider in enumerate(providers)
    ]
    arrivals = poisson(RATE_PER_S, RECOVERED_BY_S + WATCHED_S, random.Random(seed), lambda _: QUESTION)
    answered_s = list[float]()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for provider in providers:
            loop.call_at(HALVED_S, provider.resize, WORKERS // 2)
            loop.call_at(RESTORED_S, provider.resize, WORKERS)
        async with Router(endpoints, [CHAT], policies, clock=virtual_clock, dice=random.Random(seed)) as router:

            async def one(at_s: float) -> None:
                with suppress(CallError):
                    await router.complete(QUESTION)
                    answered_s.append(at_s)

            async with asyncio.TaskGroup() as traffic:
                for arrival in arrivals:
                    await asyncio.sleep(arrival.at_s - virtual_clock())
                    traffic.create_task(one(arrival.at_s))

    run(main)
    arrived_s = [arrival.at_s for arrival in arrivals]
    return Run(arrived_s, answered_s, sum(provider.calls for provider in providers))


@pytest.fixture(autouse=True)
def _cycles_are_seldom_collected() -> Generator[None]:
    """A storm leaves many failures behind, and looking through them again and again takes as long as the storm."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 100)
    yield
    gc.set_threshold(*before)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("ceiling_s", [0.0, 0.25], ids=["at once", "backing off"])
def test_plain_retries_keep_the_fleet_down_long_after_its_capacity_is_back(ceiling_s: float, seed: int) -> None:
    stormy = outage([Plain(ceiling_s), RoundRobin()], seed)

    assert stormy.recovered < 0.05
    assert stormy.amplification > 3.0


@pytest.mark.parametrize("seed", SEEDS)
def test_retries_from_the_budget_let_it_recover(seed: int) -> None:
    ours = outage([Retry(stop=stop_after_attempt(TRIES)), RoundRobin()], seed)

    assert ours.recovered >= 0.95
    assert ours.amplification <= 1.1


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_with_slots_hardly_anything_is_lost_but_what_the_outage_takes(seed: int) -> None:
    retry = Retry(stop=stop_after_attempt(TRIES))
    ours = outage([Fallback(), retry, Regions(), LatencyBudget(), Slots()], seed, slots=WORKERS)

    assert ours.recovered >= 0.95
    assert ours.goodput(RESTORED_S, RECOVERED_BY_S) >= 0.95
    assert ours.amplification <= 1.1
