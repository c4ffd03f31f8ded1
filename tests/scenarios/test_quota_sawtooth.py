"""More traffic than a vendor allows: a sawtooth of bursts and refusals, or a steady stream that is never refused.

200 calls and 80,000 tokens a minute, of which two endpoints of one key are asked for 1.4 times as much, for nearly five
minutes; a call tries three times. Vendors count in two ways (minutes of their clock, and buckets that refill), so both
are played. The control, the same stack without `Pace`, must show what is known of it: of a vendor that does not say
when to come back, a fifth to a third of the attempts are refused. Paced, at least 95 % of the limit is used and fewer
than 0.5 % of the attempts are refused, whether the limit is configured or read from the vendor's headers alone. Where
neither is known, refusals themselves are all there is to learn from; that is only held to be better than nothing.
"""

from __future__ import annotations

import asyncio
import random
import statistics
from collections.abc import Callable
from functools import cache

import attrs
import pytest

from paceline.policies import Pace, Quota, Retry, Slots
from paceline.router import Endpoint, Policy, Request, Route, Router
from paceline.router.simulation.simulated import OUTPUT_TOKENS
from paceline.router.testing import play, poisson, run, virtual_clock

from .rate_limited import MINUTE_S, Counter, Limited, Minutes, Refilling

SEEDS = range(5)
REQUESTS_PER_MIN = 200.0
TOKENS_PER_MIN = 80_000.0
RATE_PER_S = 1.4 * REQUESTS_PER_MIN / MINUTE_S
SECONDS = 280.0
NAMES = ("one", "other")

VENDORS: dict[str, Callable[[float, float], Counter]] = {"minutes": Minutes, "bucket": Refilling}


def quotas() -> list[Quota]:
    return [Quota(endpoints=NAMES, requests_per_min=REQUESTS_PER_MIN, tokens_per_min=TOKENS_PER_MIN)]


STACKS: dict[str, Callable[[], list[Policy]]] = {
    "none": lambda: [Retry(), Slots()],
    "configured": lambda: [Retry(), Pace(quotas=quotas()), Slots()],
    "learned": lambda: [Retry(), Pace(), Slots()],
}


@attrs.frozen
class Played:
    """Shares: of the limits in calls and in tokens that were used once it ran (of the greater), of attempts that were
    refused, and of calls that were answered.
    """

    used: float
    refused: float
    answered: float


@cache
def played(vendor: str, stack: str, seed: int, *, says_when: bool = True, headers: bool = False) -> Played:
    """What comes of it. The use is that of three minutes of the vendor's clock."""

    async def main() -> Played:
        dice = random.Random(seed)
        counter = VENDORS[vendor]
        limited = Limited(
            counter(REQUESTS_PER_MIN, 23.0),
            counter(TOKENS_PER_MIN, 23.0),
            dice,
            says_when=says_when,
            says_what_is_left=headers,
        )
        endpoints = [Endpoint(name=name, provider=limited, model="m", api_key="key") for name in NAMES]
        policies = STACKS[stack]()
        async with Router(
            endpoints, [Route(name="chat", models="m")], policies, clock=virtual_clock, dice=dice
        ) as router:
            after_a_minute = asyncio.create_task(used_after(limited, MINUTE_S + 37.0))
            after_all = asyncio.create_task(used_after(limited, 4 * MINUTE_S + 37.0))
            results = await play(router, poisson(RATE_PER_S, SECONDS, random.Random(seed), question))
            assert all(target.in_flight == target.slots.waiting == 0 for target in router.fleet)
        before, after = await after_a_minute, await after_all
        return Played(
            used=max((b - a) / limit for a, b, limit in zip(before, after, limits(3.0), strict=True)),
            refused=limited.refused / limited.attempts,
            answered=sum(result.answer is not None for result in results) / len(results),
        )

    return run(main)


def limits(minutes: float) -> tuple[float, float]:
    return minutes * REQUESTS_PER_MIN, minutes * TOKENS_PER_MIN


async def used_after(vendor: Limited, at_s: float) -> tuple[float, float]:
    await asyncio.sleep(at_s)
    return vendor.requests.used, vendor.tokens.used


def question(dice: random.Random) -> Request:
    """Mean 400 tokens, so that both limits bind."""
    return Request(
        messages="hello",
        route="chat",
        budget_s=40.0,
        prompt_tokens=dice.randint(50, 400),
        metadata={OUTPUT_TOKENS: dice.randint(50, 300)},
    )


def told(vendor: str, stack: str, **fields: bool) -> list[Played]:
    runs = [played(vendor, stack, seed, **fields) for seed in SEEDS]
    used, refused = [one.used for one in runs], [one.refused for one in runs]
    known = " and ".join(name for name, on in fields.items() if on)
    print(  # noqa: T201  read with pytest -rP
        f"{vendor:<8} {stack:<11} {known:<10} used {statistics.median(used):6.1%} (from {min(used):.1%}), "
        f"refused {statistics.median(refused):6.2%} (to {max(refused):.2%})"
    )
    return runs


with_each_vendor = pytest.mark.parametrize("vendor", VENDORS)


@with_each_vendor
def test_without_pacing_a_good_part_of_the_attempts_is_refused(vendor: str) -> None:
    for one in told(vendor, "none", says_when=False):
        assert one.refused > 0.1


@with_each_vendor
def test_with_a_quota_the_limit_is_used_and_nothing_refused(vendor: str) -> None:
    for one in told(vendor, "configured", says_when=False, headers=True):
        assert one.used >= 0.95
        assert one.refused < 0.005


@with_each_vendor
def test_what_headers_say_is_enough(vendor: str) -> None:
    for one in told(vendor, "learned", says_when=False, headers=True):
        assert one.used >= 0.95
        assert one.refused < 0.005


@with_each_vendor
def test_refusals_alone_are_something_to_learn_from(vendor: str) -> None:
    unpaced, paced = told(vendor, "none", says_when=False), told(vendor, "learned", says_when=False)
    for without, one in zip(unpaced, paced, strict=True):
        assert one.refused < 0.7 * without.refused
        assert one.used >= 0.95
