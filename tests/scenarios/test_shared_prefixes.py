"""A hundred long prefixes that come again and again, and eight endpoints with a prompt cache of twenty each.

Prefixes are as popular as words are (the n-th comes 1/n**0.9 times as often as the first), so a few are shared by much
of the traffic. Spread over all endpoints, everyone meets every prefix and forgets it before it comes again: half of the
calls are cold. Sent home without regard to load (*perfect stickiness*), nearly none are, and one endpoint carries twice
its share. The bound of 1.25 must cost less than a tenth of those hits.

Here an uncached prefix costs 0.6 s of the first token. An endpoint that becomes eight times slower must be left,
although its cache is warm; and where a vendor caches nothing, nothing may change.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, ClassVar

import attrs
import pytest

from paceline.policies import Affinity, LatencyBudget, Slots
from paceline.policies.prompt_prefix import prefix_of
from paceline.policies.rendezvous import Rendezvous
from paceline.router import Endpoint, Layer, Policy, Profile, Request, Route, Router
from paceline.router.testing import play, poisson, quantile, run, virtual_clock

from .prompt_caches import CHARACTERS, Caching

if TYPE_CHECKING:
    from paceline.router import Call, Emit, Handler

SEEDS = range(5)
ENDPOINTS = 8
PREFIXES = 100
HOLDS = 20
RATE_PER_S = 40.0
SECONDS = 40.0
TEXTS = [f"{number:08d}" * (CHARACTERS // 8) for number in range(PREFIXES)]
POPULARITY = [1.0 / (number + 1) ** 0.9 for number in range(PREFIXES)]


class Sticks:
    """The control that knows no load: every prefix to its first home, always."""

    layer: ClassVar[Layer] = Layer.CHOICE

    def __init__(self) -> None:
        self._rendezvous = Rendezvous()

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        key = prefix_of(call.request.messages, CHARACTERS)
        assert key is not None
        home = self._rendezvous.order(call.candidates, key)[0]
        await next(call.with_(candidates=(home,)), emit)


STACKS: dict[str, Callable[[], list[Policy]]] = {
    "balanced": lambda: [Slots()],
    "perfect stickiness": lambda: [Sticks(), Slots()],
    "affinity": lambda: [Affinity(), Slots()],
    "affinity in time": lambda: [LatencyBudget(), Affinity(), Slots()],
}
OURS = ("affinity", "affinity in time")


@attrs.frozen
class Played:
    """hits: share of the calls read from a cache. most: the busiest endpoint's calls, over its fair share. first_s: the
    median first token. slow: the share of the calls that went to the first endpoint.
    """

    hits: float
    most: float
    first_s: float
    slow: float


@cache
def played(stack: str, seed: int, *, holds: int = HOLDS, slower: float = 1.0) -> Played:
    async def main() -> Played:
        vendor = Caching(random.Random(seed), holds=holds, slower={"e0": slower})
        endpoints = [
            Endpoint(name=f"e{number}", provider=vendor, model="m", profile=Profile(ttft_s=0.5))
            for number in range(ENDPOINTS)
        ]
        route, dice = Route(name="chat", models="m"), random.Random(seed)
        async with Router(endpoints, [route], STACKS[stack](), clock=virtual_clock, dice=dice) as router:
            results = await play(router, poisson(RATE_PER_S, SECONDS, random.Random(seed), question))
            assert all(target.in_flight == 0 for target in router.fleet)
        calls = sum(vendor.calls.values())
        assert all(result.answer is not None for result in results)
        first_s = [result.answer.ttft_s or 0.0 for result in results if result.answer is not None]
        return Played(
            hits=sum(vendor.hits.values()) / calls,
            most=max(vendor.calls.values()) * ENDPOINTS / calls,
            first_s=quantile(first_s, 0.5) or 0.0,
            slow=vendor.calls.get("e0", 0) / calls,
        )

    return run(main)


def question(dice: random.Random) -> Request:
    text = dice.choices(TEXTS, POPULARITY)[0]
    messages = [{"role": "system", "content": text}, {"role": "user", "content": f"question {dice.random()}"}]
    return Request(messages=messages, route="chat")


with_each_seed = pytest.mark.parametrize("seed", SEEDS)


@with_each_seed
def test_balanced_calls_find_little_in_the_caches(seed: int) -> None:
    assert played("balanced", seed).hits < 0.65 * played("perfect stickiness", seed).hits


@with_each_seed
def test_sticking_without_regard_to_load_crowds_an_endpoint(seed: int) -> None:
    assert played("perfect stickiness", seed).most > 1.5


@with_each_seed
@pytest.mark.parametrize("stack", OURS)
def test_nine_tenths_of_the_hits_are_had_and_nobody_carries_more_than_the_bound(stack: str, seed: int) -> None:
    one, perfect, balanced = (played(name, seed) for name in (stack, "perfect stickiness", "balanced"))
    print(  # noqa: T201  read with pytest -rP
        f"{stack:<17} seed {seed}: hits {one.hits:.1%} of {perfect.hits:.1%}, balanced {balanced.hits:.1%}; busiest "
        f"{one.most:.3f}, perfect {perfect.most:.3f}; first token {one.first_s:.3f} s, balanced {balanced.first_s:.3f}"
    )
    assert one.hits >= 0.9 * perfect.hits
    assert one.most <= 1.25
    assert one.first_s < balanced.first_s


@with_each_seed
def test_an_endpoint_that_is_slow_loses_its_prefixes(seed: int) -> None:
    assert played("perfect stickiness", seed).slow > 2.0 * played("affinity", seed, slower=8.0).slow


@with_each_seed
def test_where_nothing_is_cached_calls_are_balanced_as_without_it(seed: int) -> None:
    without, one = played("balanced", seed, holds=0), played("affinity", seed, holds=0)
    assert one.hits == 0.0
    assert one.most < 1.15
    assert one.first_s < 1.02 * without.first_s
