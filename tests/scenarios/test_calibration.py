"""Predictions are calibrated: of calls that were given a time with a chance of 90 %, about 90 % make it.

Each call is asked, when its endpoint is chosen, for the time that its endpoint will keep with 90 % (of the first token,
and of the whole answer); afterwards it is seen whether it did. In every class of prompt sizes the share must be between
87 % and 93 %, also where prompts and loads change what an endpoint does.
"""

import math
import random
from collections import defaultdict

import attrs
import pytest

from paceline.policies import RoundRobin
from paceline.router import Call, Emit, Endpoint, Handler, Request, Route, Router
from paceline.router.simulation.behaviour import Behaviour
from paceline.router.simulation.simulated import OUTPUT_TOKENS, Simulated
from paceline.router.statistics.outlook import Outlook
from paceline.router.statistics.size_class import size_class
from paceline.router.testing import play, poisson, run, virtual_clock

SECONDS = 600.0
LEARNED_BY_S = 60.0
FEWEST = 500
"""Calls of a class, to judge it by: the share of 500 strays by 1.3 % (one sd)."""

BEHAVIOURS = {
    "tight": Behaviour(
        ttft_s=0.25, prefill_s=0.15, sigma=0.15, tail=0.0, tokens_per_s=80.0, pace_sigma=0.1, tokens_per_chunk=8
    ),
    "wide": Behaviour(
        ttft_s=0.4, prefill_s=0.3, sigma=0.4, tail=0.0, tokens_per_s=50.0, pace_sigma=0.1, tokens_per_chunk=8
    ),
    "tailed": Behaviour(
        ttft_s=0.3, prefill_s=0.2, tail=0.02, tail_factor=20.0, tokens_per_s=60.0, pace_sigma=0.1, tokens_per_chunk=8
    ),
    "loaded": Behaviour(
        ttft_s=0.2, prefill_s=0.1, tail=0.0, tokens_per_s=60.0, pace_sigma=0.1, tokens_per_chunk=8, knee=24
    ),
}


@attrs.frozen
class Asking:
    """Between the choice and the attempt: writes down what was promised for 90 %, and whether it was kept."""

    kept: dict[tuple[str, int], list[bool]] = attrs.field(factory=lambda: defaultdict(list))

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        now_s, outlook = call.clock(), call.target.outlook(call.clock(), call.size)
        tokens = call.request.metadata[OUTPUT_TOKENS]
        assert isinstance(tokens, int)
        first_s, whole_s = outlook.ttft_quantile_s(0.9), in_time(outlook, tokens)
        await next(call, emit)
        attempt = call.ledger.attempts[-1]
        if now_s >= LEARNED_BY_S and first_s is not None and attempt.ttft_s is not None and attempt.total_s is not None:
            self.kept["first token", size_class(call.prompt_tokens)].append(attempt.ttft_s <= first_s)
            self.kept["whole answer", size_class(call.prompt_tokens)].append(attempt.total_s <= whole_s)


def in_time(outlook: Outlook, tokens: int) -> float:
    """Seconds within which an answer of so many tokens is there with 90 %."""
    low_s, high_s = 0.0, 60.0
    while high_s - low_s > 0.005:
        middle_s = (low_s + high_s) / 2
        if (outlook.p_tokens_within(middle_s, [tokens]) or 0.0) >= 0.9:
            high_s = middle_s
        else:
            low_s = middle_s
    return high_s


def conversation(dice: random.Random) -> Request:
    """Sizes like those of the Azure conversation trace: medians 1,020 and 129, heavy to the right."""
    prompt, answer = (round(median * math.exp(dice.gauss(0.0, sigma))) for median, sigma in ((1020, 1.3), (129, 0.9)))
    return Request(
        messages="hello",
        route="chat",
        prompt_tokens=max(20, min(prompt, 14_000)),
        metadata={OUTPUT_TOKENS: max(5, min(answer, 1000))},
    )


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_of_calls_promised_a_time_with_ninety_percent_ninety_percent_make_it(name: str) -> None:
    asking = Asking()

    async def main() -> None:
        provider = Simulated(behaviour=BEHAVIOURS[name], seed=7)
        endpoints = [Endpoint(name=f"{name}-{number}", provider=provider, model="m") for number in range(2)]
        dice = random.Random(7)
        async with Router(
            endpoints, [Route(name="chat", models="m")], [RoundRobin(), asking], clock=virtual_clock, dice=dice
        ) as router:
            await play(router, poisson(8.0, SECONDS, random.Random(7), conversation))

    run(main)

    shares = {key: sum(kept) / len(kept) for key, kept in asking.kept.items() if len(kept) >= FEWEST}
    assert len(shares) >= 6
    assert {key: share for key, share in shares.items() if not 0.87 <= share <= 0.93} == {}
