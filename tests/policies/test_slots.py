"""`Slots`: which endpoint is picked. Laws are simulated, with seeded dice. The queue is in test_slots_queue.py."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from paceline.policies import Regions, Slots
from paceline.router.errors import ConfigurationError, NoEndpoint
from paceline.router.testing import SILENT, Scripted, answers, endpoint, run

from .asking import Ask, asked, at_a_steady_rate, hello, routed, served, whole
from .between import nobody

if TYPE_CHECKING:
    from collections.abc import Mapping

    from paceline.router import Call, Emit, Endpoint, Handler, Policy

M = hello(model="m")
EVENLY = 0.1
"""How far a share may be from the fair one where calls overlap, so that load evens it out."""
BY_CHANCE = 0.15
"""How far where nothing but the dice decides: 3.4 standard deviations of 2,000 throws for one of five."""


def five(*providers: Scripted) -> list[Endpoint]:
    others = [Scripted(answers(0.25)) for _ in range(5 - len(providers))]
    return [endpoint(name, provider) for name, provider in zip("abcde", (*providers, *others), strict=True)]


def shares(
    ask: Ask, endpoints: list[Endpoint], calls: int, *, every_s: float, slots: Slots | None = None
) -> dict[str, float]:
    """Each endpoint's share of the calls, over the fair one."""

    async def main() -> dict[str, float]:
        async with routed(endpoints, [slots or Slots()]) as router:
            counts = served(await at_a_steady_rate(ask, router, M, calls, every_s=every_s))
        return {each.name: counts.get(each.name, 0) * len(endpoints) / calls for each in endpoints}

    return run(main)


def test_endpoints_alike_share_alike(ask: Ask) -> None:
    fair = shares(ask, five(), 2000, every_s=1 / 64)
    assert all(1 - EVENLY < share < 1 + EVENLY for share in fair.values())


def test_among_idle_endpoints_alike_chance_decides_and_the_first_is_no_favourite(ask: Ask) -> None:
    fair = shares(ask, five(), 2000, every_s=0.5)
    assert all(1 - BY_CHANCE < share < 1 + BY_CHANCE for share in fair.values())


@pytest.mark.parametrize("every_s", [1 / 64, 1 / 16, 0.5])
def test_an_endpoint_four_times_slower_gets_less_than_half_its_share(ask: Ask, every_s: float) -> None:
    fair = shares(ask, five(Scripted(answers(1.0))), 2000, every_s=every_s)
    assert fair["a"] < 0.5


def test_an_endpoint_four_times_slower_to_answer_in_one_piece_gets_less_than_half_its_share() -> None:
    at_once = hello(model="m", stream=False)

    async def main() -> dict[str, int]:
        async with routed(five(Scripted(answers(1.0))), [Slots()]) as router:
            return served(await at_a_steady_rate(whole, router, at_once, 2000, every_s=1 / 64))

    assert run(main)["a"] < 0.5 * 2000 / 5


def test_a_busy_endpoint_has_to_be_that_much_faster(ask: Ask) -> None:
    quick, slow = Scripted(answers(0.25), SILENT), Scripted(answers(0.625), SILENT)

    async def main() -> None:
        async with routed([endpoint("q", quick), endpoint("s", slow)], [Slots()]) as router:
            await ask(router, M)
            await ask(router, M)
            # 0.25 and 0.5 against 0.625, then 0.75 against it, and 0.75 against 1.25
            await at_a_steady_rate(ask, router, hello(model="m", budget_s=8.0), 4, every_s=1 / 32)

    run(main)
    assert (quick.calls, slow.calls) == (1 + 3, 1 + 1)


async def first_alone(call: Call, emit: Emit, next: Handler, /) -> None:
    """A policy that prefers the candidates in the order they have, and holds no two for equal."""
    await next(call.with_(candidates=call.candidates, tied=1), emit)


def test_only_the_tied_are_chosen_from_while_they_have_room(ask: Ask) -> None:
    first, second = Scripted(answers(1.0)), Scripted(answers(0.25))

    async def main() -> None:
        async with routed([endpoint("1", first), endpoint("2", second)], [first_alone, Slots()]) as router:
            await ask(router, M)
            await at_a_steady_rate(ask, router, M, 20, every_s=0.125)

    run(main)
    assert (first.calls, second.calls) == (21, 0)


@pytest.mark.parametrize("seed", range(4))
def test_when_the_tied_are_full_the_others_are_taken_in_order_of_preference(ask: Ask, seed: int) -> None:
    endpoints = [endpoint(name, Scripted(SILENT), slots=1) for name in "1234"]

    async def main() -> list[str]:
        async with routed(endpoints, [first_alone, Slots()], seed=seed) as router:
            ends = await at_a_steady_rate(ask, router, hello(model="m", budget_s=8.0), 4, every_s=0.125)
            return [end.error.attempts[0].endpoint.name for end in ends]

    assert run(main) == ["1", "2", "3", "4"]


@pytest.mark.parametrize("full_above", [0.95, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_if_one_of_the_two_drawn_is_full_the_cheaper_of_the_others_is_taken(
    ask: Ask, seed: int, full_above: float
) -> None:
    names = ("full", "quick", "slow")
    providers = [Scripted(answers(0.125), SILENT), Scripted(answers(0.25)), Scripted(answers(0.5))]
    endpoints = [
        endpoint(name, provider, region=name, slots=1) for name, provider in zip(names, providers, strict=True)
    ]

    async def main() -> str:
        policies: list[Policy] = [Regions(), Slots(full_above=full_above)]
        async with routed(endpoints, policies, seed=seed) as router, asyncio.TaskGroup() as others:
            for name in names:
                await ask(router, hello(model="m", residency={name}))
            other = others.create_task(router.complete(hello(model="m", residency={"full"})))
            await asyncio.sleep(0.0625)
            served_by = (await ask(router, M)).endpoint
            other.cancel()
        return served_by

    assert run(main) == "quick"


def test_an_endpoint_above_its_load_is_passed_over_while_another_has_room(ask: Ask) -> None:
    quick, slow = Scripted(answers(1 / 64), SILENT), Scripted(answers(4.0))

    async def main() -> int:
        endpoints = [endpoint("q", quick, slots=40), endpoint("s", slow, slots=40)]
        async with routed(endpoints, [Slots()]) as router:
            await ask(router, M)
            await ask(router, M)
            await at_a_steady_rate(ask, router, hello(model="m", budget_s=8.0), 42, every_s=0.0)
        return quick.most_live

    assert run(main) == 39  # 38 of 40 are 95 %, one more is above
    assert slow.calls == 1 + 3


def test_the_last_slots_are_used_when_everyone_is_above_that_load(ask: Ask) -> None:
    only = Scripted(answers(1.0))

    async def main() -> float:
        async with routed([endpoint("a", only, slots=3)], [Slots(full_above=0.3)]) as router:
            ends = await at_a_steady_rate(ask, router, M, 3, every_s=0.0)
        return max(end.at_s for end in ends)

    assert run(main) == 1.0
    assert only.most_live == 3


@pytest.mark.parametrize("probes", [1, 3])
def test_a_burst_sends_few_calls_to_an_endpoint_nothing_was_seen_of(ask: Ask, probes: int) -> None:
    known, new = Scripted(answers(0.25)), Scripted(answers(7.0))

    async def main() -> None:
        endpoints = [endpoint("known", known, region="eu"), endpoint("new", new, region="us")]
        async with routed(endpoints, [Regions(), Slots(probes=probes)]) as router:
            await ask(router, hello(model="m", residency={"eu"}))
            await at_a_steady_rate(ask, router, M, 100, every_s=0.0)

    run(main)
    assert (known.calls, new.calls) == (101 - probes, probes)


def test_a_steady_stream_sends_no_more_until_the_first_answer_is_there(ask: Ask) -> None:
    known, new = Scripted(answers(0.25)), Scripted(answers(7.0))

    async def main() -> None:
        endpoints = [endpoint("known", known, region="eu"), endpoint("new", new, region="us")]
        async with routed(endpoints, [Regions(), Slots()]) as router:
            await ask(router, hello(model="m", residency={"eu"}))
            await at_a_steady_rate(ask, router, M, 27, every_s=0.25)

    run(main)
    assert new.calls == 1


def test_where_nobody_is_known_a_burst_is_spread_over_all(ask: Ask) -> None:
    providers = [Scripted(answers(7.0)) for _ in range(3)]
    endpoints = [endpoint(name, provider) for name, provider in zip("abc", providers, strict=True)]

    async def main() -> None:
        async with routed(endpoints, [Slots()]) as router:
            await at_a_steady_rate(ask, router, M, 30, every_s=0.0)

    run(main)
    assert [provider.calls for provider in providers] == [10, 10, 10]


def test_without_a_candidate_there_is_no_slot_to_take(ask: Ask) -> None:
    end = asked(ask, M, five(), [nobody, Slots()])
    assert isinstance(end.error, NoEndpoint)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"full_above": 0.0}, "full_above must be a share above 0"),
        ({"full_above": 1.5}, "full_above must be a share above 0 and up to 1"),
        ({"max_wait_s": -1.0}, "max_wait_s must be a number of at least 0"),
        ({"probes": 0}, "probes must be a whole number of at least 1"),
    ],
)
def test_what_cannot_work_is_refused(wrong: Mapping[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Slots(**wrong)  # type: ignore[arg-type]
