"""One call in twenty does not find an end, and goes on to the vendor's maximum: who waits for it?

Three endpoints with eight slots each are asked four times a second, for answers of 100 to 300 tokens, which take four
seconds and so two thirds of the slots. A runaway takes 8,000 tokens, 160 seconds: as much of a slot as forty others. At
one in twenty they ask for more than there is, and before long they hold every slot; of the other calls most are sent
away, or wait. With a cap of 500 tokens a runaway takes as much as three others, and nobody notices.

The calls that are judged are the others: those that would have ended by themselves.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from functools import cache

import attrs
import pytest

from paceline.policies import Cap, Slots
from paceline.router import Endpoint, Policy, Profile, Request, Route, Router
from paceline.router.simulation.behaviour import Behaviour
from paceline.router.simulation.simulated import OUTPUT_TOKENS, Simulated
from paceline.router.testing import Result, play, poisson, quantile, run, virtual_clock

SEEDS = range(5)
RATE_PER_S = 4.0
SECONDS = 400.0
SETTLED_S = 200.0
"""From here on it is as it will stay."""
ONE_IN = 20
MOST = 8_000
CAP = 500
SPEED = Behaviour(ttft_s=0.3, tail=0.0, tokens_per_s=50.0, tokens_per_chunk=100)


@attrs.frozen
class Played:
    """Of the calls that end by themselves: the share that was answered, and the 95th percentile of what they took.
    longest: tokens of the longest answer.
    """

    answered: float
    p95_s: float
    longest: int


@cache
def played(seed: int, *, capped: bool, runaways: bool = True) -> Played:
    async def main() -> list[Result]:
        provider = Simulated(behaviour=SPEED, seed=seed)
        endpoints = [
            Endpoint(name=f"e{number}", provider=provider, model="m", slots=8, profile=Profile(ttft_s=0.3))
            for number in range(3)
        ]
        policies: list[Policy] = [*([Cap(max_tokens=CAP)] if capped else []), Slots(max_wait_s=10.0)]
        route, dice = Route(name="chat", models="m", budget_s=300.0), random.Random(seed)
        async with Router(endpoints, [route], policies, clock=virtual_clock, dice=dice) as router:
            return await play(router, poisson(RATE_PER_S, SECONDS, random.Random(seed), question))

    def question(dice: random.Random) -> Request:
        runs_away, tokens = dice.random() < 1 / ONE_IN, dice.randint(100, 300)
        return Request(
            messages="hello",
            route="chat",
            metadata={OUTPUT_TOKENS: MOST if runaways and runs_away else tokens},
        )

    return judged(run(main))


def judged(results: Sequence[Result]) -> Played:
    others = [
        result
        for result in results
        if result.arrival.at_s >= SETTLED_S and result.arrival.request.metadata[OUTPUT_TOKENS] != MOST
    ]
    answered = [result for result in others if result.answer is not None]
    return Played(
        answered=len(answered) / len(others),
        p95_s=quantile([result.total_s for result in answered], 0.95) or 0.0,
        longest=max(result.answer.usage.output_tokens or 0 for result in results if result.answer is not None),
    )


def test_runaways_starve_the_others_and_a_cap_keeps_them_from_it() -> None:
    free, capped, none = (
        [played(seed, capped=on, runaways=some) for seed in SEEDS]
        for on, some in ((False, True), (True, True), (False, False))
    )
    for name, runs in (("no cap", free), ("cap", capped), ("no runaways", none)):
        shares = [one.answered for one in runs]
        print(  # noqa: T201  read with pytest -rP
            f"{name:<12} answered {statistics.median(shares):6.1%} ({min(shares):.1%} to {max(shares):.1%}), "
            f"p95 {statistics.median(one.p95_s for one in runs):.2f} s"
        )
    assert max(one.answered for one in free) < 0.8
    assert min(one.answered for one in capped) == 1.0


@pytest.mark.parametrize("seed", SEEDS)
def test_with_a_cap_the_others_are_served_nearly_as_if_there_were_no_runaways(seed: int) -> None:
    capped, none = played(seed, capped=True), played(seed, capped=False, runaways=False)
    assert capped.longest == CAP
    assert capped.p95_s <= 1.2 * none.p95_s
