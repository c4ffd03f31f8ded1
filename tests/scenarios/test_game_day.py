"""A game day: one endpoint of four fails, trickles and falls silent for a while. Which stacks get through it?

What `Chaos` is for: the faults are seeded, so every stack meets the same ones, and a stack that has not been tried is a
guess. Round robin and retries without a breaker must visibly suffer; the interactive stack with `Resume` must not. That
a fault shows is tried as well: every call that failed, and every attempt that was cut off, can be told from its ledger
to have had a fault put into it. Medians and ranges of five seeds:

    stack                  whole answers            of calls during the game day
    round robin            78.5 % (77.8..79.8)
    interactive            98.4 % (98.3..100)
    and Resume             100 %
"""

from __future__ import annotations

import asyncio
import random
import statistics
from functools import cache
from typing import TYPE_CHECKING

import attrs
import pytest

from paceline.policies import (
    Chaos,
    CutOff,
    Drip,
    Failure,
    Injection,
    Latency,
    Resume,
    RoundRobin,
    Silence,
    Splice,
    stacks,
)
from paceline.router import Answer, Attempt, Endpoint, Outcome, Policy, Request, Route, Router
from paceline.router.testing import poisson, run, virtual_clock

from ..policies.continuing import TEXT, Heard, Model, hear

if TYPE_CHECKING:
    from collections.abc import Callable

SEEDS = range(5)
FROM_S, TO_S, UNTIL_S = 30.0, 90.0, 120.0
QUESTION = Request(messages="Quote Dickens.", route="chat")
FAULTS = tuple(
    Injection(fault=fault, share=share, endpoints="e0", from_s=FROM_S, to_s=TO_S)
    for fault, share in [
        (Failure(), 0.4),
        (Silence(after=3), 0.3),
        (CutOff(after=2), 0.4),
        (Drip(gap_s=4.0), 0.5),
        (Latency(least_s=2.0, most_s=8.0), 1.0),
    ]
)

STACKS: dict[str, Callable[[], list[Policy]]] = {
    "round robin": lambda: [RoundRobin()],
    "interactive": stacks.interactive,
    "and Resume": lambda: [Resume(otherwise=Splice(prefill="m")), *stacks.interactive()],
}


@attrs.frozen
class Run:
    """What each reader got, and from when on."""

    readers: list[tuple[float, Heard]]

    @property
    def whole(self) -> float:
        """Share of the answers of the game day that were whole."""
        during = [heard for at_s, heard in self.readers if FROM_S <= at_s < TO_S]
        return statistics.mean(isinstance(heard.given, Answer) and heard.text == TEXT for heard in during)

    @property
    def attempts(self) -> list[Attempt]:
        return [attempt for _, heard in self.readers for attempt in heard.given.attempts]


def game_day(stack: list[Policy], seed: int) -> Run:
    """Two minutes of traffic, with the faults in the middle of it."""

    async def main() -> Run:
        endpoints = [
            Endpoint(name=f"e{number}", provider=Model(TEXT), model="m", region=f"r{number}") for number in range(4)
        ]
        policies = [*stack, Chaos(injections=FAULTS, seed=seed)]
        route = Route(name="chat", models="m", budget_s=60.0)
        async with Router(endpoints, [route], policies, clock=virtual_clock, dice=random.Random(seed)) as router:
            readers: list[tuple[float, asyncio.Task[Heard]]] = []
            async with asyncio.TaskGroup() as traffic:
                for arrival in poisson(4.0, UNTIL_S, random.Random(seed), lambda _: QUESTION):
                    await asyncio.sleep(arrival.at_s - virtual_clock())
                    readers.append((arrival.at_s, traffic.create_task(hear(router, QUESTION))))
        return Run([(at_s, reader.result()) for at_s, reader in readers])

    return run(main)


@cache
def over_seeds(name: str) -> list[Run]:
    """The same game day with each seed; printed, so that the stacks can be compared (``pytest -rP``)."""
    runs = [game_day(STACKS[name](), seed) for seed in SEEDS]
    whole = [100.0 * one.whole for one in runs]
    print(f"{name:<14} {statistics.median(whole):5.1f} % whole ({min(whole):.1f}..{max(whole):.1f})")  # noqa: T201
    return runs


def test_one_that_knows_nothing_of_faults_suffers() -> None:
    for one in over_seeds("round robin"):
        assert one.whole < 0.85


def test_the_interactive_stack_with_resume_gets_through() -> None:
    for one, less in zip(over_seeds("and Resume"), over_seeds("interactive"), strict=True):
        assert one.whole >= 0.99
        assert one.whole >= less.whole


@pytest.mark.parametrize("name", STACKS)
def test_every_failure_can_be_told_to_have_been_injected_and_nothing_is_injected_outside_of_it(name: str) -> None:
    for one in over_seeds(name):
        for attempt in one.attempts:
            if attempt.outcome in {Outcome.FAILED, Outcome.TIMED_OUT}:
                assert attempt.injected is not None
            if attempt.injected is not None:
                assert attempt.endpoint.name == "e0"
