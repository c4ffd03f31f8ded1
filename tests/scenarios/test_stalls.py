"""One answer in twenty stalls in the middle, and one in fifty is cut off. What does the reader get?

The control is the same stack without `Resume`. It must fail visibly: about seven readers in a hundred are left with
half an answer, and those whose answer stalled look at it for half a minute before they are told. With `Resume` they
must all have the whole answer, to the character, and once the endpoints are known nobody may wait for the next word for
longer than it takes to notice two stalls in a row and to be answered elsewhere. In neither may half an answer ever pass
for a whole one. Medians and ranges of five seeds, pauses after the first minute:

    stack                whole answers           longest pause of 99.5 % of the readers
    without               92.8 % (89.9..93.9)    30 s
    Resume, anchored     100 %                    3 s
    Resume, prefill      100 %                    3 s
"""

from __future__ import annotations

import asyncio
import random
import statistics
from functools import cache
from itertools import pairwise

import attrs
import pytest

from paceline.policies import Chaos, CutOff, Injection, Resume, Silence, Splice, stacks
from paceline.router import Endpoint, Policy, Request, Route, Router
from paceline.router.errors import CallError, StreamInterrupted
from paceline.router.testing import poisson, quantile, run, virtual_clock

from ..policies.continuing import TEXT, Model

LEAST_S = 2.0
"""The least pause that `Stall` takes for a stall."""

SEEDS = range(5)
CALLS_PER_S, SECONDS = 2.0, 180.0
KNOWN_S = 60.0
"""By then every endpoint has given the twenty answers that its pauses are learned from."""

QUESTION = Request(messages="Quote Dickens.", route="chat")
FAULTS = (Injection(fault=Silence(after=6), share=0.05), Injection(fault=CutOff(after=5), share=0.02))

STACKS: dict[str, list[Policy]] = {
    "without": [],
    "Resume, anchored": [Resume(routes={"chat": Splice()}, at_most=4)],
    "Resume, prefill": [Resume(routes={"chat": Splice(prefill="m")}, at_most=4)],
}


@attrs.frozen
class Read:
    """What one reader got, from when: the text, whether it was said to be whole, and the longest pause in it."""

    began_s: float
    text: str
    whole: bool
    delivered: int | None
    pause_s: float


async def read(router: Router) -> Read:
    """One reader."""
    began_s = virtual_clock()
    words: list[str] = []
    at_s: list[float] = []
    delivered: int | None = None
    try:
        async with router.stream(QUESTION) as chunks:
            async for chunk in chunks:
                words.append(chunk.text)
                at_s.append(virtual_clock())
        whole = True
    except CallError as error:
        whole = False
        at_s.append(virtual_clock())
        delivered = error.delivered if isinstance(error, StreamInterrupted) else None
    return Read(
        began_s, "".join(words), whole, delivered, max((late - early for early, late in pairwise(at_s)), default=0.0)
    )


def played(extra: list[Policy], seed: int) -> list[Read]:
    """Three minutes of traffic."""

    async def main() -> list[Read]:
        endpoints = [
            Endpoint(name=f"e{number}", provider=Model(TEXT), model="m", region=f"r{number}") for number in range(4)
        ]
        policies = [*extra, *stacks.interactive(), Chaos(injections=FAULTS, seed=seed)]
        route = Route(name="chat", models="m", budget_s=120.0)
        async with Router(endpoints, [route], policies, clock=virtual_clock, dice=random.Random(seed)) as router:
            readers: list[asyncio.Task[Read]] = []
            async with asyncio.TaskGroup() as traffic:
                for arrival in poisson(CALLS_PER_S, SECONDS, random.Random(seed), lambda _: QUESTION):
                    await asyncio.sleep(arrival.at_s - virtual_clock())
                    readers.append(traffic.create_task(read(router)))
        return [reader.result() for reader in readers]

    return run(main)


def longest_pause_s(one: list[Read]) -> float:
    """Of 99.5 % of the readers that came once the endpoints were known; now and then one of them still is not."""
    return quantile([each.pause_s for each in one if each.began_s >= KNOWN_S], 0.995) or 0.0


@cache
def over_seeds(name: str) -> list[list[Read]]:
    """The same traffic with each seed; printed, so that ours can be read beside the control (``pytest -rP``)."""
    runs = [played(STACKS[name], seed) for seed in SEEDS]
    whole = [100.0 * statistics.mean(each.whole for each in one) for one in runs]
    pauses = [longest_pause_s(one) for one in runs]
    print(  # noqa: T201  read with pytest -rP
        f"{name:<20} {statistics.median(whole):5.1f} % ({min(whole):.1f}..{max(whole):.1f}) whole;"
        f" longest pause {statistics.median(pauses):.1f} s ({min(pauses):.1f}..{max(pauses):.1f})"
    )
    return runs


def test_without_it_readers_are_left_with_half_an_answer_and_look_at_it_for_half_a_minute() -> None:
    for one in over_seeds("without"):
        assert statistics.mean(each.whole for each in one) < 0.95
        assert longest_pause_s(one) >= 30.0


@pytest.mark.parametrize("name", ["Resume, anchored", "Resume, prefill"])
def test_with_it_every_answer_is_whole_and_nobody_waits_long_for_the_rest(name: str) -> None:
    for one in over_seeds(name):
        assert all(each.whole for each in one)
        assert longest_pause_s(one) <= 2 * (LEAST_S + 1.0)


@pytest.mark.parametrize("name", STACKS)
def test_half_an_answer_never_passes_for_a_whole_one(name: str) -> None:
    for each in (each for one in over_seeds(name) for each in one):
        if each.whole:
            assert each.text == TEXT
        else:
            assert TEXT.startswith(each.text)
            assert each.delivered == len(each.text)
