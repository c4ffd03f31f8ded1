"""Calls that are cut off bias nothing: 30 % of the slow calls end after a second, and what is known stays the truth.

Four calls in ten take longer than a second, and three in ten of those have a caller who waits no longer than that. Left
out, they would make the endpoint look faster than it is; counted as a second, too. Reckoned in by Kaplan and Meier, the
estimate stays within 3 % of the true quantiles and 0.02 of the true chances, below the cut and above it.
"""

import random

import attrs
import pytest

from paceline.router import Call, Emit, Endpoint, Handler, Prior, Request, Router, Window, WindowShape
from paceline.router.simulation.behaviour import Behaviour
from paceline.router.simulation.simulated import OUTPUT_TOKENS, Simulated
from paceline.router.statistics.hdr import MILLISECONDS_TO_AN_HOUR as MS
from paceline.router.statistics.latency import Latency, Samples
from paceline.router.statistics.size_class import octave_of
from paceline.router.testing import play, poisson, run, virtual_clock

CUT_AT_S = 1.0
CUT_SHARE = 0.3
TRUTH = Prior(0.9, 1.75)
"""The time to first token: 40 % take longer than a second. Half take 0.9 s, nine in ten 1.5 s."""

QUANTILES = (0.3, 0.5, 0.9, 0.95)
TIMES_S = (0.6, 0.9, 1.2, 1.8)
CALLS = 4000


def sorted_quantile(values: list[float], q: float) -> float:
    return sorted(values)[int(q * len(values))]


def test_what_is_cut_off_at_one_second_leaves_the_estimate_where_the_truth_is() -> None:
    dice = random.Random(7)
    window, seen = Window(MS, WindowShape()), list[float]()
    for _ in range(CALLS):
        takes_s = TRUTH.quantile(dice.random())
        if takes_s > CUT_AT_S and dice.random() < CUT_SHARE:
            window.record_censored(CUT_AT_S, 0.0)
        else:
            window.record(takes_s, 0.0)
            seen.append(takes_s)

    fold = window.fold(0.5)

    assert fold.censored > 0.1 * CALLS
    for q in QUANTILES:
        assert fold.quantile(q) == pytest.approx(TRUTH.quantile(q), rel=0.03)
    for t_s in TIMES_S:
        assert fold.cdf(t_s) == pytest.approx(TRUTH.within(t_s), abs=0.02)


def test_leaving_out_what_is_cut_off_would_be_wrong_by_far_more() -> None:
    """The control: with the same calls, the tolerance above is no accident."""
    dice = random.Random(7)
    everything = [TRUTH.quantile(dice.random()) for _ in range(CALLS)]
    left = [takes_s for takes_s in everything if takes_s <= CUT_AT_S or dice.random() >= CUT_SHARE]

    for q in (0.5, 0.9):
        assert sorted_quantile(left, q) < 0.96 * TRUTH.quantile(q)
    for t_s in (0.9, 1.2):
        assert sum(takes_s <= t_s for takes_s in left) / len(left) > TRUTH.within(t_s) + 0.04


@attrs.frozen
class Impatient:
    """Gives 30 % of its calls a second to their first token, and the others all the time they want."""

    dice: random.Random

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        patience_s = CUT_AT_S if self.dice.random() < CUT_SHARE else 60.0
        await next(call.with_(start_by_s=call.clock() + patience_s), emit)


def learned(policies: list[Impatient], *, prompts: tuple[int, ...]) -> tuple[list[float | None], list[float | None]]:
    """Quantiles and chances after four minutes of calls to an endpoint as slow as `TRUTH`."""
    behaviour = Behaviour(ttft_s=TRUTH.median_s, sigma=TRUTH._sigma(), tail=0.0, tokens_per_s=200.0)
    endpoint = Endpoint(name="slow", provider=Simulated(behaviour=behaviour, seed=7), model="m")

    def question(dice: random.Random) -> Request:
        return Request(messages="hello", model="m", prompt_tokens=dice.choice(prompts), metadata={OUTPUT_TOKENS: 5})

    async def main() -> Latency[Samples]:
        shape = WindowShape(period_s=60.0)
        async with Router([endpoint], policies=policies, clock=virtual_clock, window=shape) as router:
            await play(router, poisson(16.0, 240.0, random.Random(7), question))
            return router.fleet["slow"].learned.ttft.of(octave_of(prompts[0]))

    ttft = run(main)
    return [ttft.quantile(q, 250.0) for q in QUANTILES], [ttft.within(t_s, 250.0) for t_s in TIMES_S]


@pytest.mark.parametrize("prompts", [(1000,), (1000, 100, 10_000)], ids=["one size", "three sizes"])
def test_a_router_whose_callers_leave_after_a_second_is_not_deceived(prompts: tuple[int, ...]) -> None:
    quantiles, chances = learned([Impatient(random.Random(7))], prompts=prompts)

    assert quantiles == pytest.approx([TRUTH.quantile(q) for q in QUANTILES], rel=0.04)
    assert chances == pytest.approx([TRUTH.within(t_s) for t_s in TIMES_S], abs=0.03)


@pytest.mark.parametrize("prompts", [(1000,), (1000, 100, 10_000)], ids=["one size", "three sizes"])
def test_nor_is_it_when_nobody_leaves(prompts: tuple[int, ...]) -> None:
    quantiles, chances = learned([], prompts=prompts)

    assert quantiles == pytest.approx([TRUTH.quantile(q) for q in QUANTILES], rel=0.04)
    assert chances == pytest.approx([TRUTH.within(t_s) for t_s in TIMES_S], abs=0.03)
