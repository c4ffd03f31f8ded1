"""`Slots`: wait here, or go elsewhere? Whatever is answered sooner."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from paceline.policies import Slots
from paceline.router.errors import ProviderError
from paceline.router.testing import Scripted, answers, endpoint, fails, run

from .asking import hello, routed

if TYPE_CHECKING:
    from paceline.router import Answer, Call, Emit, Handler, Router
    from paceline.router.testing import Script

M = hello(model="m")


async def here_first(call: Call, emit: Emit, next: Handler, /) -> None:
    """A policy that prefers the candidates in the order they have, and holds no two for equal."""
    await next(call.with_(candidates=call.candidates, tied=1), emit)


async def learned(router: Router) -> None:
    """Both endpoints have answered once: each while the other is full."""
    for name, other in (("here", "there"), ("there", "here")):
        with router.fleet[other].slots.acquire_over_limit(2):
            assert (await router.complete(M)).endpoint == name


async def asked_while_busy(router: Router, *, busy: int = 1) -> Answer:
    """What a call comes to that arrives a moment after *busy* others took slots."""
    others = [asyncio.create_task(router.complete(M)) for _ in range(busy)]
    await asyncio.sleep(1 / 64)
    answer = await router.complete(M)
    await asyncio.gather(*others)
    return answer


@pytest.mark.parametrize(
    ("here_s", "there_s", "served_by"),
    [
        (0.25, 1.0, "here"),  # half of 0.25 to wait, and 0.25
        (0.25, 0.3125, "there"),
        (1.0, 1.25, "there"),
        (1.0, 2.0, "here"),
    ],
)
def test_a_call_waits_for_the_better_one_if_it_is_answered_sooner(
    here_s: float, there_s: float, served_by: str
) -> None:
    async def main() -> Answer:
        endpoints = [
            endpoint("here", Scripted(answers(here_s)), slots=1),
            endpoint("there", Scripted(answers(there_s)), slots=2),
        ]
        async with routed(endpoints, [here_first, Slots()]) as router:
            await learned(router)
            return await asked_while_busy(router)

    answer = run(main)
    assert answer.endpoint == served_by
    reasons = [decision.reason for decision in answer.decisions]
    assert ("there has a slot, but here will answer sooner" in reasons) == (served_by == "here")


def test_it_goes_where_it_must_not_wait_longer_than_it_may() -> None:
    async def main() -> str:
        endpoints = [
            endpoint("here", Scripted(answers(2.0)), slots=1),
            endpoint("there", Scripted(answers(8.0)), slots=2),
        ]
        async with routed(endpoints, [here_first, Slots(max_wait_s=0.5)]) as router:
            await learned(router)
            return (await asked_while_busy(router)).endpoint

    assert run(main) == "there"


def test_of_an_endpoint_nothing_was_seen_of_it_finds_out() -> None:
    async def main() -> str:
        endpoints = [
            endpoint("here", Scripted(answers(0.25)), slots=1),
            endpoint("there", Scripted(answers(8.0)), slots=2),
        ]
        async with routed(endpoints, [here_first, Slots()]) as router:
            assert (await router.complete(M)).endpoint == "here"
            return (await asked_while_busy(router)).endpoint

    assert run(main) == "there"


def test_it_never_waits_while_one_of_the_tied_is_free() -> None:
    async def main() -> str:
        endpoints = [
            endpoint("here", Scripted(answers(0.25)), slots=1),
            endpoint("there", Scripted(answers(4.0)), slots=2),
        ]
        async with routed(endpoints, [Slots()]) as router:
            await learned(router)
            return (await asked_while_busy(router)).endpoint

    assert run(main) == "there"


def mostly_failing(then: Script) -> tuple[Script, ...]:
    return (answers(0.25), *[fails(0.0, ProviderError)] * 6, then)


def test_it_waits_for_a_good_one_rather_than_go_to_one_that_fails() -> None:
    failing = Scripted(*mostly_failing(fails(0.0, ProviderError)))

    async def main() -> str:
        endpoints = [endpoint("here", Scripted(answers(0.25)), slots=1), endpoint("there", failing, slots=2)]
        async with routed(endpoints, [Slots()]) as router:
            await learned(router)
            with router.fleet["here"].slots.acquire_over_limit():
                await asyncio.gather(*[router.complete(M) for _ in range(2)], return_exceptions=True)
                for _ in range(4):
                    await asyncio.gather(router.complete(M), return_exceptions=True)
            return (await asked_while_busy(router)).endpoint

    assert run(main) == "here"
    assert failing.calls == 7


def test_the_slots_above_the_bar_are_better_than_a_slow_endpoint() -> None:
    here = Scripted(answers(0.25))

    async def main() -> list[str]:
        endpoints = [endpoint("here", here, slots=4), endpoint("there", Scripted(answers(8.0)), slots=4)]
        async with routed(endpoints, [here_first, Slots(full_above=0.5)]) as router:
            with router.fleet["here"].slots.acquire_over_limit(4):
                await router.complete(M)
            with router.fleet["there"].slots.acquire_over_limit(4):
                await router.complete(M)
            tasks = [asyncio.create_task(router.complete(M)) for _ in range(4)]
            return [(await task).endpoint for task in tasks]

    assert run(main) == ["here"] * 4
    assert here.most_live == 4


def test_it_does_not_wait_for_one_that_is_quicker_but_less_preferred() -> None:
    async def main() -> str:
        endpoints = [
            endpoint("there", Scripted(answers(4.0)), slots=2),
            endpoint("here", Scripted(answers(0.25)), slots=1),
        ]
        async with routed(endpoints, [here_first, Slots()]) as router:
            await learned(router)
            with router.fleet["here"].slots.acquire_over_limit():
                return (await router.complete(M)).endpoint

    assert run(main) == "there"
