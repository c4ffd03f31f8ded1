"""A new endpoint is said to be as fast as the others. It is ten times slower, and one call in five fails.

The control is a canary: a fifth of the calls is sent there. What it learns its callers pay for, which must show.
`Shadow` copies a fifth of the calls instead. It must learn as much of the new endpoint, and its callers must get to the
last digit what they would have got without it. Medians and ranges of five seeds:

    a fifth of the calls is    calls failed, or slower than 1 s    first token of the new one, median
    sent there                 20.2 % (17.9..21.1)                 3.04 s (2.96..3.04)
    copied there                0 %                                3.03 s (3.01..3.06)
"""

from __future__ import annotations

import random
import statistics
from functools import cache
from typing import TYPE_CHECKING, ClassVar

import attrs
import pytest

from paceline.policies import Shadow, Slots
from paceline.router import Endpoint, Layer, Policy, Profile, Request, Route, Router
from paceline.router.simulation.behaviour import Behaviour
from paceline.router.simulation.simulated import Simulated
from paceline.router.testing import Result, play, poisson, run, virtual_clock

if TYPE_CHECKING:
    from paceline.router import Call, Emit, Handler

SEEDS = range(5)
SHARE = 0.2
NEW = "new"
QUESTION = Request(messages="hello", route="chat", max_tokens=1)
SOUND = Behaviour(ttft_s=0.3, tail=0.0, tokens_per_s=1000.0)
POOR = attrs.evolve(SOUND, ttft_s=3.0, error_rate=0.2)


@attrs.frozen
class Canary:
    """The usual way to try an endpoint out: a share of the calls goes there, and the others go elsewhere."""

    layer: ClassVar[Layer] = Layer.REGION

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        there = call.dice.random() < SHARE
        await next(call.with_(candidates=tuple(t for t in call.candidates if (t.name == NEW) is there)), emit)


@attrs.frozen
class Run:
    """What came of the calls, and the median first token that was learned of the new endpoint."""

    results: list[Result]
    learned_s: float | None

    @property
    def harmed(self) -> float:
        """Share of the calls that failed or were slow."""
        return statistics.mean(one.error is not None or one.total_s > 1.0 for one in self.results)

    @property
    def seen(self) -> list[tuple[str, float]]:
        """What callers saw: who answered, and when."""
        return [("" if one.answer is None else one.answer.endpoint, one.ended_s) for one in self.results]


def tried_out(policies: list[Policy], seed: int, *, model: str) -> Run:
    """Two minutes of traffic. model: what the new endpoint serves."""

    async def main() -> Run:
        provider = Simulated(behaviour=SOUND, by_endpoint={NEW: POOR}, seed=seed)
        promised = Profile(ttft_s=0.3)
        endpoints = [Endpoint(name=f"e{n}", provider=provider, model="m", profile=promised) for n in range(3)]
        endpoints.append(Endpoint(name=NEW, provider=provider, model=model, profile=promised))
        route = Route(name="chat", models="m")
        arrivals = poisson(5.0, 120.0, random.Random(seed), lambda _: QUESTION)
        async with Router(endpoints, [route], policies, clock=virtual_clock, dice=random.Random(seed)) as router:
            results = await play(router, arrivals)
            return Run(results, router.fleet[NEW].learned.ttft.overall.measured.fold(virtual_clock()).quantile(0.5))

    return run(main)


STACKS: dict[str, list[Policy]] = {
    "canary": [Canary(), Slots()],
    "shadow": [Shadow(to=NEW, share=SHARE, at_most=100), Slots()],
}


@cache
def over_seeds(name: str) -> list[Run]:
    """The same traffic with each seed; printed, so that ours can be read beside the control (``pytest -rP``)."""
    model = "m" if name == "canary" else "other"
    runs = [tried_out(STACKS[name], seed, model=model) for seed in SEEDS]
    harmed = [100.0 * one.harmed for one in runs]
    learned_s = [one.learned_s or 0.0 for one in runs]
    print(  # noqa: T201  read with pytest -rP
        f"{name:<8} harmed {statistics.median(harmed):.1f} % ({min(harmed):.1f}..{max(harmed):.1f});"
        f" learned {statistics.median(learned_s):.2f} s ({min(learned_s):.2f}..{max(learned_s):.2f})"
    )
    return runs


def test_what_a_canary_learns_its_callers_pay_for() -> None:
    for one in over_seeds("canary"):
        assert one.harmed > 0.15


def test_a_shadow_learns_as_much_and_nobody_pays() -> None:
    for one in over_seeds("shadow"):
        assert one.harmed == 0.0
        assert one.learned_s == pytest.approx(3.0, rel=0.15)


@pytest.mark.parametrize("seed", SEEDS)
def test_with_all_calls_copied_callers_see_what_they_would_have_seen_to_the_last_digit(seed: int) -> None:
    mirrored = tried_out([Shadow(to=NEW, share=1.0, at_most=100), Slots()], seed, model="other")
    alone = tried_out([Slots()], seed, model="other")

    assert mirrored.seen == alone.seen
    assert mirrored.learned_s != alone.learned_s
